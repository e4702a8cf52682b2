"""What the benches share: clean and noisy files, the real command, an oracle beside it, and the classic methods.

Pictures are taken as 8-bit RGB. Noise is drawn once a picture, level and seed, clipped to [0, 1] and rounded to 8 bit
as the published one is, so that every method gets the same file.
"""

import importlib.util
import io
import json
import sys
from collections.abc import Callable
from contextlib import redirect_stdout
from pathlib import Path
from typing import Any
from unittest.mock import patch

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image
from torch import Tensor

from pipcli.cli import app
from pipcli.fit.fit import Iterate
from pipcli.fit.stopping import StopRule
from pipcli.media import read_photo
from pipcli.metrics import psnr
from pipcli.refine.denoising import finish
from pipcli.refine.observation import Observation
from pipcli.restoration.members import Member, Picture
from pipcli.restoration.networks import Networks
from pipcli.settings import NoiseName, StopName
from pipcli.simulation.names import NoiseName as Drawn
from pipcli.simulation.noise import NOISES
from pipcli.tiles import Window, blend
from pipcli.watch import CHECK_EVERY

Samples = NDArray[np.uint8]
Floats = NDArray[np.float64]

# The kinds whose level is in grey levels of 255; the simulation takes it in [0, 1].
IN_GREY_LEVELS = (NoiseName.GAUSSIAN, NoiseName.LAPLACE)
TV_WEIGHTS = (0.05, 0.1, 0.15, 0.2)


def cropped(path: Path, side: int | None) -> Samples:
    """Return the samples (h, w, 3) of the centre of a picture, or of all of it."""
    samples = np.asarray(Image.open(path).convert("RGB"))
    if side is None:
        return samples
    top, left = (max(0, (length - side) // 2) for length in samples.shape[:2])
    return samples[top : top + side, left : left + side]


def write_noisy(clean: Samples, kind: NoiseName, level: float, seed: int, stem: Path) -> Path:
    """Write a picture with noise of a kind beside a stem, and return the file; JPEG's noise is its file."""
    if kind is NoiseName.JPEG:
        path = stem.with_suffix(".jpg")
        Image.fromarray(clean).save(path, quality=round(level))
        return path
    strength = level / 255 if kind in IN_GREY_LEVELS else level
    noisy = NOISES[Drawn(kind)](clean / 255, strength, np.random.default_rng(seed))
    path = stem.with_suffix(".png")
    Image.fromarray(np.clip(np.round(255 * noisy), 0, 255).astype(np.uint8)).save(path)
    return path


def values_of(path: Path) -> Floats:
    """Return the (H, W, C) values in [0, 1] of a file."""
    return np.asarray(read_photo(path).pixels()[0].permute(1, 2, 0), dtype=np.float64)


def run_command(noisy: Path, clean: Path, output: Path, words: list[str]) -> dict[str, dict[str, Any]]:
    """Denoise by the real command with more words, and return its JSON lines by their type."""
    return run_task("denoise", noisy, clean, output, words)


def run_task(task: str, source: Path, truth: Path, output: Path, words: list[str]) -> dict[str, dict[str, Any]]:
    """Run the real command of a task with more words, and return its JSON lines by their type."""
    output.unlink(missing_ok=True)
    command = [task, str(source), "-o", str(output), "--reference", str(truth), "--json", "-q", *words]
    printed = io.StringIO()
    with redirect_stdout(printed):
        code = app.run(command)
    if code:
        raise SystemExit(code)
    return {line["type"]: line for line in map(json.loads, printed.getvalue().splitlines())}


def run_watched(
    noisy: Path, clean: Path, output: Path, words: list[str]
) -> tuple[dict[str, dict[str, Any]], float | None]:
    """Run the real command; return its JSON lines by their type, and the oracle's PSNR (None: nothing was fitted)."""
    watched = Watched(read_photo(clean).pixels())
    with patch.object(Networks, "picture", watched.picture()):
        lines = run_command(noisy, clean, output, words)
    return lines, watched.best("--paper" in words)


class Oracle(StopRule):
    """Remembers the estimate nearest to the clean picture among those that a run passes through; never stops it."""

    name = StopName.NONE

    def __init__(self, window: Window, clean: Tensor) -> None:
        self.window = window
        self.clean = window.cut(clean)
        self.best = (-1.0, torch.zeros_like(self.clean))

    def update(self, iterate: Iterate) -> bool:
        """Compare the estimate with the clean picture."""
        if iterate.step % CHECK_EVERY == 0:
            value = psnr(iterate.estimate.cpu(), self.clean)
            if value > self.best[0]:
                self.best = (value, iterate.estimate.cpu().clone())
        return False


class Watched:
    """Sets an oracle beside the rules of each network, and keeps the networks of the run."""

    def __init__(self, clean: Tensor) -> None:
        self.clean = clean
        self.oracles: dict[int, Oracle] = {}
        self.networks: Networks | None = None

    def picture(self) -> Callable[[Networks], Picture]:
        """Return what takes the place of the networks' own `picture`."""
        picture_of = Networks.picture

        def picture(networks: Networks) -> Picture:
            # A run that goes short of memory begins again with other networks: only the last ones count.
            self.networks, self.oracles = networks, {}
            picture = picture_of(networks)
            members = [self._watching(number, member) for number, member in enumerate(picture.members)]
            return Picture(picture.size, members)

        return picture

    def _watching(self, number: int, member: Member) -> Member:
        """Return a member with an oracle of its own, a new one whenever its fit begins again."""

        def build() -> list[StopRule]:
            self.oracles[number] = Oracle(member.window, self.clean)
            return [*member.build_rules(), self.oracles[number]]

        return Member(member.window, build)

    def best(self, published: bool) -> float | None:
        """Return the PSNR of the oracles' choices, joined and finished as the command does with its own.

        None where nothing was fitted, and where a branch takes part: the networks are those of the standard quality,
        which has the loss of their stop rule, and training the branch again would tell nothing of that.
        """
        if self.networks is None or self.networks.settings.finish.branch is not None:
            return None
        size = (self.clean.shape[-2], self.clean.shape[-1])
        image = blend(size, ((oracle.window, oracle.best[1]) for oracle in self.oracles.values())).clamp(0, 1)
        return psnr(image if published else finished(self.networks, image), self.clean)


def finished(networks: Networks, image: Tensor) -> Tensor:
    """Return what the command makes of the networks' joined picture (1, C, H, W) before it writes it.

    THE ONE PLACE of the benches that knows how: it must do what `PhotoJob` does with `Solution.image`.
    """
    settings, seed = networks.settings.finish, networks.seed
    return finish(image, Observation(networks.observation, networks.noise), settings, networks.device, seed).image


def non_local_means(observed: Floats, std: float) -> Floats:
    """Return scikit-image's non-local means of (H, W, C) values, told the standard deviation in [0, 1]."""
    from skimage.restoration import denoise_nl_means

    return np.asarray(
        denoise_nl_means(
            observed.astype(np.float32), patch_size=5, patch_distance=6, h=0.6 * std, sigma=std, channel_axis=2
        ),
        dtype=np.float64,
    )


def total_variation(observed: Floats, clean: Floats) -> Floats:
    """Return scikit-image's total variation of (H, W, C) values with that of four weights which is nearest to clean."""
    from skimage.restoration import denoise_tv_chambolle

    tried = (denoise_tv_chambolle(observed.astype(np.float32), weight=weight, channel_axis=2) for weight in TV_WEIGHTS)
    return np.asarray(max(tried, key=lambda picture: psnr(picture, clean)), dtype=np.float64)


def median(observed: Floats) -> Floats:
    """Return the 3x3 median of each channel of (H, W, C) values: the classic against impulses."""
    from scipy.ndimage import median_filter

    return np.asarray(median_filter(observed, size=(3, 3, 1)))


def has_bm3d() -> bool:
    """Return whether the reference implementation of CBM3D happens to be installed."""
    return importlib.util.find_spec("bm3d") is not None


def colour_block_matching(observed: Floats, std: float) -> Floats:
    """Return CBM3D of (H, W, 3) values, told the standard deviation in [0, 1]: an anchor and nothing else.

    The `bm3d` package may be used for non-commercial purposes only. It is no dependency of ours, not even of the
    benches: who wants its column installs it on their own.
    """
    import bm3d

    return np.asarray(bm3d.bm3d_rgb(observed, std), dtype=np.float64)


def show_row(row: dict[str, Any]) -> None:
    """Print a row as a line of JSON with few digits, at once."""
    print(json.dumps({key: round(value, 2) if isinstance(value, float) else value for key, value in row.items()}))
    sys.stdout.flush()
