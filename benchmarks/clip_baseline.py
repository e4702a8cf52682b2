"""The published denoising of clips by PIP as its authors run it, written by us: the baseline of the ratio of seconds.

Plain PyTorch in float32 and NCHW, made of the pieces of `baseline`: six scales of 256 channels, skip branches of 8, on
32 features of the place and 16 of the time. A step is of six consecutive frames, batch after batch in their order, all
normalised together; Adam at 0.01, plain squared errors, no average. Frames that fill no batch are not fitted, and are
left out of the PSNR. Published are 5000 passes over the clip; here the passes end with the seconds that one gives.

    python benchmarks/clip_baseline.py NOISY CLEAN --crop 128 --frames 6 --seconds 300

Clips, animated GIFs and folders of numbered pictures, read as 8-bit RGB. Prints a JSON line: after how many passes and
seconds (of fitting alone) the volume PSNR was how high.
"""

import argparse
import json
import time
from dataclasses import dataclass, field
from pathlib import Path

import torch
from torch import Tensor, nn

from baseline import RATE, Concatenation, activated, convolution
from pipcli.media.clips import open_clip, read_frames
from pipcli.metrics import psnr

PARAMETERS = 1_565_043
WIDTH, SKIP, SCALES, BATCH = 256, 8, 6, 6
SPATIAL, TEMPORAL = 8, 8
INPUTS = 4 * SPATIAL + 2 * TEMPORAL
BASE = 2 ** (8 / 7)
# Sides that are no multiple of this the published code cuts to one.
MULTIPLE = 2**SCALES


def scale(level: int) -> nn.Module:
    """Return the hourglass from a level down, mapping the level's input to its decoded maps."""
    inputs = INPUTS if level == 0 else WIDTH
    deeper: list[nn.Module] = [convolution(inputs, WIDTH, 1, 2), activated(WIDTH)]
    deeper += [convolution(WIDTH, WIDTH, 1), activated(WIDTH)]
    if level + 1 < SCALES:
        deeper.append(scale(level + 1))
    deeper.append(nn.Upsample(scale_factor=2, mode="bilinear"))
    skip = nn.Sequential(convolution(inputs, SKIP, 1), activated(SKIP))
    return nn.Sequential(
        Concatenation(skip, nn.Sequential(*deeper)),
        nn.BatchNorm2d(SKIP + WIDTH),
        convolution(SKIP + WIDTH, WIDTH, 1),
        activated(WIDTH),
        convolution(WIDTH, WIDTH, 1),
        activated(WIDTH),
    )


def network() -> nn.Module:
    """Return the published network, after checking that it has the published number of parameters."""
    built = nn.Sequential(scale(0), convolution(WIDTH, 3, 1), nn.Sigmoid())
    count = sum(parameter.numel() for parameter in built.parameters())
    if count != PARAMETERS:
        raise RuntimeError(f"the network has {count} parameters, the published one {PARAMETERS}")
    return built


def encoding(frames: int, height: int, width: int) -> Tensor:
    """Return the (T, 48, H, W) input: cosines and sines along x and y, then of the time, (1 ... T) / T."""
    spatial = BASE ** torch.arange(float(SPATIAL))
    temporal = BASE ** torch.linspace(0, 1, TEMPORAL)
    x, y = (torch.arange(length) / (length - 1) for length in (width, height))
    t = torch.arange(1, frames + 1) / frames
    phases = [
        (spatial[:, None] * x).view(1, SPATIAL, 1, width),
        (spatial[:, None] * y).view(1, SPATIAL, height, 1),
        (t[:, None] * temporal).view(frames, TEMPORAL, 1, 1),
    ]
    features = [wave(phase).expand(frames, -1, height, width) for phase in phases for wave in (torch.cos, torch.sin)]
    return torch.cat(features, dim=1).contiguous()


@dataclass
class Run:
    """What the baseline arrived at, every so many passes over the clip: passes, seconds and PSNR in dB."""

    passes: list[int] = field(default_factory=list)
    seconds: list[float] = field(default_factory=list)
    psnr: list[float] = field(default_factory=list)


def run(noisy: Tensor, clean: Tensor, seconds: float, every: int, device: str) -> Run:
    """Fit as published and measure.

    Args:
        noisy: (T, 3, H, W) in [0, 1]; T is divisible by 6, H and W by 64.
        clean: the same without noise; seen by the measure alone.
        seconds: of fitting, after which the pass under way is the last.
        every: passes between two measures, which do not count as seconds.
        device: where.
    """
    torch.manual_seed(0)
    model = network().to(device)
    inputs = encoding(len(noisy), *noisy.shape[-2:]).to(device).split(BATCH)
    targets = noisy.to(device).split(BATCH)
    optimiser = torch.optim.Adam(model.parameters(), lr=RATE)
    found, spent, passes = Run(), 0.0, 0
    while spent < seconds:
        began = time.perf_counter()
        for features, target in zip(inputs, targets, strict=True):
            optimiser.zero_grad()
            loss = nn.functional.mse_loss(model(features), target)
            loss.backward()
            optimiser.step()
            loss.item()
        spent += time.perf_counter() - began
        passes += 1
        if passes % every == 0 or spent >= seconds:
            with torch.no_grad():
                made = torch.cat([model(features).cpu() for features in inputs])
            found.passes.append(passes)
            found.seconds.append(round(spent, 2))
            found.psnr.append(round(psnr(made, clean), 3))
    return found


def frames_of(path: Path, count: int | None, crop: int | None) -> Tensor:
    """Return (T, 3, H, W) frames in [0, 1] of a clip, the whole batches of the first ones, or their centres."""
    clip = open_clip(path)
    stop = clip.frame_count if count is None else min(count, clip.frame_count)
    samples = [torch.from_numpy(frame.astype("float32") / 65535) for frame in read_frames(clip, 0, stop)]
    frames = torch.stack(samples[: len(samples) // BATCH * BATCH]).permute(0, 3, 1, 2)
    height, width = (min(crop or length, length) // MULTIPLE * MULTIPLE for length in frames.shape[-2:])
    top, left = (frames.shape[2] - height) // 2, (frames.shape[3] - width) // 2
    return frames[:, :3, top : top + height, left : left + width].contiguous()


def main() -> None:
    """Run the baseline on a pair of clips and print a JSON line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("noisy", type=Path)
    parser.add_argument("clean", type=Path)
    parser.add_argument("--frames", type=int, help="of the clip, from the first one")
    parser.add_argument("--crop", type=int, help="side of the square in the middle that is fitted")
    parser.add_argument("--seconds", type=float, default=300.0)
    parser.add_argument("--every", type=int, default=10, help="passes between two measures")
    parser.add_argument("--device", default="cpu")
    arguments = parser.parse_args()
    noisy, clean = (frames_of(path, arguments.frames, arguments.crop) for path in (arguments.noisy, arguments.clean))
    found = run(noisy, clean, arguments.seconds, arguments.every, arguments.device)
    print(json.dumps({"frames": len(noisy), "size": list(noisy.shape[-2:]), **vars(found)}))


if __name__ == "__main__":
    main()
