"""`pipcli.restore`: what the command does, for Python programs: arrays or paths in, a `Restoration` out.

The array is written to a temporary file without loss and goes the way of the command, so that the samples are those of
the command's file, and the same input is refused with the same message.
"""

import tempfile
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pipcli.console import Place, Reporter, Verbosity
from pipcli.errors import PipRestoreError, UnusableInputError
from pipcli.jobs.arrays import Arrays
from pipcli.jobs.interruption import EndedAtOnceError, StopRequest
from pipcli.jobs.spoken import records_of
from pipcli.media.clips import is_clip
from pipcli.tasks import TASKS
from pipcli.tasks.base import TaskRow
from pipcli.tasks.clip_options import ClipOptions
from pipcli.tasks.shared import PhotoOptions
from pipcli.watch import Progress

Image = NDArray[Any] | str | Path


@dataclass(frozen=True)
class NoiseFound:
    """The noise that was removed.

    Attributes:
        kind: such as "gaussian" or "poisson"; the names of `--noise`.
        sigma: standard deviation in grey levels of 255; of noise that depends on brightness, its mean.
        level: in the unit of the kind.
        unit: of the level.
        detected: whether the kind was told from the picture.
        origin: where the level is from: "given", "estimated", ...
    """

    kind: str
    sigma: float
    level: float
    unit: str
    detected: bool
    origin: str


@dataclass(frozen=True, eq=False)
class Restoration:
    """What a restoration arrived at.

    Attributes:
        image: of the shape and dtype of the input, but for the size where the task changes it; of a path (H, W),
            (H, W, C) or (T, H, W, C) in the dtype of the file.
        outcome: why the fit ended, such as "held_out" or "interrupted".
        reason: the same as a sentence.
        steps: of each network, the step whose estimate was taken; empty where none was fitted.
        seconds: of the restoration.
        noise: what was found or told of the noise.
        metrics: "psnr_input", "psnr", "gain", ... in dB against the reference; None without one.
        uncertainty: (H, W) float32 standard deviation of the networks' answers; None where it was not asked for.
        found: what else the task has found, by name, such as "airlight".
        notes: what the command would have said of the input.
    """

    image: NDArray[Any]
    outcome: str
    reason: str
    steps: tuple[int, ...]
    seconds: float
    noise: NoiseFound
    metrics: dict[str, float] | None
    uncertainty: NDArray[np.float32] | None
    found: dict[str, list[float]]
    notes: tuple[str, ...]


def restore(
    image: Image,
    task: str = "denoise",
    *,
    sigma: float | str | None = None,
    noise: str | None = None,
    level: float | None = None,
    prior: str = "pip",
    quality: str = "standard",
    paper: bool = False,
    steps: int | None = None,
    time_limit: float | None = None,
    stop: str | None = None,
    seed: int = 0,
    device: str = "auto",
    reference: Image | None = None,
    uncertainty: bool = False,
    progress: Callable[[Progress], None] | None = None,
    should_stop: Callable[[], bool] | None = None,
    **options: Any,
) -> Restoration:
    """Restore one degraded picture or clip.

    Args:
        image: (H, W), (H, W, C) with C from 1 to 4 (the last of 2 and 4 is alpha), or a clip (T, H, W, C), C being 1 or
            3; or the path of a file, or of a folder of frames. Booleans, whole numbers from 0 to 65535, or floats from
            0 to 1, of any type; floats of clips are worked on in 16 bits.
        task: "denoise", "sr", "inpaint", "enhance", "flash", "deblur", "dehaze"; of clips also "interpolate".
        sigma: standard deviation of the noise in grey levels of 255, or "40dn" in sample values; None to estimate it.
        noise: the kind of noise; None to detect it.
        level: of the noise, in the unit of its kind; None to estimate it.
        prior: the generator: "pip", "dip", "dip-unet", "dip-resnet", "siren", "mlp", "hash" or "decoder".
        quality: "draft", "standard" or "best".
        paper: whether to run the published method instead.
        steps: of each network, at most; None for the preset's.
        time_limit: in seconds; None for no limit.
        stop: the stop rule; None for the one that suits.
        seed: of all that is random: on the CPU the same seed gives the same samples.
        device: "auto", "cpu", "cuda", "cuda:1", "mps".
        reference: the clean picture, to measure against; the fit never sees it.
        uncertainty: whether to return the spread of the networks' answers, too; not of clips.
        progress: is told of the fit, after the first and every ten steps.
        should_stop: is asked whether to end now with the estimate so far, from several threads.
        options: of the task, named as on the command line with underscores: `scale=4`, `mask=array`, `guide=array`,
            `strength=0.5`, `kernel_file=array`, `airlight=(0.8, 0.8, 0.7)`, `factor=2`; and `max_frequency`, `omega`,
            `tv`, `tikhonov`; of clips `window`, `per_frame`, `fps`. Pictures among them may be arrays or paths.

    Returns:
        What the command would have written, as an array, and what it would have said. Ctrl-C and `should_stop` return
        the estimate so far, with the outcome "interrupted"; of a clip the frames that were not reached are as they
        were.

    Raises:
        UnusableInputError: an argument cannot be worked with; the message says what would be right.
        PipRestoreError: the work could not be done, or it was stopped before there was an estimate.
        KeyboardInterrupt: Ctrl-C came before there was an estimate, or twice.
    """
    said = {
        "sigma": sigma, "noise": noise, "level": level, "prior": prior, "quality": quality, "paper": paper,
        "steps": steps, "time_limit": time_limit, "stop": stop, "seed": seed, "device": device, "reference": reference,
        **options,
    }  # fmt: skip
    row = _row(task)
    with tempfile.TemporaryDirectory(prefix="pip-restore-") as name:
        call = _Call(row, Arrays(Path(name)), _Listener(progress), StopRequest(should_stop))
        way = call.of_clip if _is_clip(image) else call.of_photo
        try:
            return way(image, said, uncertainty)
        except EndedAtOnceError as error:
            if call.interruption.signal_number is not None:
                raise KeyboardInterrupt from error
            raise PipRestoreError("stopped before there was an estimate") from error


def _row(task: str) -> TaskRow:
    for row in TASKS:
        if row.name == task:
            return row
    raise UnusableInputError(f"task is one of {', '.join(row.name for row in TASKS)}, not {task!r}")


def _is_clip(image: Image) -> bool:
    return image.ndim == 4 if isinstance(image, np.ndarray) else is_clip(Path(image))


class _Listener(Reporter):
    """Writes down what a command says, and passes the progress on."""

    def __init__(self, progress: Callable[[Progress], None] | None) -> None:
        super().__init__(Verbosity(quiet=True))
        self.notes: list[str] = []
        self.events: dict[str, dict[str, Any]] = {}
        self._progress = progress

    def say(self, message: str) -> None:
        """Write a sentence down."""
        self.notes.append(message)

    def explain(self, message: str) -> None:
        """Ignore details."""

    def event(self, kind: str, **fields: Any) -> None:
        """Write an event down."""
        self.events[kind] = fields

    def path(self, path: Path) -> None:
        """Ignore the path, which is a temporary one."""

    def show(self, progress: Progress, noise_variance: float | None) -> None:
        """Pass the progress on, its share being of the whole work."""
        del noise_variance
        if self._progress is not None:
            self._progress(replace(progress, share=_share(self._place, progress.share)))


def _share(place: Place | None, share: float) -> float:
    return share if place is None else (place.kept + place.done + share) / place.windows


@dataclass(frozen=True)
class _Call:
    """One call, with what it needs."""

    row: TaskRow
    arrays: Arrays
    listener: _Listener
    interruption: StopRequest

    def of_photo(self, image: Image, said: dict[str, Any], uncertainty: bool) -> Restoration:
        """Restore a picture."""
        from pipcli.jobs.photos.run import run

        if self.row.photos is None:
            raise UnusableInputError(f"{self.row.name} is for clips: give an array (T, H, W, C)")
        source = self.arrays.photo("in", image)
        output, spread = self.arrays.output(source), self.arrays.folder / "spread.tif"
        files = {"output": output, "uncertainty": spread if uncertainty else None}
        own, shared = records_of(self.row.photos.options, PhotoOptions, said, self.arrays, **files)
        run(self.row.photos.task_of(own, shared), [source], shared, reporter=self.listener, asked=self.interruption)
        found = self.arrays.read(spread).squeeze() if uncertainty else None
        return self._restoration(self.arrays.like(image, self.arrays.read(output)), found)

    def of_clip(self, clip: Image, said: dict[str, Any], uncertainty: bool) -> Restoration:
        """Restore a clip."""
        from pipcli.jobs.clips.run import run

        if self.row.clips is None:
            raise UnusableInputError(f"{self.row.name} is for pictures: give an array (H, W) or (H, W, C)")
        if uncertainty:
            raise UnusableInputError("uncertainty is for pictures: leave it out")
        source, output = self.arrays.clip("in", clip), self.arrays.folder / "out"
        output.mkdir()
        own, shared = records_of(self.row.clips.options, ClipOptions, said, self.arrays, output=output)
        run(self.row.clips.task_of(own, shared), source, shared, reporter=self.listener, asked=self.interruption)
        return self._restoration(self.arrays.like(clip, self.arrays.read_frames(output)), None)

    def _is_of_the_call(self, note: str, reason: str) -> bool:
        """Return whether a sentence names the temporary files, or why the fit ended."""
        return str(self.arrays.folder) in note or note.startswith(reason)

    def _restoration(self, image: NDArray[Any], uncertainty: NDArray[np.float32] | None) -> Restoration:
        started, result = self.listener.events["start"], self.listener.events["result"]
        told = started["noise"]
        return Restoration(
            image=image,
            outcome=result["outcome"],
            reason=result["reason"],
            steps=tuple(result["steps"]),
            seconds=result["seconds"],
            noise=NoiseFound(
                told["kind"], started["sigma"], told["level"], told["unit"], told["detected"], told["origin"]
            ),
            metrics=result["metrics"],
            uncertainty=uncertainty,
            found=dict(result.get("found", {})),
            notes=tuple(note for note in self.listener.notes if not self._is_of_the_call(note, result["reason"])),
        )
