"""What a clip's file holds, by ffmpeg's own lists of packets and tags: shares no line with the code under test.

"framecrc" and "ffmetadata" are data with quoting, other than ffmpeg's log.
"""

import re
import subprocess
from fractions import Fraction
from pathlib import Path
from typing import NamedTuple

import imageio_ffmpeg


class Held(NamedTuple):
    """One stream of a file.

    Attributes:
        type: "video", "audio", "subtitle", "data" or "attachment".
        codec: ffmpeg's name for its coding.
        tags: by their names in lower case.
        packets: (seconds, checksum) of each in order of time.
    """

    type: str
    codec: str
    tags: dict[str, str]
    packets: list[tuple[Fraction, str]]


def output(*arguments: str | Path) -> str:
    """Run ffmpeg, which must succeed, and return what it wrote to its standard output."""
    program = imageio_ffmpeg.get_ffmpeg_exe()
    run = subprocess.run([program, "-nostdin", "-v", "error", *arguments], capture_output=True, timeout=60)
    assert run.returncode == 0, run.stderr.decode(errors="replace")
    return run.stdout.decode("utf-8", "surrogateescape")


def held(path: Path) -> list[Held]:
    """All streams of a file, in order."""
    copied = ("-copyts", "-i", path, "-map", "0", "-c", "copy", "-copy_unknown")
    crc, tags = output(*copied, "-f", "framecrc", "-"), _tags(output(*copied, "-f", "ffmetadata", "-"))
    types = re.findall(r"^#media_type \d+: (\w+)", crc, re.MULTILINE)
    codecs = re.findall(r"^#codec_id \d+: (\w+)", crc, re.MULTILINE)
    bases = [Fraction(base) for base in re.findall(r"^#tb \d+: (\S+)", crc, re.MULTILINE)]
    packets: list[list[tuple[Fraction, str]]] = [[] for _ in types]
    for line in crc.splitlines():
        if found := re.match(r"(\d+), *-?\d+, *(-?\d+), *-?\d+, *[1-9]\d*, *(\w+)", line):
            stream = int(found[1])
            packets[stream].append((int(found[2]) * bases[stream], found[3]))
    return [
        Held(kind, codec, tags[at], sorted(packets[at]))
        for at, (kind, codec) in enumerate(zip(types, codecs, strict=True))
    ]


def with_disposition(path: Path, name: str) -> list[str]:
    """The codings of the streams that have a disposition, such as "default" or "attached_pic"."""
    picked = ("-map", f"0:disp:{name}?", "-c", "copy", "-copy_unknown", "-f", "framecrc", "-")
    # A sound of our own behind them, so that there is a stream in any case.
    crc = output(
        "-i",
        path,
        "-f",
        "lavfi",
        "-t",
        "0.1",
        "-i",
        "sine",
        *picked[:2],
        "-map",
        "1",
        *picked[2:4],
        "-c:a",
        "aac",
        *picked[4:],
    )
    return re.findall(r"^#codec_id \d+: (\w+)", crc, re.MULTILINE)[:-1]


def shown(path: Path, stream: int = 0) -> list[Fraction]:
    """The times in seconds at which the frames of a stream are shown, as players that use ffmpeg see them."""
    made = ("-copyts", "-i", path, "-map", f"0:{stream}", "-fps_mode", "passthrough", "-enc_time_base", "demux")
    crc = output(*made, "-c:v", "rawvideo", "-f", "framecrc", "-")
    base = Fraction(re.findall(r"^#tb 0: (\S+)", crc, re.MULTILINE)[0])
    return [int(pts) * base for pts in re.findall(r"^0, *-?\d+, *(-?\d+),", crc, re.MULTILINE)]


def chapters(path: Path) -> list[str]:
    """The titles of a file's chapters."""
    text = output("-i", path, "-f", "ffmetadata", "-")
    return re.findall(r"^title=(.*)$", text.partition("[CHAPTER]")[2], re.MULTILINE)


def _tags(text: str) -> list[dict[str, str]]:
    """Of each stream, out of ffmpeg's metadata format, where = ; # \\ and line breaks are escaped."""
    sections = re.split(r"^\[(STREAM|CHAPTER)\]\n", text, flags=re.MULTILINE)
    streams = [body for kind, body in zip(sections[1::2], sections[2::2], strict=True) if kind == "STREAM"]
    pair = re.compile(r"((?:[^=\\\n]|\\.)*)=((?:[^\\\n]|\\.)*)\n", re.DOTALL)
    return [{_plain(name).lower(): _plain(value) for name, value in pair.findall(body)} for body in streams]


def _plain(text: str) -> str:
    return re.sub(r"\\(.)", r"\1", text, flags=re.DOTALL)
