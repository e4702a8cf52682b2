"""`pip-restore denoise`: take the noise out of a photo."""

from typing import TYPE_CHECKING

from pipcli.cli import options
from pipcli.settings import PriorName, Quality

if TYPE_CHECKING:
    from pipcli.degradations import Degradation
    from pipcli.noise import Noise

TASK = "denoise"
SUFFIX = "_denoised"


def denoise(
    inputs: options.Inputs,
    output: options.Output = None,
    sigma: options.Sigma = None,
    noise: options.NoiseOption = None,
    level: options.Level = None,
    prior: options.Prior = PriorName.PIP,
    quality: options.QualityOption = Quality.STANDARD,
    paper: options.Paper = False,
    max_frequency: options.MaxFrequency = None,
    omega: options.Omega = None,
    tv: options.TotalVariation = None,
    tikhonov: options.Tikhonov = None,
    steps: options.Steps = None,
    time_limit: options.TimeLimit = None,
    stop: options.Stop = None,
    seed: options.Seed = 0,
    device: options.DeviceOption = "auto",
    reference: options.Reference = None,
    sheet: options.Sheet = None,
    uncertainty: options.Uncertainty = None,
    json: options.Json = False,
    overwrite: options.Overwrite = False,
    quiet: options.Quiet = False,
    verbose: options.Verbose = False,
) -> int:
    """Take the noise out of photos.

    Each keeps its size, bit depth, transparency, colour profile and metadata. The fit stops by itself, before it starts
    to reproduce the noise.

    \b
    Examples:
      pip-restore denoise noisy.png --sigma 25 --prior pip
      pip-restore denoise scan.tif -o clean.tif --quality best --sheet before_after.png
      pip-restore denoise scans/*.png -o restored/
      pip-restore denoise dark.png --noise poisson
    """
    # Everything that takes long to import waits until there is work to do: --help is instant.
    from pipcli.cli import photo_task
    from pipcli.cli.request import Request

    request = Request(
        task=TASK,
        suffix=SUFFIX,
        source=inputs[0],
        output=output,
        sigma=sigma,
        noise=noise,
        level=level,
        prior=prior,
        quality=quality,
        paper=paper,
        max_frequency=max_frequency,
        omega=omega,
        tv=tv,
        tikhonov=tikhonov,
        steps=steps,
        time_limit=time_limit,
        stop=stop,
        seed=seed,
        device=device,
        reference=reference,
        sheet=sheet,
        uncertainty=uncertainty,
        json_lines=json,
        overwrite=overwrite,
        quiet=quiet,
        verbose=verbose,
    )
    return photo_task.run(request, inputs, _degradation)


def _degradation(noise: "Noise") -> "Degradation":
    from pipcli.degradations import Identity

    return Identity(noise)
