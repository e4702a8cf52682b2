"""The options of `pip-restore video` that all tasks share."""

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import typer

from pipcli.tasks import panels
from pipcli.tasks.options import clip_output_path
from pipcli.tasks.shared import TaskOptions

Output = Annotated[
    Path | None,
    typer.Option(
        "--output",
        "-o",
        parser=clip_output_path,
        metavar="PATH",
        help="Where to write: .mp4, .mkv, .mov, .webm, .avi, .gif, a folder that exists, or a new one for numbered "
        "pictures. [default: beside the input, NAME_TASK.EXT]",
        rich_help_panel=panels.OUTPUT,
    ),
]
Reference = Annotated[
    Path | None,
    typer.Option(
        help="Clean clip to measure the result against; the fit never sees it.",
        metavar="CLIP",
        rich_help_panel=panels.REPORTS,
    ),
]
Sheet = Annotated[
    Path | None,
    typer.Option(
        help="Also write a PNG with a strip of frames, before and after.",
        metavar="FILE",
        rich_help_panel=panels.REPORTS,
    ),
]
SideBySide = Annotated[
    Path | None,
    typer.Option(
        help="Also write a clip with the input on the left and the result on the right.",
        metavar="CLIP",
        rich_help_panel=panels.REPORTS,
    ),
]
Slice = Annotated[
    Path | None,
    typer.Option(
        help="Also write a PNG of the middle row of pixels over time, before and after: flicker shows as stripes.",
        metavar="FILE",
        rich_help_panel=panels.REPORTS,
    ),
]
Rate = Annotated[
    str | None,
    typer.Option(
        "--fps",
        help="interpolate: frames a second instead, such as 60 or 60000/1001. Of a folder of pictures: its rate.",
        metavar="RATE",
    ),
]
PerFrame = Annotated[
    bool, typer.Option("--per-frame", help="Restore each frame by itself, as a picture: for comparison.")
]
WindowLength = Annotated[
    int | None,
    typer.Option("--window", min=1, max=1000, help="Number of frames that are fitted together. [default: by task]"),
]
Resume = Annotated[
    bool,
    typer.Option(
        "--resume/--no-resume",
        help="Continue what an ended run of the same command has kept beside the output, or start anew.",
        rich_help_panel=panels.STOPPING,
    ),
]
Codec = Annotated[
    str | None,
    typer.Option(
        help="Encoder, by ffmpeg's name, such as libx265 or ffv1. [default: like the input's]",
        rich_help_panel=panels.ENCODER,
    ),
]
Crf = Annotated[
    float | None,
    typer.Option(
        min=0,
        max=63,
        help="Quality of the encoder, lower is better. [default: by encoder]",
        rich_help_panel=panels.ENCODER,
    ),
]
Preset = Annotated[
    str | None,
    typer.Option(help="Preset of the encoder, such as slow. [default: by encoder]", rich_help_panel=panels.ENCODER),
]
PixelFormat = Annotated[
    str | None,
    typer.Option(
        "--pix-fmt",
        help="Pixel format, such as yuv420p10le. [default: like the input's]",
        rich_help_panel=panels.ENCODER,
    ),
]
EncoderOptions = Annotated[
    list[str] | None,
    typer.Option(
        "--encoder-option",
        "-e",
        help="Further option of the encoder; may be repeated.",
        metavar="KEY=VALUE",
        rich_help_panel=panels.ENCODER,
    ),
]
Lossless = Annotated[bool, typer.Option("--lossless", help="Encode without loss.", rich_help_panel=panels.ENCODER)]


@dataclass(frozen=True, kw_only=True)
class ClipOptions(TaskOptions):
    """What the user said of a clip by the options that all tasks share, as typed."""

    output: Output = None
    reference: Reference = None
    sheet: Sheet = None
    fps: Rate = None
    per_frame: PerFrame = False
    window: WindowLength = None
    resume: Resume = True
    side_by_side: SideBySide = None
    slice: Slice = None
    codec: Codec = None
    crf: Crf = None
    preset: Preset = None
    pix_fmt: PixelFormat = None
    encoder_options: EncoderOptions = None
    lossless: Lossless = False
