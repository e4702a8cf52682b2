"""A folder that may not be written to, also when the tests run as root."""

import os
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

NOBODY = 65_534


@pytest.fixture
def folder_of_another() -> Iterator[Path]:
    """A folder without write permission, in which `unreadable.png` may not be read; root steps down meanwhile."""
    with tempfile.TemporaryDirectory() as name:  # not pytest's, which lies in a folder that only root may enter
        folder = Path(name)
        (folder / "unreadable.png").write_bytes(b"x")
        (folder / "unreadable.png").chmod(0)
        folder.chmod(0o555)
        user = os.geteuid()
        if user == 0:
            os.seteuid(NOBODY)
        yield folder
        os.seteuid(user)
        folder.chmod(0o755)
