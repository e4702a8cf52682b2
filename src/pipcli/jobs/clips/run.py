"""Running a task on clips: resolve settings, check files, scan all frames, restore windows, write, preview."""

import time
from contextlib import ExitStack
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from pipcli.checkpoint import Kept, checksum, checksum_of, folder_beside
from pipcli.errors import ExitCode
from pipcli.jobs.beginning import device_and_reporter, summed_up
from pipcli.jobs.clips.files import ClipFiles, open_files
from pipcli.jobs.clips.plan import ClipPlan
from pipcli.jobs.interruption import EndedAtOnceError, Interruption, StopRequest
from pipcli.media import publish
from pipcli.media.clips import ClipWriter, Plan
from pipcli.settings import NoiseName
from pipcli.tasks.base import Task
from pipcli.tasks.clip_options import ClipOptions
from pipcli.tasks.units import sigma_in_levels

if TYPE_CHECKING:
    from pipcli.console import Reporter
    from pipcli.fit.device import Device
    from pipcli.jobs.clips.job import ClipJob
    from pipcli.jobs.clips.preview import ClipMetrics
    from pipcli.jobs.clips.scan import Scan
    from pipcli.noise import Noise
    from pipcli.restoration.window import ClipContext, Restoring


def run(
    task: Task,
    source: Path,
    said: ClipOptions,
    *,
    reporter: "Reporter | None" = None,
    asked: Interruption | None = None,
) -> int:
    """Carry out a task on a clip and return the exit code.

    Args:
        task: what to do.
        source: the clip.
        said: the options that all tasks share.
        reporter: is told of everything; None for the person and the program that called.
        asked: knows whether to end; None for signals.

    Raises:
        PipRestoreError: something about the options, the input or the outputs stands in the way.
    """
    began = time.perf_counter()
    plan = ClipPlan.of(task, source, said)
    files = open_files(task, source, said)
    with asked or Interruption() as interruption:
        # Only now, when the work is known to be possible: this loads torch.
        device, reporter = device_and_reporter(said, reporter)
        from pipcli.jobs.clips import report as clip_report

        identity = plan.identity(
            files.unchanged.checksum(source), device.torch_device.type, fields=plan.parts_fields(files)
        )
        folder = folder_beside(files.output)
        outputs = files.outputs
        with Kept(folder, identity, outputs, anew=not said.resume, advice="add --no-resume") as kept:
            job = _job(plan, files, kept, device, interruption, reporter)
            clip_report.started(job)
            try:
                job.restore()
            except EndedAtOnceError:
                if not isinstance(interruption, StopRequest):
                    raise
                interruption.gives_estimate = True
                job.leave_the_rest()
            finally:
                reporter.close()
            metrics = _write(job, interruption, kept)
            clip_report.finished(job, metrics)
            fitting = sum(one.fitting_seconds for one in job.facts())
            kept.discard()
        return summed_up(reporter, began, fitting, ExitCode.DONE)


def _job(
    plan: ClipPlan,
    files: ClipFiles,
    kept: Kept,
    device: "Device",
    interruption: Interruption,
    reporter: "Reporter",
) -> "ClipJob":
    """Look at all frames, and lay out the work."""
    from pipcli.jobs.clips.job import ClipJob
    from pipcli.jobs.clips.scan import scan
    from pipcli.jobs.clips.windows import windows_of
    from pipcli.jobs.noise_asked import noise_of
    from pipcli.jobs.watching import JobWatch
    from pipcli.noise import Evidence
    from pipcli.restoration.window import ClipContext

    photo, watch = plan.photo, JobWatch(interruption, reporter, kept)
    fields = plan.parts_fields(files)
    seen = scan(files.clip, interruption.check if kept.is_empty else interruption.end_keeping, fields=fields)
    depth = files.clip.bit_depth
    noise = noise_of(photo, Evidence(seen.strip), depth, sigma=sigma_in_levels(photo.sigma, 2**depth - 1))
    degradation = photo.task.degradation(noise, seen.middle, watch)
    context = ClipContext(
        settings=photo.settings,
        degradation=degradation,
        noise=noise,
        device=device,
        stop=photo.rule,
        seed=photo.seed,
        paper=photo.paper,
        notes=reporter,
        watch_of=partial(JobWatch, interruption, reporter, kept),
    )
    windows = windows_of(files.clip.frame_count, seen.cuts, plan.window, plan.overlap)
    restoring = _with_fields(_restoring(plan, context, seen), noise, apart=fields)
    return ClipJob(plan, files, context, restoring, windows, watch)


def _restoring(plan: ClipPlan, context: "ClipContext", seen: "Scan") -> "Restoring":
    """Return the way to restore a window."""
    from pipcli.jobs.noise_asked import shows_no_noise
    from pipcli.restoration import windows

    own = plan.photo.task.clips.restoring
    if own is not None:
        return own(context, seen.strip)
    if shows_no_noise(plan.photo, context.noise):
        return windows.Unchanged(context)
    # The filters along the motion know what networks would reproduce: see `Noise.filtered_alone`.
    if context.noise.filtered_alone and plan.photo.task.gives_back and _filters_fit(context, seen):
        return windows.FramesFiltered(context, apart=plan.said.per_frame)
    return windows.FramesApart(context) if plan.said.per_frame else windows.FramesTogether(context)


def _filters_fit(context: "ClipContext", seen: "Scan") -> bool:
    """Return whether frames are large enough for a filter that follows; there is none in a published row."""
    return any(patches.fit(*seen.middle.shape[-2:]) for patches in context.settings.finish.passes)


def _with_fields(restoring: "Restoring", noise: "Noise", *, apart: bool) -> "Restoring":
    """Return the way for a clip whose fields are restored apart, unless nothing of it is changed.

    The blocks of a JPEG have been put over the lines of both fields.
    """
    from pipcli.restoration.fields import FieldsApart
    from pipcli.restoration.windows import Unchanged

    if not apart or noise.name is NoiseName.JPEG or isinstance(restoring, Unchanged):
        return restoring
    return FieldsApart(restoring, noise)


def _write(job: "ClipJob", interruption: Interruption, kept: Kept) -> "ClipMetrics | None":
    """Write the finished frames as the clip that was asked for, and what was asked for beside it.

    Nothing gets its name before all is made, and the clip is the last: a run that was ended before can be started again
    as it was.
    """
    from pipcli.jobs.clips.preview import Looks, look_at

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
            looks = look_at(writer.unfinished, files, job.context.degradation, side, check)
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
