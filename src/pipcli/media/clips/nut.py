"""Raw frames with exact times, as ffmpeg takes them from a pipe: the NUT container, as far as one picture needs it.

A stream of bare frames has one rate for all; NUT has a time for each, in any unit (the NUT open container format,
version 3, https://ffmpeg.org/~michael/nut.txt).
"""

from __future__ import annotations

import struct
from fractions import Fraction

from pipcli.media.clips.planes import Planar

_FILE_ID = b"nut/multimedia container\0"
_MAIN = b"NM\x7a\x56\x1f\x5f\x04\xad"
_STREAM = b"NS\x11\x40\x5b\xf2\xf9\xdb"
_INFO = b"NI\xab\x68\xb5\x96\xba\x78"
_SYNCPOINT = b"NK\xe4\xad\xee\xca\x45\x69"

_VERSION = 3
_MAX_DISTANCE = 32767  # bytes without a syncpoint; here one stands before every frame
_KEY, _CODED_PTS, _SIZE_MSB, _CHECKSUM, _INVALID = 1, 8, 32, 64, 8192
_FRAME_CODE = 1
_PTS_SHIFT = 14

_OLD_NAMES = {
    "gray": b"Y800",
    "yuv410p": b"YUV9",
    "yuv411p": b"Y41B",
    "yuv420p": b"I420",
    "yuv422p": b"Y42B",
    "yuv440p": b"440P",
    "yuv444p": b"444P",
}
_FAMILIES = {("gray", False): b"Y1", ("yuv", False): b"Y3", ("yuv", True): b"Y4"}
_FAMILIES |= {("gbr", False): b"G3", ("gbr", True): b"G4"}


def has_code(layout: Planar) -> bool:
    """Whether NUT has a name for a layout of planes: of coarse chroma for 8 bits alone."""
    return layout.name in _OLD_NAMES or layout.subsampling in ("", "420", "422", "444")


def code_of(layout: Planar) -> bytes:
    """What NUT calls a layout of planes."""
    if layout.name in _OLD_NAMES:
        return _OLD_NAMES[layout.name]
    across, down = layout.steps
    finer = 10 * (across.bit_length() - 1) + down.bit_length() - 1
    return _FAMILIES[layout.family, layout.has_alpha] + bytes([finer, layout.depth])


def header(layout: Planar, width: int, height: int, base: Fraction, rate: Fraction | None) -> bytes:
    """What comes before the first frame.

    Args:
        layout: of samples.
        width: of a frame.
        height: of a frame.
        base: seconds a tick lasts.
        rate: frames a second; None where it varies.
    """
    return (
        _FILE_ID
        + _packet(_MAIN, _main_header(base))
        + _packet(_STREAM, _stream_header(layout, width, height))
        + (_packet(_INFO, _rate_info(rate)) if rate is not None else b"")
    )


def frame_header(tick: int, size: int) -> bytes:
    """What comes before the `size` bytes of the frame shown at a tick, which is not negative."""
    key = _packet(_SYNCPOINT, _number(tick) + _number(0))
    start = bytes([_FRAME_CODE]) + _number(tick + (1 << _PTS_SHIFT)) + _number(size)
    return key + start + _checksum(start)


def _main_header(base: Fraction) -> bytes:
    numbers = (_VERSION, 1, _MAX_DISTANCE, 1, base.numerator, base.denominator)
    # Of 256 possible first bytes of a frame, one is used; "N", with which packets start, is never counted.
    codes = _codes(_INVALID, _FRAME_CODE)
    codes += _codes(_KEY | _CODED_PTS | _SIZE_MSB | _CHECKSUM, 1)
    codes += _codes(_INVALID, 255 - _FRAME_CODE - 1)
    return b"".join(map(_number, numbers)) + codes + _number(0)


def _codes(flags: int, count: int) -> bytes:
    pts, multiplier, stream, size, reserved = 0, 1, 0, 0, 0
    return b"".join(map(_number, (flags, 6, pts, multiplier, stream, size, reserved, count)))


def _stream_header(layout: Planar, width: int, height: int) -> bytes:
    identifier, video, time_base, distance, delay, flags, aspect, colours = 0, 0, 0, 0, 0, 0, 0, 0
    return (
        _number(identifier)
        + _number(video)
        + _bytes(code_of(layout))
        + b"".join(map(_number, (time_base, _PTS_SHIFT, distance, delay, flags)))
        + _bytes(b"")
        + b"".join(map(_number, (width, height, aspect, aspect, colours)))
    )


def _rate_info(rate: Fraction) -> bytes:
    stream_plus_1, chapter, start, length, count, text = 1, 0, 0, 0, 1, 2  # 2 stands for -1, which stands for text
    numbers = (stream_plus_1, chapter, start, length, count)
    value = f"{rate.numerator}/{rate.denominator}".encode()
    return b"".join(map(_number, numbers)) + _bytes(b"r_frame_rate") + _number(text) + _bytes(value)


def _packet(start_code: bytes, content: bytes) -> bytes:
    content += _checksum(content)
    start = start_code + _number(len(content))
    return start + (_checksum(start) if len(content) > 4096 else b"") + content


def _number(value: int) -> bytes:
    """An unsigned number of variable length, seven bits a byte, the highest first."""
    groups = [value & 0x7F]
    while value := value >> 7:
        groups.append(value & 0x7F | 0x80)
    return bytes(reversed(groups))


def _bytes(data: bytes) -> bytes:
    return _number(len(data)) + data


def _crc_of_byte(value: int) -> int:
    crc = value << 24
    for _ in range(8):
        crc = (crc << 1 ^ (0x04C11DB7 if crc & 0x80000000 else 0)) & 0xFFFFFFFF
    return crc


_TABLE = tuple(map(_crc_of_byte, range(256)))


def _checksum(data: bytes) -> bytes:
    crc = 0
    for byte in data:
        crc = crc << 8 & 0xFFFFFFFF ^ _TABLE[crc >> 24 ^ byte]
    return struct.pack(">I", crc)
