"""`pip-restore degrade`: make a test input from a clean picture, one file a kind of degradation."""

import typer

from pipcli.cli.degrade import blur, downsample, haze, jpeg, mask, noise

app = typer.Typer(rich_markup_mode=None)
app.command("noise")(noise.noise)
app.command("downsample")(downsample.downsample)
app.command("mask")(mask.mask)
app.command("blur")(blur.blur)
app.command("haze")(haze.haze)
app.command("jpeg")(jpeg.jpeg)


@app.callback(invoke_without_command=True)
def _help_if_alone(context: typer.Context) -> None:
    """Make a degraded picture from a clean one.

    That is a test input, with which anybody can repeat a figure. Samples become numbers from 0 to 1, are degraded in
    double precision, clipped to 0 to 1, rounded once to the output's depth, and written with the metadata of the
    input. Transparency stays as it is, or shrinks with the picture. Several degradations are a pipe, each rounding
    anew.

    Of a clip, each frame is degraded: noise is new in each; masks, kernels and the haze's depth are the same in all. It
    is written without loss, with all that its file carried.

    \b
    Examples:
      pip-restore degrade noise clean.png --sigma 25
      pip-restore degrade noise clean.mp4 --sigma 25 -o noisy.mkv
      pip-restore degrade downsample clean.png --scale 4 --truth cut.png
      pip-restore degrade blur clean.png --sigma 2 -o - | pip-restore degrade noise - --sigma 5 -o observed.png
    """
    if context.invoked_subcommand is None:
        typer.echo(context.get_help())
