"""What only the samples of a clip tell: whether its alpha hides anything, and which of two fields comes first."""

from __future__ import annotations

from pathlib import Path

from pipcli.media.clips.clip import FieldName, Kind
from pipcli.media.clips.colours import alpha_of, grey_format
from pipcli.media.clips.containers import input_options
from pipcli.media.clips.ffmpeg import FfmpegFailure, PixelFormat, Process, output_of

_LOOKED_AT = 12
_CHUNK = 1 << 20


def is_opaque(path: Path, kind: Kind, index: int, decoder: tuple[str, ...], layout: PixelFormat) -> bool:
    """Whether the alpha of every frame of a stream is at its largest everywhere.

    Raises:
        FfmpegFailure: it cannot be decoded.
    """
    import numpy as np

    depth = max(8, layout.depth)
    arguments = ["-v", "level+error", "-nostats", *decoder, *input_options(kind, path), "-map", f"0:{index}"]
    arguments += ["-fps_mode", "passthrough", "-vf", ",".join([*alpha_of(layout), f"format={grey_format(depth)}"])]
    with Process([*arguments, "-f", "rawvideo", "-"]) as process:
        while data := process.sink.read(_CHUNK):
            if bool((np.frombuffer(data, "u1" if depth == 8 else "<u2") != 2**depth - 1).any()):
                return False
        if process.wait():
            raise FfmpegFailure(process.reason)
    return True


def first_field(path: Path, kind: Kind, index: int, decoder: tuple[str, ...]) -> FieldName:
    """Which field of the first frames, which are interlaced, is shown first.

    Raises:
        FfmpegFailure: it cannot be decoded.
    """
    arguments = ["-v", "level+error", "-nostats", *decoder, *input_options(kind, path), "-map", f"0:{index}"]
    arguments += ["-vf", f"trim=end_frame={_LOOKED_AT},select=eq(interlace_type\\,BOTTOMFIRST)"]
    lines, _ = output_of([*arguments, "-fps_mode", "passthrough", "-c:v", "rawvideo", "-f", "framecrc", "-"])
    return "bottom" if any(line.startswith("0,") for line in lines.splitlines()) else "top"
