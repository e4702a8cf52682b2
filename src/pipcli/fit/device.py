"""Choice of the device and precision of the fit, with the reason."""

import ctypes
import gc
import platform
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import torch

from pipcli.errors import UnusableInputError

# glibc's mallopt parameters (malloc.h).
M_TRIM_THRESHOLD, M_MMAP_MAX, M_ARENA_MAX = -1, -4, -8

MEMBERS_TOGETHER = {"cpu": 8, "cuda": 64, "mps": 8}


@dataclass(frozen=True)
class Device:
    """A device to fit on.

    Attributes:
        torch_device: where the tensors live.
        precision: the type of the network's activations.
        reason: one sentence on why this device was taken, for the user.
    """

    torch_device: torch.device
    precision: torch.dtype
    reason: str


def choose_device(name: str) -> Device:
    """Choose a device by the name that the user typed: auto, cpu, cuda, cuda:N or mps.

    Raises:
        UnusableInputError: there is no such device here.
    """
    if name == "auto":
        return _best_device()
    try:
        device = torch.device(name)
    except RuntimeError:
        device = None
    if device is None or device.type not in ("cpu", "cuda", "mps"):
        raise UnusableInputError(f"--device {name} is not known: use auto, cpu, cuda, cuda:0 (1, 2, ...) or mps")
    if device.type == "cuda" and not _has_cuda(device.index or 0):
        raise UnusableInputError(f"--device {name}: {_why_no_cuda()}; use --device cpu or auto")
    if device.type == "mps" and not torch.backends.mps.is_available():
        raise UnusableInputError("--device mps: this machine has no Metal device; use --device cpu or auto")
    return Device(device, _precision(device), "as asked for")


def _best_device() -> Device:
    if _has_cuda(0):
        device = torch.device("cuda")
        return Device(device, _precision(device), torch.cuda.get_device_name(device))
    if torch.backends.mps.is_available():
        device = torch.device("mps")
        return Device(device, _precision(device), f"the Metal device; {_why_no_cuda()}")
    device = torch.device("cpu")
    return Device(device, _precision(device), _why_no_cuda())


def _has_cuda(index: int) -> bool:
    return torch.cuda.is_available() and index < torch.cuda.device_count()


def _why_no_cuda() -> str:
    if torch.version.cuda is None:
        return "this build of torch has no CUDA"
    if not torch.cuda.is_available():
        return "torch finds no CUDA device"
    return f"torch finds {torch.cuda.device_count()} CUDA device(s)"


def _precision(device: torch.device) -> torch.dtype:
    if device.type == "cuda":
        return torch.bfloat16 if torch.cuda.is_bf16_supported(including_emulation=False) else torch.float32
    return torch.bfloat16 if device.type == "cpu" and _cpu_multiplies_bfloat16() else torch.float32


def _cpu_multiplies_bfloat16() -> bool:
    # Without these instructions bfloat16 products are emulated and slower than float32. torch has no public question
    # for it in all the versions that we support.
    try:
        processor = Path("/proc/cpuinfo").read_text()
    except OSError:
        return False
    return "avx512_bf16" in processor or "amx_bf16" in processor


@contextmanager
def workers_for(members: int, device: Device) -> Iterator[int]:
    """Yield the number of groups of members to advance in parallel, with the number of torch threads set accordingly.

    On a CPU small networks gain more from a processor each than from sharing all processors operation by operation.
    A GPU is one worker.
    """
    threads = torch.get_num_threads()
    if device.torch_device.type != "cpu" or members < 2 or threads < 2:
        yield 1
        return
    torch.set_num_threads(1)
    try:
        yield min(members, threads)
    finally:
        torch.set_num_threads(threads)


def members_together(device: Device) -> int:
    """Return how many members to put into one fit at most.

    On a CPU more than a few only fill the caches; a GPU has to be filled, and is with some dozens of 128x128 windows.
    """
    return MEMBERS_TOGETHER[device.torch_device.type]


def room_for_members(device: Device) -> int:
    """Return the number of members that saturate a device; more only queue."""
    workers = torch.get_num_threads() if device.torch_device.type == "cpu" else 1
    return workers * members_together(device)


def slack(device: Device) -> float:
    """Return the share of stopped members above which a fit is rebuilt without them."""
    return 0.25 if device.torch_device.type == "cuda" else 0.0


def keep_freed_memory() -> bool:
    """Make glibc keep freed memory instead of returning it to the system; return whether that was possible.

    glibc maps large blocks from the system and unmaps them when they are freed, so that each step pays a page fault for
    every page of every activation. Only glibc has this call; elsewhere nothing is done.
    """
    if platform.libc_ver()[0] != "glibc":
        return False
    library = ctypes.CDLL(None)
    wishes = {M_MMAP_MAX: 0, M_TRIM_THRESHOLD: 2**31 - 1, M_ARENA_MAX: 1}
    return all(library.mallopt(parameter, value) for parameter, value in wishes.items())


def return_freed_memory() -> None:
    """Return freed memory to the system at the end of a fit of many networks."""
    gc.collect()
    if platform.libc_ver()[0] == "glibc":
        ctypes.CDLL(None).malloc_trim(0)


def ran_out_of_memory(error: BaseException) -> bool:
    """Return whether an error of torch or Python means that memory ran out."""
    # The CPU allocator of torch has no error class of its own.
    return isinstance(error, MemoryError | torch.OutOfMemoryError) or "can't allocate memory" in str(error)
