"""Chroma siting of a clip, which only decoded frames tell."""

from __future__ import annotations

import re
from pathlib import Path

from pipcli.media.clips.clip import Kind
from pipcli.media.clips.containers import input_options
from pipcli.media.clips.ffmpeg import Process

_FRAME = re.compile(r"\[Parsed_showinfo_\d+ @ \w+\] \[info\] n: .*? fmt:\w+ cl:(\w+) ")
_UNSAID = "unspecified"


def siting_of(path: Path, kind: Kind, index: int, decoder: tuple[str, ...]) -> str | None:
    """Where chroma is in the first frame of a stream, in ffmpeg's names; None if nothing says so.

    Args:
        path: the file.
        kind: of container.
        index: of the stream.
        decoder: options that ffmpeg needs to decode all of it.
    """
    found: list[str] = []

    def listen(line: str) -> None:
        if match := _FRAME.match(line):
            found.append(match[1])

    arguments = ["-v", "level+info", "-nostats", *decoder, *input_options(kind, path), "-map", f"0:{index}"]
    arguments += ["-map_metadata", "-1", "-frames:v", "1", "-vf", "showinfo=checksum=0", "-f", "null", "-"]
    with Process(arguments, listen=listen) as process:
        process.wait()
    # The last line is of the filter itself: what stands in a file's tags is told before there is a frame.
    return found[-1] if found and found[-1] != _UNSAID else None
