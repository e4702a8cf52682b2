"""`pip-restore degrade mask`: a picture with pixels missing, and the mask that says which."""

from pathlib import Path
from typing import Annotated

import typer

from pipcli.cli.degrade import options
from pipcli.errors import OutputRefusedError, UnusableInputError
from pipcli.tasks.options import STANDARD_STREAM

Share = Annotated[float | None, typer.Option(help="Share of the pixels that are missing here and there, 0 to 1.")]
Strokes = Annotated[
    int | None,
    typer.Option(
        help="Number of straight strokes between random places, 3 pixels wide to 3 percent of height plus width."
    ),
]
Text = Annotated[str | None, typer.Option(help="A text that is written all over the picture.")]
TextHeight = Annotated[int, typer.Option(min=4, max=4096, help="Of a line of --text, in pixels.")]
MaskFile = Annotated[
    Path | None,
    typer.Option(
        "--mask", help="Where to write the mask, a PNG. [default: beside the output, NAME_mask.png]", metavar="FILE"
    ),
]

SUFFIX = "_masked"
MOST_STROKES = 100_000


def mask(
    source: options.Source,
    share: Share = None,
    strokes: Strokes = None,
    text: Text = None,
    text_height: TextHeight = 24,
    mask_file: MaskFile = None,
    seed: options.Seed = 0,
    output: options.Output = None,
    bits: options.Bits = None,
    json: options.Json = False,
    overwrite: options.Overwrite = False,
    quiet: options.Quiet = False,
) -> int:
    """Blacken pixels; writes NAME_masked.png, NAME_mask.png.

    In the mask, which says where they are, white is missing. A pixel is missing in all channels or in none;
    transparency stays. What the picture lost is said as a share.

    \b
    Examples:
      pip-restore degrade mask clean.png --share 0.5
      pip-restore degrade mask clean.png --strokes 20 --seed 3
      pip-restore degrade mask clean.png --text "not yours" -o stamped.png --mask stamp.png
    """
    shape = options.only_one({"--share": share, "--strokes": strokes, "--text": text})
    if share is not None:
        options.check_range("--share", share, (0.0, 1.0), "the share of pixels that are missing")
    if strokes is not None:
        options.check_range("--strokes", strokes, (1, MOST_STROKES), "a number of strokes")
    if text is not None and not text.strip():
        raise UnusableInputError("--text is empty: give something to write")
    # Everything that takes long to import waits until there is work to do: --help is instant.
    import numpy as np

    from pipcli.jobs.degrade.run import Degraded, Order, carry_out
    from pipcli.media import Photo
    from pipcli.simulation import masking

    def masked(photo: Photo) -> Degraded:
        size, generator = (photo.height, photo.width), np.random.default_rng(seed)
        if share is not None:
            missing = masking.scattered(size, share, generator)
        elif strokes is not None:
            missing = masking.strokes(size, strokes, generator)
        else:
            missing = masking.written(size, " ".join((text or "").split()), text_height)
        return Degraded(
            masking.masked(photo.values(), missing),
            companions={"--mask": (missing.astype(np.float64), 8)},
            parameters={"missing": round(float(missing.mean()), 6)},
        )

    drawn = {"text": text, "text_height": text_height} if shape == "--text" else {"seed": seed}
    parameters = {"share": share, "strokes": strokes, **drawn}
    order = Order(
        kind="mask",
        suffix=SUFFIX,
        source=source,
        output=output,
        bits=bits,
        parameters=parameters,
        json_lines=json,
        overwrite=overwrite,
        quiet=quiet,
        companions={"--mask": mask_file or _beside(source, output)},
    )
    return carry_out(order, masked)


def _beside(source: Path, output: Path | None) -> Path:
    """Return where the mask goes when the user does not say."""
    picture = source if output is None else output
    if picture == STANDARD_STREAM:
        raise OutputRefusedError("with the picture on stdout the mask needs a name: add --mask FILE")
    return picture.with_name(f"{picture.stem.removesuffix(SUFFIX)}_mask.png")
