"""The options of `pip-restore video`: those of all tasks, and what clips have beside them."""

import dataclasses
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from pipcli.cli import panels
from pipcli.cli.options import Strength, clip_output_path
from pipcli.cli.photo_options import TaskOptions
from pipcli.errors import UnusableInputError
from pipcli.settings import KernelName


class ClipTaskName(StrEnum):
    """What can be done with a clip."""

    DENOISE = "denoise"
    SR = "sr"
    INPAINT = "inpaint"
    DEHAZE = "dehaze"
    DEBLUR = "deblur"
    INTERPOLATE = "interpolate"


# What belongs to one task alone.
OPTIONS_OF_TASKS = {
    ClipTaskName.DENOISE: ("strength",),
    ClipTaskName.SR: ("scale", "kernel"),
    ClipTaskName.INPAINT: ("mask", "invert_mask"),
    ClipTaskName.DEHAZE: ("airlight",),
    ClipTaskName.DEBLUR: ("kernel_file", "kernel_size"),
    ClipTaskName.INTERPOLATE: ("factor",),
}

TaskOption = Annotated[
    ClipTaskName,
    typer.Option(
        "--task",
        help="What to do: denoise, sr (enlarge), inpaint (fill holes), dehaze, deblur, or interpolate (more frames in "
        "between).",
    ),
]
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
Scale = Annotated[
    float | None,
    typer.Option(min=1, max=16, help="sr: how many times longer each side becomes, 1 to 16. [default: 4]"),
]
Kernel = Annotated[
    KernelName | None,
    typer.Option(help="sr: how the small clip was made: lanczos, bicubic, box or gaussian. [default: lanczos]"),
]
Mask = Annotated[
    Path | None,
    typer.Option(
        help="inpaint: what to fill, white: one picture for all frames, or a clip or folder with one for each.",
        metavar="FILE",
    ),
]
InvertMask = Annotated[bool, typer.Option("--invert-mask", help="inpaint: white is what to keep.")]
KernelFile = Annotated[
    Path | None,
    typer.Option(help="deblur: the blur, a picture of a point of light. [default: estimated]", metavar="FILE"),
]
KernelSize = Annotated[
    int | None,
    typer.Option(min=3, max=255, help="deblur: side in pixels within which to look for the blur. [default: several]"),
]
Airlight = Annotated[
    str | None,
    typer.Option(help="dehaze: colour of the haze, R,G,B in 0 to 1. [default: found, once a clip]", metavar="R,G,B"),
]
Factor = Annotated[
    int | None, typer.Option(min=2, max=64, help="interpolate: how many times as many frames. [default: 2]")
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
    """What the user said of a clip, as typed."""

    output: Output = None
    reference: Reference = None
    sheet: Sheet = None
    strength: Strength = 1.0
    scale: Scale = None
    kernel: Kernel = None
    mask: Mask = None
    invert_mask: InvertMask = False
    kernel_file: KernelFile = None
    kernel_size: KernelSize = None
    airlight: Airlight = None
    factor: Factor = None
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


def option_name(field: str) -> str:
    """Return what a field is on the command line."""
    return f"--{field.replace('_', '-')}"


def refuse_those_of_other_tasks(name: ClipTaskName, said: ClipOptions) -> None:
    """Refuse options that would change nothing.

    Raises:
        UnusableInputError: there is one; the message names it and its task.
    """
    defaults = {field.name: field.default for field in dataclasses.fields(ClipOptions)}
    for task, fields in OPTIONS_OF_TASKS.items():
        for field in fields if task != name else ():
            if getattr(said, field) != defaults[field]:
                raise UnusableInputError(f"{option_name(field)} applies to --task {task}, not to {name}: leave it out")
