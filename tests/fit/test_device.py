"""Where and in which precision the fit runs."""

import ctypes
import platform
from collections.abc import Iterator
from pathlib import Path

import pytest
import torch

from pipcli.errors import UnusableInputError
from pipcli.fit import device
from pipcli.fit.device import Device, choose_device, keep_freed_memory, ran_out_of_memory, workers_for


@pytest.fixture
def no_gpu(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    monkeypatch.setattr(torch.backends.mps, "is_available", lambda: False)


def pretend_gpus(monkeypatch: pytest.MonkeyPatch, count: int, *, bfloat16: bool) -> None:
    monkeypatch.setattr(torch.version, "cuda", "12.8")
    monkeypatch.setattr(torch.cuda, "is_available", lambda: count > 0)
    monkeypatch.setattr(torch.cuda, "device_count", lambda: count)
    monkeypatch.setattr(torch.cuda, "get_device_name", lambda _: "Pretended GPU")
    monkeypatch.setattr(torch.cuda, "is_bf16_supported", lambda including_emulation: bfloat16 or including_emulation)


def pretend_processor(monkeypatch: pytest.MonkeyPatch, flags: str | None) -> None:
    def read_text(path: Path) -> str:
        assert str(path) == "/proc/cpuinfo"
        if flags is None:
            raise FileNotFoundError(path)
        return flags

    monkeypatch.setattr(device.Path, "read_text", read_text)


@pytest.mark.usefixtures("no_gpu")
def test_without_a_gpu_auto_takes_the_cpu_and_says_why_not_the_gpu() -> None:
    chosen = choose_device("auto")
    assert chosen.torch_device == torch.device("cpu")
    assert "CUDA" in chosen.reason


def test_the_reason_tells_a_build_without_cuda_from_a_machine_without_a_gpu(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    monkeypatch.setattr(torch.version, "cuda", None)
    assert choose_device("auto").reason == "this build of torch has no CUDA"
    monkeypatch.setattr(torch.version, "cuda", "12.8")
    assert choose_device("auto").reason == "torch finds no CUDA device"


@pytest.mark.parametrize("bfloat16", [False, True])
def test_auto_takes_a_gpu_that_is_there(bfloat16: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    pretend_gpus(monkeypatch, 1, bfloat16=bfloat16)
    chosen = choose_device("auto")
    assert chosen.torch_device.type == "cuda"
    assert chosen.reason == "Pretended GPU"
    assert chosen.precision == (torch.bfloat16 if bfloat16 else torch.float32)


def test_auto_takes_metal_where_there_is_no_cuda(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    monkeypatch.setattr(torch.backends.mps, "is_available", lambda: True)
    chosen = choose_device("auto")
    assert chosen.torch_device.type == "mps"
    assert chosen.precision == torch.float32


def test_a_device_that_is_asked_for_is_taken(monkeypatch: pytest.MonkeyPatch) -> None:
    pretend_gpus(monkeypatch, 2, bfloat16=True)
    monkeypatch.setattr(torch.backends.mps, "is_available", lambda: True)
    for name in ("cpu", "cuda", "cuda:0", "cuda:1", "mps"):
        chosen = choose_device(name)
        assert chosen.torch_device == torch.device(name)
        assert chosen.reason == "as asked for"


@pytest.mark.parametrize(
    "name", ["gpu", "", "cuda:", "cuda:-1", "cuda:x", "CUDA", "meta", "xla", "cpu cpu", "cuda:9999"]
)
def test_an_unknown_device_is_refused_with_those_that_are_known(name: str) -> None:
    with pytest.raises(UnusableInputError, match="cpu"):
        choose_device(name)


@pytest.mark.usefixtures("no_gpu")
@pytest.mark.parametrize("name", ["cuda", "cuda:0", "cuda:3", "mps"])
def test_a_device_that_is_missing_is_refused(name: str) -> None:
    with pytest.raises(UnusableInputError, match=f"--device {name}.*use --device cpu or auto"):
        choose_device(name)


def test_a_gpu_beyond_the_last_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    pretend_gpus(monkeypatch, 2, bfloat16=True)
    with pytest.raises(UnusableInputError, match=r"torch finds 2 CUDA device\(s\)"):
        choose_device("cuda:2")


@pytest.mark.parametrize(
    ("flags", "precision"),
    [
        ("flags : fpu avx2 avx512f", torch.float32),
        ("flags : fpu avx512_bf16", torch.bfloat16),
        ("flags : amx_bf16 amx_tile", torch.bfloat16),
        ("", torch.float32),
        (None, torch.float32),
    ],
)
def test_a_cpu_uses_bfloat16_only_if_it_multiplies_it(
    flags: str | None, precision: torch.dtype, monkeypatch: pytest.MonkeyPatch
) -> None:
    pretend_processor(monkeypatch, flags)
    assert choose_device("cpu").precision == precision


def test_the_precision_is_one_that_a_tensor_can_have() -> None:
    chosen = choose_device("cpu")
    assert torch.ones(2, dtype=chosen.precision, device=chosen.torch_device).sum() == 2


@pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="needs glibc")
def test_glibc_is_asked_to_keep_freed_memory() -> None:
    assert keep_freed_memory() is True


@pytest.mark.parametrize("library", ["", "musl"])
def test_other_c_libraries_are_left_alone(library: str, monkeypatch: pytest.MonkeyPatch) -> None:
    def untouched(*_: object) -> None:
        raise AssertionError("the C library was called")

    monkeypatch.setattr(platform, "libc_ver", lambda: (library, ""))
    monkeypatch.setattr(ctypes, "CDLL", untouched)
    assert keep_freed_memory() is False


@pytest.mark.gpu
def test_a_real_gpu_is_found_and_named() -> None:
    chosen = choose_device("auto")
    assert chosen.torch_device.type == "cuda"
    assert chosen.reason == torch.cuda.get_device_name(0)


def test_running_out_of_memory_is_known_in_all_its_forms() -> None:
    with pytest.raises(RuntimeError) as caught:
        torch.empty(2**60, dtype=torch.uint8)
    assert ran_out_of_memory(caught.value)
    assert ran_out_of_memory(MemoryError())
    assert ran_out_of_memory(torch.OutOfMemoryError("CUDA out of memory"))
    assert not ran_out_of_memory(RuntimeError("shapes differ"))


@pytest.fixture
def three_threads() -> Iterator[None]:
    before = torch.get_num_threads()
    torch.set_num_threads(3)
    yield
    torch.set_num_threads(before)


def device_named(name: str) -> Device:
    return Device(torch.device(name), torch.float32, "as asked for")


@pytest.mark.usefixtures("three_threads")
@pytest.mark.parametrize(("members", "workers"), [(2, 2), (3, 3), (4, 3), (1000, 3)])
def test_members_on_a_cpu_get_a_thread_each(members: int, workers: int) -> None:
    with workers_for(members, device_named("cpu")) as count:
        assert count == workers
        assert torch.get_num_threads() == 1
    assert torch.get_num_threads() == 3


@pytest.mark.usefixtures("three_threads")
@pytest.mark.parametrize(("name", "members"), [("cpu", 1), ("cuda", 1), ("cuda", 9), ("cuda:1", 9), ("mps", 9)])
def test_one_member_or_a_gpu_is_one_worker_with_all_threads(name: str, members: int) -> None:
    with workers_for(members, device_named(name)) as count:
        assert count == 1
        assert torch.get_num_threads() == 3
    assert torch.get_num_threads() == 3


@pytest.mark.usefixtures("three_threads")
def test_where_there_is_one_thread_there_is_one_worker() -> None:
    torch.set_num_threads(1)
    with workers_for(9, device_named("cpu")) as count:
        assert count == 1
    assert torch.get_num_threads() == 1


@pytest.mark.usefixtures("three_threads")
@pytest.mark.parametrize("members", [1, 9])
@pytest.mark.parametrize("error", [RuntimeError, KeyboardInterrupt])
def test_the_threads_are_put_back_after_an_error(members: int, error: type[BaseException]) -> None:
    with pytest.raises(error), workers_for(members, device_named("cpu")):
        raise error
    assert torch.get_num_threads() == 3
