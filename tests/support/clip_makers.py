"""Small clips made with ffmpeg itself, and what is read in them: streams by the oracle, times and pictures by PyAV."""

import subprocess
from fractions import Fraction
from pathlib import Path

import av
import imageio_ffmpeg
import numpy as np
from numpy.typing import NDArray

from pipcli.media.clips import Clip, ClipWriter, EncodingOptions, Plan, check_writing, open_clip, read_frames

PICTURE = ("-f", "lavfi", "-i", "gradients=s=64x48:r=25:d=0.4:speed=0.2:seed=1,format=rgb24")
TONE = ("-f", "lavfi", "-i", "sine=d=0.5")
ODD_PICTURE = ("-f", "lavfi", "-i", "gradients=s=65x49:r=25:d=0.24:speed=0.2:seed=1,format=rgb24")
SUBTITLES = "1\n00:00:00,100 --> 00:00:00,200\nHello\n\n2\n00:00:00,250 --> 00:00:00,350\nworld\n"
CHAPTERS = (
    ";FFMETADATA1\ntitle=A \\; strange \\= title\n"
    "[CHAPTER]\nTIMEBASE=1/1000\nSTART=0\nEND=200\ntitle=One\n[CHAPTER]\nTIMEBASE=1/1000\nSTART=200\nEND=400\ntitle=Two\n"
)


def ffmpeg(*arguments: str | Path) -> None:
    """Run the ffmpeg that comes with imageio-ffmpeg."""
    program = imageio_ffmpeg.get_ffmpeg_exe()
    run = subprocess.run([program, "-nostdin", "-y", "-v", "error", *arguments], capture_output=True, text=True)
    assert run.returncode == 0, run.stderr


def frames(path: Path) -> list[tuple[Fraction, "av.VideoFrame"]]:
    """(seconds, frame) of the picture, by PyAV, which the code under test asks for streams, but not for times."""
    with av.open(str(path)) as container:
        return [(frame.pts * frame.time_base, frame) for frame in container.decode(video=0)]


def relative(times: list[Fraction]) -> list[Fraction]:
    return [time - times[0] for time in times]


def seconds(clip: Clip) -> list[Fraction]:
    return [tick * clip.times.base for tick in clip.times.ticks]


def samples_of(clip: Clip) -> list[NDArray[np.uint16]]:
    return list(read_frames(clip))


def rewritten(source: Path, output: Path, options: EncodingOptions | None = None) -> tuple[Clip, Plan, Clip]:
    """Read a clip and write it again without any restoration: the clip, the plan, and what was written."""
    clip = open_clip(source)
    plan = check_writing(clip, output, (clip.height, clip.width), clip.times, options, overwrite=False)
    with ClipWriter(plan) as writer:
        for frame in read_frames(clip):
            writer.write(frame)
        writer.finish()
    return clip, plan, open_clip(output)
