"""What every result says of where it comes from."""

import platform
import shlex
import sys
from pathlib import Path
from typing import Any

import torch

from pipcli import __version__


def about(device: str) -> dict[str, Any]:
    """Return the command (paths by their last part), the versions, the device's name and the threads."""
    words = [Path(word).name if "/" in word else word for word in sys.argv]
    return {
        "command": "python benchmarks/" + shlex.join(words),
        "version": __version__,
        "torch": torch.__version__,
        "device": torch.cuda.get_device_name(device) if device.startswith("cuda") else _processor(),
        "threads": torch.get_num_threads(),
    }


def _processor() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
    except OSError:
        lines = []
    names = [line.split(":", 1)[1].strip() for line in lines if line.startswith("model name")]
    return f"{names[0]}, {len(names)} logical processors" if names else platform.machine()
