"""`pip-restore compare`: measure pictures or clips against each other or against a reference."""

from pathlib import Path
from typing import Annotated

import typer

from pipcli.errors import ExitCode, UnusableInputError
from pipcli.tasks import options
from pipcli.tasks.options import STANDARD_STREAM

Pictures = Annotated[
    list[Path], typer.Argument(metavar="PICTURE", help="What to measure; one may be -, for a picture on stdin.")
]
Reference = Annotated[
    Path | None,
    typer.Option(
        "--reference", "-r", help="What to measure against. [default: the second of two pictures]", metavar="FILE"
    ),
]
Border = Annotated[
    int, typer.Option(min=0, help="Pixels at each edge that are not measured; the super-resolution papers leave out 4.")
]
Difference = Annotated[
    Path | None,
    typer.Option(
        help="Write a PNG of picture minus reference, mid grey being none; of several, side by side.", metavar="FILE"
    ),
]
Gain = Annotated[float, typer.Option(help="What --difference multiplies by; 1 shows all of -0.5 to 0.5.")]
Sheet = Annotated[
    Path | None, typer.Option(help="Write a PNG of the pictures side by side, with their PSNR.", metavar="FILE")
]
Wipe = Annotated[
    Path | None,
    typer.Option(
        help="Write a PNG of two pictures: the left half of the first, the right half of the second, and a line.",
        metavar="FILE",
    ),
]
Json = Annotated[bool, typer.Option("--json", help="Print one JSON line instead of the table.")]

GAIN_RANGE = (0.01, 1000.0)


def compare(
    pictures: Pictures,
    reference: Reference = None,
    border: Border = 0,
    difference: Difference = None,
    gain: Gain = 1.0,
    sheet: Sheet = None,
    wipe: Wipe = None,
    json: Json = False,
    overwrite: options.Overwrite = False,
) -> int:
    """Measure how far pictures, or clips, are from a reference.

    Of two without --reference the second is the reference. Samples of any depth count as numbers from 0 to 1;
    transparency and colour profiles are left aside.

    PSNR: of one error over all samples of all channels. PSNR-Y: of the luma of BT.601 in studio range, not rounded, as
    the super-resolution papers have it; it is 1.32 dB higher for the same error, and grey counts as a colour picture.
    SSIM: of Wang et al. 2004 with a Gaussian window of 11x11, only where it fits in, the mean over the channels.

    Of clips (video files and folders of numbered pictures) all frames count: PSNR of one error over all of them, and of
    the worst and the best frame; SSIM 3-D with a window over 11 frames, too, zeros around, as in the papers on clips;
    changes, the PSNR of what differs between neighbouring frames, which flicker lowers; warping, the mean square of
    what a frame differs by from the next one moved back along the reference's optical flow, where that can be trusted
    (Lai et al. 2018), lower is steadier.

    \b
    Examples:
      pip-restore compare restored.png clean.png
      pip-restore compare noisy.png restored.png --reference clean.png --wipe wipe.png
      pip-restore compare ours.png theirs.png bicubic.png --reference clean.png --border 4 --json
      pip-restore compare restored.mp4 clean.mp4
    """
    if not GAIN_RANGE[0] <= gain <= GAIN_RANGE[1]:
        raise UnusableInputError(f"--gain is a factor, from {GAIN_RANGE[0]:g} to {GAIN_RANGE[1]:g}, not {gain:g}")
    if reference is None and len(pictures) != 2:
        raise UnusableInputError(
            f"without --reference two pictures are compared, and there are {len(pictures)}: say which is the reference"
        )
    if [*pictures, reference].count(STANDARD_STREAM) > 1:
        raise UnusableInputError("only one picture can come from stdin: give the others as files")
    # Everything that takes long to import waits until there is work to do: --help is instant.
    from pipcli.jobs.compare.pictures import Drawings, compare_files
    from pipcli.media.clips import is_clip

    measured, against = (pictures, reference) if reference is not None else (pictures[:1], pictures[1])
    drawings = Drawings(difference, gain, sheet, wipe)
    if is_clip(against):
        from pipcli.jobs.compare.clips import compare_clips

        compare_clips(measured, against, drawings, border=border, json_lines=json)
        return ExitCode.DONE
    compare_files(measured, against, drawings, border=border, json_lines=json, overwrite=overwrite)
    return ExitCode.DONE
