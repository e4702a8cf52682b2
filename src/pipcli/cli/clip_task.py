"""The way of every task on clips: settle the settings, check the files, look at all frames, restore, write and look."""

import dataclasses
import time
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING

from pipcli.checkpoint import Identity, Kept, checksum, checksum_of, folder_beside
from pipcli.cli.airlight import airlight_of
from pipcli.cli.clip_files import ClipFiles, open_files
from pipcli.cli.clip_options import ClipOptions, ClipTaskName
from pipcli.cli.clip_tasks import task_of
from pipcli.cli.interrupt import Interruption
from pipcli.cli.photo_keeping import identity_of
from pipcli.cli.photo_options import PhotoOptions, TaskOptions
from pipcli.cli.request import Request, settings_of
from pipcli.cli.units import sigma_in_levels
from pipcli.errors import ExitCode
from pipcli.media import publish
from pipcli.media.clips import ClipWriter, Plan
from pipcli.settings import PUBLISHED_WINDOW_FRAMES, WINDOW_FRAMES, NoiseName, Settings, clip_preset, preset
from pipcli.watch import Unwatched

if TYPE_CHECKING:
    from pipcli.cli.clip_job import ClipJob
    from pipcli.cli.clip_looking import ClipMetrics
    from pipcli.cli.clip_restoring import Means, Restoring
    from pipcli.cli.clip_scan import Scan
    from pipcli.console import Reporter
    from pipcli.fit.device import Device
    from pipcli.noise import Noise

# Neighbours share this part of the frames of a window.
OVERLAP_SHARE = 3


@dataclasses.dataclass(frozen=True)
class ClipRequest:
    """What the user asked for.

    Attributes:
        name: of the task.
        said: the options as typed.
        photo: the same for every frame, as if it were a photo.
    """

    name: ClipTaskName
    said: ClipOptions
    photo: Request

    @classmethod
    def of(cls, name: ClipTaskName, source: Path, said: ClipOptions) -> "ClipRequest":
        """Return the request of a task on a clip.

        Raises:
            UnusableInputError: the options do not go together.
        """
        words = {field.name: getattr(said, field.name) for field in dataclasses.fields(TaskOptions)}
        return cls(name, said, Request.of(task_of(name, said), source, PhotoOptions(**words)))

    @property
    def window(self) -> int:
        """Frames of a window, at most."""
        if self.said.window is not None:
            return self.said.window
        return PUBLISHED_WINDOW_FRAMES if self.said.paper else WINDOW_FRAMES

    @property
    def overlap(self) -> int:
        """Frames that windows share: none where frames do not know of each other."""
        if self.name is ClipTaskName.INTERPOLATE:  # what lies between two windows must be in one of them
            return max(1, self.window // OVERLAP_SHARE)
        return 0 if self.said.per_frame or self.said.paper else self.window // OVERLAP_SHARE

    def settings(self) -> Settings:
        """Return the preset row with the user's words in it.

        Raises:
            UnusableInputError: a number is out of its range, or two options contradict each other.
        """
        fits_blocks = not self.said.per_frame and self.name not in (ClipTaskName.DEHAZE, ClipTaskName.INTERPOLATE)
        return settings_of(self.photo, clip_preset if fits_blocks else preset)

    def parts_fields(self, files: ClipFiles) -> bool:
        """Return whether the two fields of the frames are restored apart.

        Only where every line of a frame is one of the result: a kernel, haze and a larger picture go across lines. What
        was published knows of no fields.
        """
        is_of_fields = files.clip.first_field is not None and files.plan.keeps_fields
        return is_of_fields and not self.said.paper and self.name in (ClipTaskName.DENOISE, ClipTaskName.INPAINT)

    def identity(self, input_checksum: str, device: str, *, fields: bool) -> Identity:
        """Return what decides the frames of the result.

        Args:
            input_checksum: of what is in the input.
            device: the kind of it.
            fields: whether those are restored apart.
        """
        own = {"--window": self.window, "--per-frame": self.said.per_frame}
        parted = {"fields apart": True} if fields else {}
        return {**identity_of(self.photo, input_checksum, device), **own, **parted}


def run(name: ClipTaskName, source: Path, said: ClipOptions) -> int:
    """Carry out a task on a clip and return the exit code.

    Raises:
        PipRestoreError: something about the options, the input or the outputs stands in the way.
    """
    began = time.perf_counter()
    request = ClipRequest.of(name, source, said)
    settings = request.settings()
    files = open_files(name, request.photo.task, source, said)
    with Interruption() as interruption:
        # Only now, when the work is known to be possible: this loads torch.
        from pipcli.cli import clip_report
        from pipcli.console import Reporter, Verbosity
        from pipcli.fit.device import choose_device, keep_freed_memory

        keep_freed_memory()
        device = choose_device(said.device)
        reporter = Reporter(Verbosity(said.json, said.quiet, said.verbose))
        identity = request.identity(
            files.unchanged.checksum(source), device.torch_device.type, fields=request.parts_fields(files)
        )
        folder = folder_beside(files.output)
        outputs = files.outputs
        with Kept(folder, identity, outputs, anew=not said.resume, advice="add --no-resume") as kept:
            job = _job(request, settings, files, kept, device, interruption, reporter)
            clip_report.started(job, said)
            try:
                job.restore()
            finally:
                reporter.close()
            metrics = _write(job, interruption, kept)
            clip_report.finished(job, metrics)
            fitting = sum(one.fitting_seconds for one in job.facts())
            kept.discard()
        reporter.event(
            "summary",
            done=1,
            failed=0,
            seconds=round(time.perf_counter() - began, 3),
            fitting_seconds=round(fitting, 3),
            exit_code=ExitCode.DONE,
        )
        return ExitCode.DONE


def _job(
    request: ClipRequest,
    settings: Settings,
    files: ClipFiles,
    kept: Kept,
    device: "Device",
    interruption: Interruption,
    reporter: "Reporter",
) -> "ClipJob":
    """Look at all frames, and lay out the work."""
    from pipcli.cli.clip_job import ClipJob
    from pipcli.cli.clip_restoring import Means
    from pipcli.cli.clip_scan import scan
    from pipcli.cli.clip_windows import windows_of
    from pipcli.cli.noise_asked import noise_of
    from pipcli.noise import Evidence

    photo = request.photo
    fields = request.parts_fields(files)
    seen = scan(files.clip, interruption.check if kept.is_empty else interruption.end_keeping, fields=fields)
    depth = files.clip.bit_depth
    noise = noise_of(photo, Evidence(seen.strip), depth, sigma=sigma_in_levels(photo.sigma, 2**depth - 1))
    degradation = photo.task.degradation(noise, seen.middle, _Checked(interruption))
    means = Means(photo, settings, degradation, noise, device, reporter, interruption.end_keeping)
    windows = windows_of(files.clip.frame_count, seen.cuts, request.window, request.overlap)
    return ClipJob(
        files,
        means,
        _with_fields(_restoring(request, means, seen), noise, apart=fields),
        windows,
        kept,
        interruption,
        inverted_mask=request.said.invert_mask,
    )


class _Checked(Unwatched):
    """Ends the work when a signal came, and else says that there is no hurry."""

    def __init__(self, interruption: Interruption) -> None:
        self._interruption = interruption

    def must_end(self) -> bool:
        """Return False, unless a signal came."""
        self._interruption.end_keeping()
        return False


def _restoring(request: ClipRequest, means: "Means", seen: "Scan") -> "Restoring":
    """Return the way to restore a window."""
    from pipcli.cli import clip_restoring
    from pipcli.cli.noise_asked import shows_no_noise

    if request.name is ClipTaskName.DEHAZE:
        airlight = request.said.airlight
        return clip_restoring.WithoutHaze(means, seen.strip, None if airlight is None else airlight_of(airlight))
    if request.name is ClipTaskName.INTERPOLATE:
        return clip_restoring.FramesBetween(means)
    if shows_no_noise(means.request, means.noise):
        return clip_restoring.Unchanged(means)
    return clip_restoring.FramesApart(means) if request.said.per_frame else clip_restoring.FramesTogether(means)


def _with_fields(restoring: "Restoring", noise: "Noise", *, apart: bool) -> "Restoring":
    """Return the way for a clip whose fields are restored apart, unless nothing of it is changed.

    The blocks of a JPEG have been put over the lines of both fields.
    """
    from pipcli.cli.clip_fields import FieldsApart
    from pipcli.cli.clip_restoring import Unchanged

    if not apart or noise.name is NoiseName.JPEG or isinstance(restoring, Unchanged):
        return restoring
    return FieldsApart(restoring, noise)


def _write(job: "ClipJob", interruption: Interruption, kept: Kept) -> "ClipMetrics | None":
    """Write the finished frames as the clip that was asked for, and what was asked for beside it.

    Nothing gets its name before all is made, and the clip is the last: a run that was ended before can be started again
    as it was.
    """
    from pipcli.cli.clip_looking import Looks, look_at

    files, check = job.files, interruption.end_keeping
    with ExitStack() as stack:
        writer = stack.enter_context(_writer(files.plan, kept))
        side = None if files.side_by_side is None else stack.enter_context(_writer(files.side_by_side, kept))
        for frame in job.frames():
            check()
            writer.write(frame)
        writer.complete()
        files.unchanged.check_contents()
        looks = Looks()
        if files.are_looked_at:
            looks = look_at(writer.unfinished, files, job.means.degradation, side, check)
        for path, data in ((files.sheet, looks.sheet), (files.slice, looks.slice)):
            if path is not None and data is not None:
                overwrite = job.overwrite or kept.permits(path)
                kept.claim(path, checksum(data))
                publish(path, data, overwrite=overwrite)
        for one in (side, writer):
            if one is not None:
                overwrite = job.overwrite or kept.permits(one.output)
                kept.claim(one.output, checksum_of(one.unfinished))
                one.publish(overwrite=overwrite)
    return looks.metrics


def _writer(plan: Plan, kept: Kept) -> ClipWriter:
    """Return the writer of an output, in the folder of what is kept, where it goes with all else if work is killed."""
    # Other folders may be of another file system, and a link may lead there.
    is_beside = not plan.output.is_symlink() and plan.output.parent.resolve() == kept.folder.parent.resolve()
    return ClipWriter(plan, workplace=kept.folder if is_beside else None)
