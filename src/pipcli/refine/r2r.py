"""The second network: trained on one noisy picture by recorrupted pairs (R2R, Pang et al., CVPR 2021).

From the observation y with Gaussian noise of standard deviation s and fresh noise w of the same strength, a pair

    y1 = y + a w,   y2 = y - w / a

is made at every step. The noises of the two are independent, so that the loss |f(y1) - y2|^2 has, on average, the same
minimum as one with the clean picture: the network cannot gain by reproducing the noise, and no stop rule is needed.
Source: Pang, Zheng, Quan and Ji, "Recorrupted-to-Recorrupted: Unsupervised Deep Learning for Image Denoising"
(CVPR 2021).

Of a clip the network sees a few frames, moved to where the frame in question has the same things, and makes that frame.
Each has a noise of its own, so that those of the others tell nothing of the noise in y2.
"""

import contextlib
import math
import time
from collections.abc import Iterator

import torch
from torch import Tensor
from torch.nn import functional as F

from pipcli.refine.r2r_unet import UNet, turned, turned_back
from pipcli.refine.trajectories import Motion, frames_around, moved
from pipcli.settings import BranchSettings
from pipcli.tiles import Window, blend, windows
from pipcli.watch import CHECK_EVERY, UNWATCHED, Watch, branch_progress

# How a picture that is too large for one piece is taken apart when it is denoised, in pixels: what a pixel sees reaches
# less far than half of what pieces share.
SIDE, STRIDE = 512, 448
# The steps of the settings are for a picture of so many pixels; a large one gets this many times as many at most.
STANDARD_PIXELS, MOST_TIMES = 256 * 256, 8
WARM_UP = 0.05  # share of the steps in which the rate rises, before it falls as a cosine


class Branch:
    """The network on its way."""

    def __init__(
        self,
        observation: Tensor,
        noise_std: Tensor,
        settings: BranchSettings,
        precision: torch.dtype,
        seed: int,
        motion: Motion | None = None,
    ) -> None:
        """Draw the network.

        Args:
            observation: (T, C, H, W) float32 in [0, 1], on the device where to train; a picture is one frame.
            noise_std: (T, C, H, W) standard deviation of the noise of each sample, on the same device: what clipping
                has left, or the two noises of a pair would not be independent.
            settings: of the network and its training.
            precision: the type of the network's activations; weights and loss stay float32.
            seed: of everything random.
            motion: of the frames; None where each is seen by itself.
        """
        self.observation = observation
        self.settings = settings
        self.motion = motion
        self.frames = 1 if motion is None else min(settings.frames, len(observation))
        self.precision = precision
        self.generator = torch.Generator().manual_seed(seed)
        channels = observation.shape[1]
        network = UNet(self.frames * channels, channels, settings, self.generator)
        self.sources = [_padded(picture, network.multiple) for picture in (observation, noise_std)]
        self.network = network.to(observation.device, memory_format=torch.channels_last)  # type: ignore[call-overload]

    @property
    def steps(self) -> int:
        """How many to make: in proportion to the pixels; with too many it learns their noise by heart."""
        pixels = self.observation[:, 0].numel()
        return max(1, round(self.settings.steps * min(MOST_TIMES, pixels / STANDARD_PIXELS)))

    @contextlib.contextmanager
    def _arithmetic(self) -> Iterator[None]:
        if self.precision is torch.float32:
            yield
            return
        with torch.autocast(self.observation.device.type, self.precision):
            yield

    def train(self, watch: Watch = UNWATCHED) -> bool:
        """Make the steps of the settings; return whether all were made.

        Args:
            watch: is told of the progress, and asked after each step whether to end.
        """
        began = time.perf_counter()
        optimiser = torch.optim.Adam(self.network.parameters(), self.settings.learning_rate, betas=(0.9, 0.99))
        for step in range(self.steps):
            for group in optimiser.param_groups:
                group["lr"] = self.settings.learning_rate * rate_share((step + 1) / self.steps)
            observed, noise = self._draw()
            amount = self.settings.recorruption
            with self._arithmetic():
                answer = self.network(observed + amount * noise)
            target = (observed - noise / amount)[:, : answer.shape[1]]
            loss = (answer - target).square().mean()
            optimiser.zero_grad()
            loss.backward()
            optimiser.step()
            if step == 0 or (step + 1) % CHECK_EVERY == 0:
                watch.progress(branch_progress(step + 1, self.steps, time.perf_counter() - began))
            if watch.must_end():
                return False
        return True

    def _integer(self, end: int) -> int:
        return int(torch.randint(0, end, (), generator=self.generator))

    def _draw(self) -> tuple[Tensor, Tensor]:
        """Draw what is seen of a part of a frame, in one of its eight symmetries, and noise for it."""
        frame = self._integer(len(self.observation)) if len(self.observation) > 1 else 0
        height, width = (min(self.settings.crop, length) for length in self.sources[0].shape[-2:])
        top, left = (
            self._integer(length - side + 1)
            for length, side in zip(self.sources[0].shape[-2:], (height, width), strict=True)
        )
        window = Window(top, left, height, width)
        observed, std = turned((self._seen(source, frame, window) for source in self.sources), self._integer(8))
        noise = torch.randn(observed.shape, generator=self.generator).to(observed)
        rows = observed.contiguous(memory_format=torch.channels_last)
        return rows, std * noise.contiguous(memory_format=torch.channels_last)

    def _seen(self, frames: Tensor, frame: int, window: Window) -> Tensor:
        """Return a window of a frame, and after it, the nearest first, those of the others: (1, frames * C, h, w)."""
        seen = [window.cut(frames[frame : frame + 1])]
        if self.motion is not None:
            others = [other for other in frames_around(frame, len(frames), self.frames) if other != frame]
            others.sort(key=lambda other: abs(other - frame))
            seen += [moved(frames, self.motion, frame, other, window) for other in others]
        return torch.cat(seen, dim=1)

    @torch.no_grad()
    def denoise(self, frames: Tensor) -> Tensor:
        """Denoise (T, C, H, W) frames with noise like the observation's: the mean over the eight symmetries."""
        return torch.cat([self._denoised_frame(frames, frame) for frame in range(len(frames))])

    def _denoised_frame(self, frames: Tensor, frame: int) -> Tensor:
        size = (frames.shape[-2], frames.shape[-1])
        places = windows(size, SIDE, STRIDE)
        return blend(size, ((window, self._denoised(self._seen(frames, frame, window))) for window in places))

    def _denoised(self, part: Tensor) -> Tensor:
        total = torch.zeros_like(part[:, : self.observation.shape[1]])
        for turn in range(8):
            (picture,) = turned([part], turn)
            padded = _padded(picture, self.network.multiple).contiguous(memory_format=torch.channels_last)
            with self._arithmetic():
                answer = self.network(padded)
            total += turned_back(answer[..., : picture.shape[-2], : picture.shape[-1]], turn)
        return total / 8


def rate_share(share: float) -> float:
    """Return the share of the highest rate after a share of the steps: a rise, then half a cosine down to zero."""
    return min(1.0, share / WARM_UP) * (1 + math.cos(math.pi * share)) / 2


def _padded(picture: Tensor, multiple: int) -> Tensor:
    """Repeat the last row and column until both sides are a multiple."""
    missing = [-length % multiple for length in picture.shape[-2:]]
    return F.pad(picture, (0, missing[1], 0, missing[0]), mode="replicate") if any(missing) else picture
