"""What a person or a program is told: progress and summaries on stderr, results and JSON lines on stdout."""

import contextlib
import json
import math
import os
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

from rich.console import Console as RichConsole
from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn
from rich.text import Text

from pipcli.metrics import mse_to_psnr

if TYPE_CHECKING:  # restore loads torch, which the commands that fit nothing do without
    from pipcli.watch import Progress as FitProgress

PLAIN_LINES = 10
LONG = 120  # seconds that are said in minutes


class StderrConsole(RichConsole):
    """A console on stderr that falls silent when its reader leaves, where rich would end the process."""

    def on_broken_pipe(self) -> None:
        """Go on without a word: nobody listens, but the result is still wanted."""
        self.quiet = True
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stderr.fileno())


@dataclass(frozen=True)
class Place:
    """Where in a clip the work is.

    Attributes:
        window: of frames, from 1.
        windows: how many there are.
        kept: how many of them were finished by an earlier run.
        done: how many have been finished by this one.
        first: frame of the window, from 1.
        last: frame of it.
        frames: of the clip.
        began: when this run began with its first window, by `time.perf_counter`.
    """

    window: int
    windows: int
    kept: int
    done: int
    first: int
    last: int
    frames: int
    began: float

    @property
    def text(self) -> str:
        """The frames in words."""
        frames = f"frame {self.first}" if self.first == self.last else f"frames {self.first} to {self.last}"
        return f"{frames} of {self.frames}"

    def share(self, share: float) -> float:
        """Return the share of this run's work that is done with a share of the window."""
        return min(1.0, (self.done + share) / max(1, self.windows - self.kept))


class Bar(Protocol):
    """A way to show progress."""

    def show(self, progress: "FitProgress", quality: float | None, place: Place | None = None) -> None:
        """Show the latest state; quality is the blind estimate of the PSNR in dB."""

    def close(self) -> None:
        """Leave the terminal as it was."""


class Silent:
    """Shows nothing."""

    def show(self, progress: "FitProgress", quality: float | None, place: Place | None = None) -> None:
        """Show nothing."""

    def close(self) -> None:
        """Do nothing."""


def _quality_text(quality: float | None) -> str:
    return "" if quality is None else f"about {quality:.1f} dB"


class PlainLines:
    """One line at the first step and at each tenth of the work, of a clip once a window: for logs."""

    def __init__(self, console: RichConsole) -> None:
        self._console = console
        self._shown: tuple[str, int] | None = None

    def show(self, progress: "FitProgress", quality: float | None, place: Place | None = None) -> None:
        """Print a line when a new part has begun."""
        part = (progress.stage, int(progress.share * PLAIN_LINES) if place is None else place.window)
        if part == self._shown:
            return
        self._shown = part
        if place is not None:
            self._console.print(Text(f"{place.text}{_to_go(place)}"), soft_wrap=True)
            return
        networks = f", {progress.fitting} of {progress.members} networks" if progress.members > 1 else ""
        parts = [f"{_step_text(progress)}{networks}", f"{progress.seconds:.0f} s"]
        if quality is not None:
            parts.append(_quality_text(quality))
        self._console.print(Text(", ".join(parts)), soft_wrap=True)

    def close(self) -> None:
        """Do nothing: lines stay."""


class LiveBar:
    """A bar with step, rate, time to go and estimated quality: for terminals."""

    def __init__(self, console: RichConsole) -> None:
        self._progress = Progress(
            TextColumn("{task.description}"),
            BarColumn(),
            TextColumn("{task.fields[rate]}"),
            TimeRemainingColumn(),
            TextColumn("{task.fields[quality]}"),
            console=console,
            transient=True,
        )
        self._task = self._progress.add_task("fitting", total=1.0, rate="", quality="")
        self._progress.start()

    def show(self, progress: "FitProgress", quality: float | None, place: Place | None = None) -> None:
        """Move the bar."""
        self._progress.update(
            self._task,
            description=_step_text(progress) if place is None else f"{place.text}, {_step_text(progress)}",
            completed=progress.share if place is None else place.share(progress.share),
            rate=f"{progress.step / max(progress.seconds, 1e-9):.1f} steps/s",
            quality=_quality_text(quality),
        )

    def close(self) -> None:
        """Take the bar away."""
        self._progress.stop()


def _step_text(progress: "FitProgress") -> str:
    stage = "" if progress.stage == "fit" else f"{progress.stage}, "
    return f"{stage}step {progress.step} of at most {progress.steps}"


def _to_go(place: Place) -> str:
    """Say how long the rest will take, once a window has shown how long one takes."""
    if place.done == 0:
        return ""
    left = place.windows - place.kept - place.done
    seconds = (time.perf_counter() - place.began) / place.done * left
    return f", about {seconds:.0f} s left" if seconds < LONG else f", about {seconds / 60:.0f} minutes left"


@dataclass(frozen=True)
class Verbosity:
    """What the user asked to be told."""

    json_lines: bool = False
    quiet: bool = False
    verbose: bool = False


class Reporter:
    """Tells of one command, in words on stderr and, when asked, in JSON lines on stdout."""

    def __init__(self, verbosity: Verbosity) -> None:
        self.verbosity = verbosity
        self._console = StderrConsole(stderr=True, highlight=False, quiet=verbosity.quiet)
        self._bar: Bar | None = None
        self._place: Place | None = None

    def at(self, place: Place) -> None:
        """Take note of where in a clip the work is that is shown from now on."""
        self._place = place

    def say(self, message: str) -> None:
        """Say something to the person, unless quiet."""
        self._console.print(Text(message), soft_wrap=True)

    def explain(self, message: str) -> None:
        """Say something that only --verbose wants to hear."""
        if self.verbosity.verbose:
            self.say(message)

    def event(self, kind: str, **fields: Any) -> None:
        """Print a JSON line, when JSON lines were asked for."""
        if self.verbosity.json_lines:
            print_json({"type": kind, **fields})

    def failed(self, message: str, exit_code: int) -> None:
        """Say, quiet or not, that something failed while the rest goes on."""
        with contextlib.suppress(OSError):
            sys.stderr.write(f"pip-restore: {message}\n")
            sys.stderr.flush()
        self.event("error", message=message, exit_code=exit_code)

    def path(self, path: Path) -> None:
        """Print the path of a result on stdout, byte for byte, when JSON lines were not asked for."""
        if not self.verbosity.json_lines:
            sys.stdout.flush()
            sys.stdout.buffer.write(os.fsencode(path) + b"\n")
            sys.stdout.buffer.flush()

    def show(self, progress: "FitProgress", noise_variance: float | None) -> None:
        """Show the progress of a fit, with its estimated quality where the noise variance is known."""
        quality = estimated_psnr(progress.held_out_error, noise_variance)
        self.event(
            "progress",
            stage=str(progress.stage),
            members=progress.members,
            fitting=progress.fitting,
            step=progress.step,
            steps=progress.steps,
            seconds=round(progress.seconds, 3),
            estimated_psnr=None if quality is None else round(quality, 2),
            **_window_fields(self._place),
        )
        if self._bar is None:
            self._bar = self._make_bar()
        self._bar.show(progress, quality, self._place)

    def _make_bar(self) -> Bar:
        if self.verbosity.quiet:
            return Silent()
        return LiveBar(self._console) if self._console.is_terminal else PlainLines(self._console)

    def close(self) -> None:
        """Leave the terminal as it was."""
        if self._bar is not None:
            self._bar.close()
            self._bar = None


def _window_fields(place: Place | None) -> dict[str, Any]:
    if place is None:
        return {}
    finished = place.kept + place.done
    return {"window": place.window, "windows": place.windows, "windows_done": finished, "frames": place.frames}


def print_json(fields: dict[str, Any]) -> None:
    """Print one JSON object as a line on stdout; what JSON cannot hold becomes null."""
    clean = {key: _jsonable(value) for key, value in fields.items()}
    sys.stdout.write(json.dumps(clean, ensure_ascii=True) + "\n")
    sys.stdout.flush()


def _jsonable(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _jsonable(item) for key, item in value.items()}
    if isinstance(value, list):
        return [_jsonable(item) for item in value]
    if isinstance(value, float) and not math.isfinite(value):
        return None
    return value


def estimated_psnr(held_out_error: float | None, noise_variance: float | None) -> float | None:
    """Estimate the PSNR in dB from the error on held-out noisy pixels; None where the noise hides it."""
    if held_out_error is None or noise_variance is None or held_out_error <= noise_variance:
        return None
    return mse_to_psnr(held_out_error - noise_variance)
