"""Mutate small clips of all containers and read them: refused in one line or read, within 5 s and 1 GiB, and no more.

A mutant is a sound clip with bytes flipped, numbers set to extremes, parts left out, repeated or moved, or its end
missing. It is opened (header, packets, times of all frames) and its first frames are decoded. The work is done in
pieces, a process each, so that a crash of a library is told too; memory is that of the process and of each ffmpeg that
it starts. The same seed gives the same mutants with the same versions of ffmpeg.

    python benchmarks/fuzz_clips.py --mutants 3000 --json benchmarks/results/fuzz-clips.json
"""

import argparse
import json
import random
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import imageio_ffmpeg
from PIL import Image

from common.about import about
from pipcli.errors import PipRestoreError
from pipcli.media.clips import open_clip, read_frames

LONGEST, LARGEST = 5.0, 1 << 30  # seconds and bytes
FRAMES = 3
PICTURE = ("-f", "lavfi", "-i", "testsrc2=s=64x48:r=25:d=0.4")
TONE = ("-f", "lavfi", "-i", "sine=d=0.4")
WEIGHTS = (8, 8, 1, 1, 3, 1)  # of the ways to change: those that leave the rest in its place are likelier
EXTREMES = (0, 1, 0x7F, 0x80, 0xFF, 0x7FFF, 0xFFFF, 0x7FFFFFFF, 0x80000000, 0xFFFFFFFF, 0xFFFFFFFFFFFFFFFF)
SOURCES: dict[str, tuple[str, ...]] = {
    "h264.mp4": (*PICTURE, *TONE, "-i", "COVER", "-map", "0", "-map", "1", "-map", "2", "-c:v:0", "libx264",
                 "-pix_fmt:v:0", "yuv420p", "-c:v:1", "copy", "-disposition:v:1", "attached_pic"),
    "fragments.mp4": (*PICTURE, *TONE, "-c:v", "libx264", "-g", "4", "-movflags", "frag_keyframe+empty_moov"),
    "hevc.mp4": (*PICTURE, "-c:v", "libx265", "-x265-params", "log-level=error", "-pix_fmt", "yuv420p10le"),
    "prores.mov": (*PICTURE, "-c:v", "prores_ks", "-timecode", "01:00:00:00"),
    "fields.mov": (*PICTURE, "-vf", "setfield=tff", "-c:v", "mjpeg"),
    "attachments.mkv": (*PICTURE, *TONE, "-c:v", "libx264", "-attach", "COVER", "-metadata:s:t", "mimetype=image/png"),
    "ffv1.mkv": (*PICTURE, "-c:v", "ffv1", "-pix_fmt", "yuva420p"),
    "mpeg2.mkv": (*PICTURE, "-vf", "setfield=bff", "-c:v", "mpeg2video", "-flags", "+ildct+ilme"),
    "vp9.webm": (*PICTURE, *TONE, "-c:v", "libvpx-vp9", "-pix_fmt", "yuva420p", "-c:a", "libopus"),
    "xvid.avi": (*PICTURE, *TONE, "-c:v", "mpeg4", "-bf", "2", "-vtag", "XVID", "-c:a", "pcm_s16le"),
    "rgb.avi": (*PICTURE, "-frames:v", "4", "-c:v", "rawvideo", "-pix_fmt", "bgr24"),
    "palette.gif": (*PICTURE, "-vf", "fps=10"),
}  # fmt: skip


def sources(folder: Path) -> dict[str, bytes]:
    """Make the sound clips."""
    Image.new("RGB", (24, 24), (200, 30, 30)).save(folder / "cover.png")
    found = {}
    for name, words in SOURCES.items():
        line = [str(folder / "cover.png") if word == "COVER" else word for word in words]
        ffmpeg = [imageio_ffmpeg.get_ffmpeg_exe(), "-nostdin", "-v", "error", "-y"]
        subprocess.run([*ffmpeg, *line, "-fflags", "+bitexact", str(folder / name)], check=True)
        found[name] = (folder / name).read_bytes()
    return found


def mutant(data: bytes, draws: random.Random) -> bytes:
    """Change a clip in one to three ways, each time near its beginning, near its end, or anywhere."""
    changed = bytearray(data)
    for _ in range(draws.randint(1, 3)):
        if len(changed) < 16:
            break
        (way,), at = draws.choices(range(6), WEIGHTS), _place(len(changed), draws)
        length = min(draws.choice((1, 2, 4, 8, 32, 256)), len(changed) - at)
        if way == 0:
            for place in range(at, at + length):
                changed[place] ^= draws.randrange(1, 256)
        elif way == 1:
            size = draws.choice((1, 2, 4, 8))
            number = draws.choice(EXTREMES) & (1 << 8 * size) - 1
            changed[at : at + size] = number.to_bytes(size, draws.choice(("big", "little")))
        elif way == 2:
            del changed[at : at + length]
        elif way == 3:
            changed[at:at] = changed[at : at + length] * draws.choice((1, 2, 50))
        elif way == 4:
            other = _place(len(changed), draws)
            changed[at : at + length] = changed[other : other + length]
        else:
            del changed[max(16, len(changed) - draws.randrange(1, len(changed))) :]
    return bytes(changed)


def _place(length: int, draws: random.Random) -> int:
    near = draws.randrange(4)
    if near == 0:
        return draws.randrange(min(length, 400))
    if near == 1:
        return length - 1 - draws.randrange(min(length, 1500))
    return draws.randrange(length)


def read(path: Path) -> str:
    """Open a clip and decode its first frames; how it was refused, "read", or what else came of it."""
    try:
        clip = open_clip(path)
        frames = list(read_frames(clip, 0, min(FRAMES, clip.frame_count)))
        assert all(frame.shape == (clip.height, clip.width, clip.channels) for frame in frames)
    except PipRestoreError as error:
        return "refused" if str(error).isprintable() else f"unprintable: {error!r}"
    except Exception as error:  # what is looked for
        return f"{type(error).__name__}: {error}"
    return "read"


def piece(first: int, count: int, seed: int) -> Iterator[dict[str, Any]]:
    """Read some of the mutants: what came of each, the seconds, and the most memory so far, in bytes."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        sound = sources(folder)
        for source in sound:  # the largest of the sound ones is no fault of a mutant
            assert read(folder / source) == "read", source
        for number in range(first, first + count):
            draws = random.Random(f"{seed} {number}")
            source = draws.choice(list(sound))
            path = folder / f"mutant.{source.split('.')[1]}"
            path.write_bytes(mutant(sound[source], draws))
            began = time.monotonic()
            outcome = read(path)
            who = (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)
            yield {
                "number": number,
                "source": source,
                "outcome": outcome,
                "seconds": round(time.monotonic() - began, 3),
                "bytes": max(resource.getrusage(one).ru_maxrss for one in who) << 10,
            }


def in_pieces(mutants: int, together: int, seed: int) -> Iterator[dict[str, Any]]:
    """Read all mutants; a process that dies counts as an outcome of the mutant that it read, and the rest go on."""
    first = 0
    while first < mutants:
        count = min(together, mutants - first)
        words = [sys.executable, __file__, "--piece", str(first), str(count), "--seed", str(seed)]
        run = subprocess.run(words, capture_output=True, text=True)
        rows = [json.loads(line) for line in run.stdout.splitlines()]
        yield from rows
        first += len(rows)
        if run.returncode:
            ended = f"the process ended with {run.returncode}: {run.stderr[-300:]}"
            yield {"number": first, "source": "", "outcome": ended, "seconds": 0.0, "bytes": 0}
            first += 1
        print(f"{first} of {mutants}", file=sys.stderr, flush=True)


def summed(rows: list[dict[str, Any]]) -> dict[str, Any]:
    """Return the sums, and the rows that are faults."""
    foreign = [row for row in rows if row["outcome"] not in ("read", "refused")]
    return {
        "mutants": len(rows),
        "read": sum(row["outcome"] == "read" for row in rows),
        "refused": sum(row["outcome"] == "refused" for row in rows),
        "foreign": foreign,
        "slow": [row for row in rows if row["seconds"] > LONGEST],
        "large": [row for row in rows if row["bytes"] > LARGEST][:5],
        "slowest_seconds": max(row["seconds"] for row in rows),
        "largest_bytes": max(row["bytes"] for row in rows),
        "by_source": {name: sum(row["source"] == name for row in rows) for name in SOURCES},
    }


def main() -> None:
    """Read the mutants, print the sums, and write the JSON if asked."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--mutants", type=int, default=3000)
    parser.add_argument("--together", type=int, default=100, help="mutants a process")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--piece", type=int, nargs=2, metavar=("FIRST", "COUNT"), help=argparse.SUPPRESS)
    parser.add_argument("--json", type=Path)
    arguments = parser.parse_args()
    if arguments.piece:
        for row in piece(*arguments.piece, arguments.seed):
            print(json.dumps(row), flush=True)
        return
    sums = summed(list(in_pieces(arguments.mutants, arguments.together, arguments.seed)))
    print(json.dumps(sums, indent=1))
    if arguments.json:
        arguments.json.write_text(json.dumps({"about": about("cpu"), **sums}, indent=1) + "\n")


if __name__ == "__main__":
    main()
