"""Running the real command: in this process, which is quick, or in one of its own."""

import io
import json
import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from jsonschema import Draft202012Validator
from PIL import Image

from support.builders import samples
from support.forked import Forked, Word, heed_signals

COMMAND = "from pipcli.cli.app import main; main()"
START = [sys.executable, "-c", COMMAND]
# The command as it keeps its state after every round.
OFTEN = (
    "import pipcli.cli.app; from pipcli.jobs import fit_state as fit_keeping\n"
    "fit_keeping.PERIOD = fit_keeping.LEAST_SHARE = 0.0\n"
    "pipcli.cli.app.main()"
)
# The command as it is killed when so many outputs, which did not exist before, have got their names.
KILLED_AFTER = (
    "import os, signal; import pipcli.cli.app; from pipcli.media import portable\n"
    "names, move = [], portable.move_new\n"
    "def counted(temporary, target):\n"
    "    move(temporary, target); os.path.exists(temporary) and os.unlink(temporary); names.append(target)\n"
    "    len(names) == {count} and os.kill(os.getpid(), signal.SIGKILL)\n"
    "portable.move_new = counted\n"
    "pipcli.cli.app.main()"
)
ENVIRONMENT = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path), "OMP_NUM_THREADS": "1", "NO_COLOR": "1"}
CAN_FORK = sys.platform.startswith("linux")
SCHEMA = json.loads((Path(__file__).parents[2] / "docs" / "json-lines.schema.json").read_text())
# Processes start slowly on a busy machine; no test waits for this on a sound one.
PATIENCE = 120


Process = subprocess.Popen[bytes] | Forked


@dataclass(frozen=True)
class Run:
    """What a finished command left: its exit code, and the bytes on stdout and stderr."""

    code: int
    out: bytes
    err: bytes

    @property
    def message(self) -> str:
        """The one line on stderr of a refusal, after checking that there is no more."""
        assert self.err.count(b"\n") == 1, self.err.decode(errors="replace")
        assert self.err.startswith(b"pip-restore: ")
        return self.err.decode().removeprefix("pip-restore: ").rstrip("\n")


def begun(
    *arguments: str | bytes | Path, script: str = COMMAND, fresh: bool = False, cwd: Path | None = None
) -> Process:
    """Start the command as a shell does, so that Ctrl-C is heeded, by a script that calls it.

    It is forked from a process that has loaded torch, or else, `fresh`, is an interpreter that begins with nothing.
    """
    if CAN_FORK and not fresh:
        return Forked(arguments, script, ENVIRONMENT, os.fspath(cwd or Path.cwd()))
    return subprocess.Popen(
        [sys.executable, "-c", script, *arguments],
        env=ENVIRONMENT,
        cwd=cwd,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        preexec_fn=heed_signals,
    )


def in_process_of_its_own(
    *arguments: Word,
    data: bytes | None = None,
    cwd: Path | None = None,
    script: str = COMMAND,
    fresh: bool = False,
) -> Run:
    """Run the command, by a script that calls it, to its end in a process of its own, feeding it `data` on stdin."""
    process = begun(*arguments, script=script, fresh=fresh, cwd=cwd)
    out, err = process.communicate(data, timeout=PATIENCE)
    assert process.returncode is not None
    return Run(process.returncode, out, err)


def picture(path: Path, height: int = 16, width: int = 16, channels: int = 3, dtype: str = "uint8") -> Path:
    """Write an 8-bit picture of random samples, in the format of the path's suffix, and return the path."""
    Image.fromarray(samples(height, width, channels, dtype).squeeze(axis=2 if channels == 1 else ())).save(path)
    return path


def smooth_picture(path: Path, side: int, *, seed: int = 0) -> Path:
    """Write a square 8-bit colour PNG with smooth content and noise of sigma 25, and return the path."""
    y, x = np.mgrid[0:side, 0:side] / side
    clean = np.stack([x, y, (x + y) / 2], axis=-1) * 160 + 48
    noisy = clean + np.random.default_rng(seed).normal(0, 25, clean.shape)
    Image.fromarray(noisy.round().clip(0, 255).astype(np.uint8)).save(path)
    return path


def opened(path: Path) -> Image.Image:
    """Decode a whole picture, by Pillow and not by the code under test."""
    image = Image.open(io.BytesIO(path.read_bytes()))
    image.load()
    return image


def names(folder: Path) -> set[str]:
    """The names of all files in a folder, hidden ones too."""
    return {entry.name for entry in folder.iterdir()}


def refuse_constant(name: str) -> None:
    """NaN and Infinity are no JSON, though Python reads them."""
    raise ValueError(name)


def lines_of(run: Run) -> list[dict[str, Any]]:
    """The objects of stdout, each valid, with each line's end in its place."""
    assert run.out.endswith(b"\n")
    lines = [json.loads(line, parse_constant=refuse_constant) for line in run.out.decode("ascii").splitlines()]
    for line in lines:
        Draft202012Validator(SCHEMA).validate(line)
    return lines
