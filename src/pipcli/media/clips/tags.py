"""Names for the numbers of colour tags (ISO/IEC 23091-2, as ffmpeg spells them) and for what frames carry along."""

from __future__ import annotations

_RANGES = {1: "tv", 2: "pc"}
_MATRICES = {
    0: "gbr",
    1: "bt709",
    4: "fcc",
    5: "bt470bg",
    6: "smpte170m",
    7: "smpte240m",
    8: "ycgco",
    9: "bt2020nc",
    10: "bt2020c",
    11: "smpte2085",
    12: "chroma-derived-nc",
    13: "chroma-derived-c",
    14: "ictcp",
    15: "ipt-c2",
    16: "ycgco-re",
    17: "ycgco-ro",
}
_PRIMARIES = {
    1: "bt709",
    4: "bt470m",
    5: "bt470bg",
    6: "smpte170m",
    7: "smpte240m",
    8: "film",
    9: "bt2020",
    10: "smpte428",
    11: "smpte431",
    12: "smpte432",
    22: "ebu3213",
}
_TRANSFERS = {
    1: "bt709",
    4: "bt470m",
    5: "bt470bg",
    6: "smpte170m",
    7: "smpte240m",
    8: "linear",
    9: "log100",
    10: "log316",
    11: "iec61966-2-4",
    12: "bt1361e",
    13: "iec61966-2-1",
    14: "bt2020-10",
    15: "bt2020-12",
    16: "smpte2084",
    17: "smpte428",
    18: "arib-std-b67",
}
COLOUR_NAMES = (_RANGES, _MATRICES, _PRIMARIES, _TRANSFERS)
"""Of range, matrix, primaries and transfer, in the order of `Colour`; what is not there says nothing."""

SIDE_DATA_NAMES = {
    "MASTERING_DISPLAY_METADATA": "Mastering display metadata",
    "CONTENT_LIGHT_LEVEL": "Content light level",
    "DYNAMIC_HDR_PLUS": "HDR10+ metadata",
    "DYNAMIC_HDR_VIVID": "HDR Vivid metadata",
    "DOVI_RPU_BUFFER": "Dolby Vision metadata",
    "DOVI_METADATA": "Dolby Vision metadata",
    "A53_CC": "ATSC A53 closed captions",
    "STEREO3D": "Stereo 3D",
    "SPHERICAL": "Spherical mapping",
    "AFD": "Active format description",
}
"""What frames carry along that is lost when they are coded anew, by PyAV's names."""
