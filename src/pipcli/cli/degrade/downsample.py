"""`pip-restore degrade downsample`: a smaller picture by a whole factor, without aliasing."""

from typing import Annotated

import typer

from pipcli.cli.degrade import options
from pipcli.simulation.names import KernelName

Scale = Annotated[int, typer.Option(min=2, max=64, help="How many times smaller each side becomes.")]
Kernel = Annotated[
    KernelName,
    typer.Option(
        help="lanczos (3 lobes), bicubic (a = -0.5), box (the mean of a block) or gaussian (0.4 blocks wide)."
    ),
]


def downsample(
    source: options.Source,
    scale: Scale = 4,
    kernel: Kernel = KernelName.LANCZOS,
    truth: options.Truth = None,
    output: options.Output = None,
    bits: options.Bits = None,
    clip: options.Clip = True,
    json: options.Json = False,
    overwrite: options.Overwrite = False,
    quiet: options.Quiet = False,
) -> int:
    """Reduce by a whole factor; writes NAME_down4.png.

    The kernel is stretched by the factor, as in Pillow's resize; an output pixel lies at the centre of its block of
    input pixels. What is left at the right and at the bottom when blocks do not fill the picture is left out, and said;
    --truth writes what remains. Transparency shrinks likewise. Then values are clipped, and rounded to the output's
    depth.

    \b
    Examples:
      pip-restore degrade downsample clean.png --scale 4
      pip-restore degrade downsample clean.png --scale 3 --kernel bicubic -o small.png --truth large.png
    """
    # Everything that takes long to import waits until there is work to do: --help is instant.
    from pipcli.errors import UnusableInputError
    from pipcli.jobs.degrade.run import Degraded, Order, carry_out
    from pipcli.media import Photo, in_unit_range
    from pipcli.simulation.downsampling import downsampled

    def smaller(photo: Photo) -> Degraded:
        if min(photo.height, photo.width) < scale:
            raise UnusableInputError(
                f"{photo.width}x{photo.height} pixels are less than one block: give --scale less than {scale}"
            )
        region = (slice(photo.height // scale * scale), slice(photo.width // scale * scale))
        values = downsampled(photo.values()[region], scale, kernel)
        if photo.alpha is None:
            return Degraded(values, region)
        alpha = downsampled(in_unit_range(photo.alpha)[region][:, :, None], scale, kernel)
        return Degraded(values, region, alpha[:, :, 0])

    parameters = {"scale": scale, "kernel": str(kernel)}
    order = Order(
        kind="downsample",
        suffix=f"_down{scale}",
        source=source,
        output=output,
        bits=bits,
        parameters=parameters,
        json_lines=json,
        overwrite=overwrite,
        quiet=quiet,
        clip=clip,
        truth=truth,
    )
    return carry_out(order, smaller)
