"""How much memory a fit will take, predicted from small pieces of it, and how much there is.

The peak lies in a backward pass: everything that the forward pass keeps for it, and what is in flight. What is kept is
counted by running the generator on two small grids, since it grows with the pixels; the rest is a measured share of it.
"""

from collections.abc import Callable, Iterable
from pathlib import Path

import torch
from torch import Tensor

PROBE_SIDES = (32, 64)
FLOAT_BYTES = 4
# Of every parameter: its value, its gradient and Adam's two averages.
VECTORS_A_PARAMETER = 4
# Of every member between its steps: observation, two weightings, average, best estimate, last output.
PICTURES_A_MEMBER = 6
# Gradients and temporary buffers, as a share of what the forward pass keeps (measured: docs/decisions.md).
IN_FLIGHT = 0.9

CGROUP_LIMITS = (Path("/sys/fs/cgroup/memory.max"), Path("/sys/fs/cgroup/memory/memory.limit_in_bytes"))


def step_bytes(generate: Callable[[tuple[int, int]], Tensor], size: tuple[int, int]) -> int:
    """Return the bytes that a step of all members takes on top of what they hold between steps.

    Args:
        generate: generates pictures of a size (height, width), on the CPU, so that they can be differentiated.
        size: of the pictures to foretell.
    """
    small, large = (_kept_bytes(generate, side) for side in PROBE_SIDES)
    a_pixel = (large - small) / (PROBE_SIDES[1] ** 2 - PROBE_SIDES[0] ** 2)
    return round((1 + IN_FLIGHT) * a_pixel * size[0] * size[1])


def _kept_bytes(generate: Callable[[tuple[int, int]], Tensor], side: int) -> int:
    storages: dict[int, int] = {}

    def note(tensor: Tensor) -> Tensor:
        storage = tensor.untyped_storage()
        storages[storage.data_ptr()] = storage.nbytes()
        return tensor.detach()  # else a result that is saved holds its own graph, which nothing would free

    with torch.autograd.graph.saved_tensors_hooks(note, lambda tensor: tensor):
        pictures = generate((side, side))  # held, lest its memory be used and counted twice
    del pictures
    return sum(storages.values())


def parameters_at(parameters: Callable[[tuple[int, int]], Iterable[Tensor]], size: tuple[int, int]) -> int:
    """Return the number of parameters of a generator, extrapolated from generators of small pictures.

    Args:
        parameters: of a generator of pictures of a size (height, width): as many whatever the size, or about as many
            more as there are pixels, as the tables of a hash grid.
        size: of the pictures to foretell.
    """
    small, large = (sum(tensor.numel() for tensor in parameters((side, side))) for side in PROBE_SIDES)
    a_pixel = (large - small) / (PROBE_SIDES[1] ** 2 - PROBE_SIDES[0] ** 2)
    return round(small + a_pixel * max(0, size[0] * size[1] - PROBE_SIDES[0] ** 2))


def member_bytes(parameters: int, channels: int, size: tuple[int, int]) -> int:
    """Return the bytes that one member holds between its steps."""
    pictures = PICTURES_A_MEMBER * channels * size[0] * size[1]
    return FLOAT_BYTES * (VECTORS_A_PARAMETER * parameters + pictures)


def used_bytes() -> int:
    """Return the memory that this process holds now; 0 where the system does not say."""
    try:
        lines = Path("/proc/self/status").read_text().splitlines()
    except OSError:
        return 0
    return next((1024 * int(line.split()[1]) for line in lines if line.startswith("VmRSS:")), 0)


def available_bytes(device: torch.device) -> int | None:
    """Return the memory that a fit may still take on a device; None where the system does not say."""
    if device.type == "cuda":
        return torch.cuda.mem_get_info(device)[0]
    try:
        lines = Path("/proc/meminfo").read_text().splitlines()
    except OSError:
        return None
    free = [1024 * int(line.split()[1]) for line in lines if line.startswith("MemAvailable:")]
    # Of a container: what is in its cache does not count, since it gives way.
    left = [limit - used_bytes() for limit in map(_number, CGROUP_LIMITS) if limit is not None]
    return min([*free, *left], default=None)


def _number(path: Path) -> int | None:
    try:
        return int(path.read_text())
    except (OSError, ValueError):  # there is no such group, or no limit: "max"
        return None
