"""The published PIP and DIP denoising as their authors run it, written by us, as the baseline of every ratio.

Plain PyTorch in float32 and NCHW; reflection padding of width zero before every 1x1 convolution; stride-2 convolutions;
concatenation after a centre crop; batch normalisation with running statistics; Adam at 0.01; and in every step the
output and its average read back to the host for three PSNRs, as the released scripts do. What they do to weights when
the error jumps is left out: it costs nothing when it does not fire.

    python benchmarks/baseline.py NOISY CLEAN --prior pip --steps 50
"""

import argparse
import json
import time
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from torch import Tensor, nn

from pipcli.media import read_photo

PARAMETERS = {"pip": 329_575, "dip": 2_217_831}
WIDTH, SKIP, SCALES, INPUTS = 128, 4, 5, 32
RATE, AVERAGE = 0.01, 0.99


def convolution(inputs: int, outputs: int, kernel: int, stride: int = 1) -> nn.Module:
    """Return a padded convolution with a bias; the padding is a module of its own even where it is zero wide."""
    padding = nn.ReflectionPad2d((kernel - 1) // 2)
    return nn.Sequential(padding, nn.Conv2d(inputs, outputs, kernel, stride))


def activated(channels: int) -> nn.Module:
    """Return batch normalisation and leaky ReLU."""
    return nn.Sequential(nn.BatchNorm2d(channels), nn.LeakyReLU(0.2, inplace=True))


class Concatenation(nn.Module):
    """Join two branches along the channels, cut around their centres to the smaller."""

    def __init__(self, first: nn.Module, second: nn.Module) -> None:
        super().__init__()
        self.branches = nn.ModuleList([first, second])

    def forward(self, maps: Tensor) -> Tensor:
        """Map (1, C, H, W) to both branches' channels."""
        outputs = [branch(maps) for branch in self.branches]
        height, width = (min(output.shape[axis] for output in outputs) for axis in (2, 3))
        return torch.cat([_centre(output, height, width) for output in outputs], dim=1)


def _centre(maps: Tensor, height: int, width: int) -> Tensor:
    top, left = (maps.shape[2] - height) // 2, (maps.shape[3] - width) // 2
    return maps[:, :, top : top + height, left : left + width]


def scale(level: int, kernel: int) -> nn.Module:
    """Return the hourglass from a level down, mapping the level's input to its decoded maps."""
    inputs = INPUTS if level == 0 else WIDTH
    deeper: list[nn.Module] = [convolution(inputs, WIDTH, kernel, 2), activated(WIDTH)]
    deeper += [convolution(WIDTH, WIDTH, kernel), activated(WIDTH)]
    if level + 1 < SCALES:
        deeper.append(scale(level + 1, kernel))
    deeper.append(nn.Upsample(scale_factor=2, mode="bilinear"))
    skip = nn.Sequential(convolution(inputs, SKIP, 1), activated(SKIP))
    return nn.Sequential(
        Concatenation(skip, nn.Sequential(*deeper)),
        nn.BatchNorm2d(SKIP + WIDTH),
        convolution(SKIP + WIDTH, WIDTH, kernel),
        activated(WIDTH),
        convolution(WIDTH, WIDTH, 1),
        activated(WIDTH),
    )


def network(prior: str) -> nn.Module:
    """Return the published network, after checking that it has the published number of parameters."""
    built = nn.Sequential(scale(0, 1 if prior == "pip" else 3), convolution(WIDTH, 3, 1), nn.Sigmoid())
    count = sum(parameter.numel() for parameter in built.parameters())
    if count != PARAMETERS[prior]:
        raise RuntimeError(f"the {prior} network has {count} parameters, the published one {PARAMETERS[prior]}")
    return built


def encoding(prior: str, height: int, width: int) -> Tensor:
    """Return the (1, 32, H, W) input: Fourier features for PIP, uniform noise for DIP."""
    if prior == "dip":
        return torch.rand(1, INPUTS, height, width) * 0.1
    frequencies = (2 ** (8 / 7)) ** torch.arange(8.0)
    features = []
    for axis, length in ((3, width), (2, height)):
        phases = torch.arange(length) / (length - 1) * frequencies[:, None]
        shape = (1, 8, 1, width) if axis == 3 else (1, 8, height, 1)
        features += [f(phases).view(shape).expand(1, 8, height, width) for f in (torch.cos, torch.sin)]
    return torch.cat(features, dim=1).contiguous()


def host_psnr(picture: np.ndarray, reference: np.ndarray) -> float:
    """Return the PSNR in dB, on the host as the scripts measure it."""
    return float(10 * np.log10(1 / np.mean((picture - reference) ** 2)))


@dataclass(frozen=True)
class Run:
    """What the baseline arrived at: PSNRs of its last output and of the average, and milliseconds a step."""

    raw: float
    average: float
    milliseconds: float


def run(prior: str, noisy: Tensor, clean: Tensor, steps: int, device: str, *, warm_up: int = 3) -> Run:
    """Fit as published and measure.

    Args:
        prior: pip or dip.
        noisy: (1, 3, H, W) in [0, 1]; H and W divisible by 32, since the published code cuts them so.
        clean: the same without noise: the published code looks at it in every step.
        steps: how many.
        device: where.
        warm_up: first steps that are not timed.
    """
    torch.manual_seed(0)
    model = network(prior).to(device)
    fixed, target = encoding(prior, *noisy.shape[-2:]).to(device), noisy.to(device)
    noisy_host, clean_host = noisy[0].numpy(), clean[0].numpy()
    optimiser = torch.optim.Adam(model.parameters(), lr=RATE)
    average: Tensor | None = None
    started = time.perf_counter()
    for step in range(steps):
        if step == warm_up:
            started = time.perf_counter()
        optimiser.zero_grad()
        jitter = torch.randn_like(fixed) / 30 if prior == "dip" else 0
        output = model(fixed + jitter)
        average = output.detach() if average is None else average * AVERAGE + output.detach() * (1 - AVERAGE)
        loss = nn.functional.mse_loss(output, target)
        loss.backward()
        optimiser.step()
        raw_host, average_host = output.detach().cpu().numpy()[0], average.cpu().numpy()[0]
        measured = [host_psnr(raw_host, noisy_host), host_psnr(raw_host, clean_host)]
        measured += [host_psnr(average_host, clean_host), loss.item()]
    milliseconds = 1000 * (time.perf_counter() - started) / max(steps - warm_up, 1)
    return Run(measured[1], measured[2], milliseconds)


def main() -> None:
    """Run the baseline on a pair of files and print a JSON line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("noisy", type=Path)
    parser.add_argument("clean", type=Path)
    parser.add_argument("--prior", choices=list(PARAMETERS), default="pip")
    parser.add_argument("--steps", type=int, default=50)
    parser.add_argument("--device", default="cpu")
    arguments = parser.parse_args()
    noisy, clean = read_photo(arguments.noisy).pixels(), read_photo(arguments.clean).pixels()
    result = run(arguments.prior, noisy, clean, arguments.steps, arguments.device)
    print(json.dumps({"prior": arguments.prior, "steps": arguments.steps, **vars(result)}))


if __name__ == "__main__":
    main()
