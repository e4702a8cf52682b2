"""Runs of `pip-restore video` on clips without noise, whose frames are given back as they were, which is quick."""

import time
from collections.abc import Callable
from pathlib import Path

from support.running import Run

Command = Callable[..., Run]
PICTURE = ("-f", "lavfi", "-i", "testsrc2=s=48x32:r=25:d=0.4,format=yuv420p")
SECOND = ("-f", "lavfi", "-i", "testsrc2=s=48x32:r=25:d=0.4,hflip,format=yuv420p")
TONE = ("-f", "lavfi", "-i", "sine=d=0.5")
FAST = ("-c:v", "libx264", "-preset", "ultrafast")


def restored(command: Command, source: Path, output: Path, *arguments: str) -> str:
    """Run the command, which must succeed, and return what it said."""
    run = command("video", source, "-o", output, "--device", "cpu", *arguments)
    assert run.code == 0, run.err.decode()
    return run.err.decode()


def refused(command: Command, *arguments: str | Path) -> str:
    """Return the one line with which the command refuses its input, at once."""
    began = time.monotonic()
    run = command("video", *arguments, "--device", "cpu")
    assert run.code == 2 and time.monotonic() - began < 5
    return run.message
