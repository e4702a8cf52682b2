"""`pip-restore degrade jpeg`: what a JPEG encoder leaves of a picture."""

from typing import Annotated

import typer

from pipcli.cli.degrade import options
from pipcli.simulation.names import Subsampling

Quality = Annotated[int, typer.Option(min=1, max=100, help="On the scale of libjpeg; less is coarser.")]
SubsamplingOption = Annotated[
    Subsampling, typer.Option("--subsampling", help="Resolution of the colour; 4:2:0 halves both its sides.")
]


def jpeg(
    source: options.Source,
    quality: Quality = 10,
    subsampling: SubsamplingOption = Subsampling.QUARTER,
    output: options.Output = None,
    json: options.Json = False,
    overwrite: options.Overwrite = False,
    quiet: options.Quiet = False,
) -> int:
    """Compress a picture as JPEG; writes NAME_q10.jpg.

    The picture is rounded to 8 bits and goes through libjpeg. An output that ends in .jpg is the encoder's file; any
    other format holds, without further loss and with the transparency, what a decoder makes of it.

    \b
    Examples:
      pip-restore degrade jpeg clean.png --quality 10
      pip-restore degrade jpeg clean.png --quality 20 --subsampling 4:4:4 -o blocky.png
    """
    # Everything that takes long to import waits until there is work to do: --help is instant.
    from dataclasses import replace

    from pipcli.jobs.degrade.run import Degraded, Order, carry_out
    from pipcli.media import Photo, decode_photo, encode, encode_jpeg

    def through_the_encoder(photo: Photo, file_format: str) -> bytes:
        data = encode_jpeg(replace(photo, alpha=None), quality=quality, subsampling=str(subsampling))
        if file_format == "JPEG":
            return data
        return encode(replace(photo, samples=decode_photo(data, "the JPEG").samples), file_format)

    parameters = {"quality": quality, "subsampling": str(subsampling)}
    order = Order(
        kind="jpeg",
        suffix=f"_q{quality}",
        source=source,
        output=output,
        bits=8,
        parameters=parameters,
        json_lines=json,
        overwrite=overwrite,
        quiet=quiet,
        extension=".jpg",
    )
    return carry_out(order, lambda photo: Degraded(photo.values()), through_the_encoder)
