"""What all tests share: where GPU tests skip, a seeded generator, and a folder that may not be written to."""

import os
import signal
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest
import torch

if not torch.cuda.is_available():
    # Kernels are then run by Triton's interpreter; it looks at this once, when it is imported.
    os.environ["TRITON_INTERPRET"] = "1"
from PIL import Image

WORKERS = int(os.environ.get("PYTEST_XDIST_WORKER_COUNT", "1"))
if WORKERS > 1:
    # Workers that each use all processors slow each other down. Commands that tests start inherit this.
    os.environ["OMP_NUM_THREADS"] = "1"

NOBODY = 65_534


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Skip GPU tests, in this one place, where there is no GPU."""
    if torch.cuda.is_available():
        return
    for item in items:
        if item.get_closest_marker("gpu"):
            item.add_marker(pytest.mark.skip(reason="needs a CUDA device"))


@pytest.fixture(autouse=True, scope="session")
def _few_threads() -> None:
    torch.set_num_threads(1 if WORKERS > 1 else min(2, torch.get_num_threads()))


@pytest.fixture(autouse=True)
def _ctrl_c_is_heeded() -> Iterator[None]:
    """Take signals that whoever runs the tests has us ignore out of the account, as a shell does in the background."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


@pytest.fixture
def generator() -> torch.Generator:
    """Return a seeded CPU generator."""
    return torch.Generator().manual_seed(0)


@pytest.fixture
def folder_of_another() -> Iterator[Path]:
    """A folder without write permission, in which only `in.png` may be read; root steps down meanwhile."""
    with tempfile.TemporaryDirectory() as name:  # not pytest's, which lies in a folder that only root may enter
        folder = Path(name)
        Image.new("RGB", (20, 20), (90, 120, 150)).save(folder / "in.png")
        (folder / "unreadable.png").write_bytes(b"x")
        (folder / "unreadable.png").chmod(0)
        folder.chmod(0o555)
        user = os.geteuid()
        if user == 0:
            os.seteuid(NOBODY)
        yield folder
        os.seteuid(user)
        folder.chmod(0o755)
