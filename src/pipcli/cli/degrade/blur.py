"""`pip-restore degrade blur`: convolve a picture with a known kernel."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from pipcli.cli.degrade import options
from pipcli.errors import UnusableInputError
from pipcli.media import Photo, read_photo, shown
from pipcli.simulation.names import Border

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

Kernel = Annotated[
    Path | None,
    typer.Option("--kernel-file", help="Picture of the kernel, which is scaled to sum to one.", metavar="FILE"),
]
Sigma = Annotated[float | None, typer.Option(help="Standard deviation of a Gaussian in pixels.")]
Motion = Annotated[float | None, typer.Option(help="Length in pixels of an even motion along a line.")]
Angle = Annotated[
    float | None, typer.Option(help="Of --motion, in degrees counter-clockwise from the horizontal. [default: 0]")
]
BorderOption = Annotated[
    Border,
    typer.Option(
        "--border",
        help="What lies beyond the edge: mirror image, other side (wrap), or nothing, so that it shrinks (crop).",
    ),
]
SaveKernel = Annotated[
    Path | None,
    typer.Option(help="Also write the kernel: a grey 16-bit PNG, white being its highest weight.", metavar="FILE"),
]

SIGMA_RANGE, MOTION_RANGE, ANGLE_RANGE = (0.05, 100.0), (1.0, 1000.0), (-360.0, 360.0)


def blur(
    source: options.Source,
    kernel: Kernel = None,
    sigma: Sigma = None,
    motion: Motion = None,
    angle: Angle = None,
    border: BorderOption = Border.MIRROR,
    save_kernel: SaveKernel = None,
    truth: options.Truth = None,
    output: options.Output = None,
    bits: options.Bits = None,
    json: options.Json = False,
    overwrite: options.Overwrite = False,
    quiet: options.Quiet = False,
) -> int:
    """Blur a picture; writes NAME_blurred.png.

    A convolution (the kernel turned by 180 degrees, as against a correlation), each channel alone, the kernel's centre
    being its pixel (height // 2, width // 2). Transparency stays. With --border crop the result lacks what depends on
    pixels outside of the picture, as in the published blind deblurring; --truth writes the clean picture cut likewise.

    \b
    Examples:
      pip-restore degrade blur clean.png --sigma 2
      pip-restore degrade blur clean.png --motion 15 --angle 30 --save-kernel kernel.png
      pip-restore degrade blur clean.png --kernel-file kernel.png --border crop --truth cut.png
    """
    options.only_one({"--kernel-file": kernel, "--sigma": sigma, "--motion": motion})
    if angle is not None and motion is None:
        raise UnusableInputError("--angle belongs to --motion: leave it out, or add --motion")
    if sigma is not None:
        options.check_range("--sigma", sigma, SIGMA_RANGE, "the standard deviation in pixels")
    if motion is not None:
        options.check_range("--motion", motion, MOTION_RANGE, "a length in pixels")
        options.check_range("--angle", angle or 0.0, ANGLE_RANGE, "in degrees")
    # Everything that takes long to import waits until there is work to do: --help is instant.
    from pipcli.jobs.degrade.run import WHOLE, Degraded, Order, carry_out
    from pipcli.simulation.blurring import blurred, gaussian_kernel, kept, motion_kernel

    if kernel is not None:
        weights = _read_kernel(kernel)
    elif sigma is not None:
        weights = gaussian_kernel(sigma)
    else:
        weights = motion_kernel(motion or 0.0, angle or 0.0)
    height, width = weights.shape

    def unsharp(photo: Photo) -> Degraded:
        if border is Border.CROP and (photo.height < height or photo.width < width):
            raise UnusableInputError(
                f"the kernel, {width}x{height}, is larger than the picture, {photo.width}x{photo.height}: "
                "nothing would be left, choose another --border"
            )
        return Degraded(
            blurred(photo.values(), weights, border),
            kept((photo.height, photo.width), weights) if border is Border.CROP else WHOLE,
            companions={} if save_kernel is None else {"--save-kernel": (weights / weights.max(), 16)},
        )

    parameters = {
        "kernel": None if kernel is None else shown(kernel),
        "sigma": sigma,
        "motion": motion,
        "angle": None if motion is None else angle or 0.0,
        "kernel_size": f"{width}x{height}",
        "border": str(border),
    }
    order = Order(
        kind="blur",
        suffix="_blurred",
        source=source,
        output=output,
        bits=bits,
        parameters=parameters,
        json_lines=json,
        overwrite=overwrite,
        quiet=quiet,
        truth=truth,
        companions={} if save_kernel is None else {"--save-kernel": save_kernel},
        aids={} if kernel is None else {"--kernel-file": kernel},
    )
    return carry_out(order, unsharp)


def _read_kernel(path: Path) -> "NDArray[np.float64]":
    from pipcli.simulation.blurring import normalised

    try:
        return normalised(read_photo(path).values().mean(axis=2))
    except ValueError as error:
        raise UnusableInputError(
            f"--kernel-file {shown(path)} is black everywhere: a kernel has at least one positive weight"
        ) from error
