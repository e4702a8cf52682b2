"""What a task on a clip says at its start and at its end, in words for a person and in JSON lines for a program."""

from collections import Counter
from collections.abc import Sequence
from fractions import Fraction
from typing import TYPE_CHECKING

from pipcli import __version__
from pipcli.jobs.clips.preview import ClipMetrics
from pipcli.jobs.report import effective, noise_fields
from pipcli.media import shown
from pipcli.media.clips import DEINTERLACE, Clip
from pipcli.restoration.fields import FieldsApart
from pipcli.restoration.solution import Outcome
from pipcli.restoration.windows import Unchanged

if TYPE_CHECKING:
    from pipcli.jobs.clips.job import ClipJob
    from pipcli.restoration.window import WindowReport


def started(job: "ClipJob") -> None:
    """Tell what is about to be done, with which settings, and how much of it is there already."""
    context, clip, reporter = job.context, job.files.clip, job.reporter
    plan, noise, device = job.plan.photo, context.noise, context.device
    said = job.plan.said
    scenes = sum(window.opens_scene for window in job.windows)
    way = "frame by frame" if said.per_frame else f"prior {plan.prior}"
    reporter.say(
        f"{plan.task.name} {shown(clip.path)} ({described(clip)}), {way}, {noise.words}, "
        f"{_counted(len(job.windows), 'window')} of frames in "
        f"{_counted(scenes, 'scene')}, on {device.torch_device} ({device.reason})"
    )
    for note in (*clip.notes, *fields_note(job), *job.files.plan.notes, *context.degradation.notes):
        reporter.say(note)
    if job.finished_before:
        reporter.say(
            f"{job.finished_before} of {_counted(len(job.windows), 'window')} were finished before: continuing"
        )
    settings = effective(plan)
    reporter.explain(", ".join(f"{key} {value}" for key, value in settings.items() if value is not None))
    reporter.event(
        "start",
        version=__version__,
        task=plan.task.name,
        input=shown(clip.path),
        output=shown(job.files.output),
        width=clip.width,
        height=clip.height,
        channels=clip.channels,
        bit_depth=clip.bit_depth,
        device=str(device.torch_device),
        device_reason=device.reason,
        precision=str(device.precision).removeprefix("torch."),
        **noise_fields(noise, plan.kind),
        settings=settings,
        clip={
            "frames": clip.frame_count,
            "frames_of_result": len(job.files.moments.positions),
            "rate": None if clip.rate is None else str(clip.rate),
            "duration": float(clip.times.duration) if clip.times.known else None,
            "scenes": scenes,
            "windows": len(job.windows),
            "windows_kept": job.finished_before,
            "per_frame": said.per_frame,
        },
    )


def fields_note(job: "ClipJob") -> tuple[str, ...]:
    """Say what is done with the fields of an interlaced clip, in one sentence; of others, nothing."""
    if job.files.clip.first_field is None:
        return ()
    if isinstance(job.restoring, FieldsApart):
        return ("the clip is interlaced: its two fields are restored apart wherever something moves between them",)
    if isinstance(job.restoring, Unchanged) and job.files.plan.keeps_fields:
        return ("the clip is interlaced: its two fields stay as they are",)
    return (DEINTERLACE,)


def described(clip: Clip) -> str:
    """Say how large a clip is, how many frames it has, and how fast they come."""
    rate = "" if clip.rate is None else f", {_short(clip.rate)} a second"
    return f"{clip.width}x{clip.height}, {_counted(clip.frame_count, 'frame')}{rate}, {clip.bit_depth} bit"


def _short(rate: Fraction) -> str:
    return f"{float(rate):.3f}".rstrip("0").rstrip(".")


def _counted(count: int, word: str) -> str:
    return f"{count} {word}" if count == 1 else f"{count} {word}s"


def finished(job: "ClipJob", metrics: ClipMetrics | None) -> None:
    """Tell why the fits ended, what they gained where that is known, and where the result lies."""
    facts, files, reporter = job.facts(), job.files, job.reporter
    outcome = _outcome(facts)
    seconds, fitting = sum(one.seconds for one in facts), sum(one.fitting_seconds for one in facts)
    gain = "" if metrics is None else f", {metrics.psnr_input:.2f} -> {metrics.psnr:.2f} dB"
    frames = _counted(len(files.moments.positions), "frame")
    unchanged = sum(one.outcome == Outcome.KEPT.name for one in facts)
    if unchanged and outcome is not Outcome.KEPT:
        reporter.say(
            f"{unchanged} of {_counted(len(facts), 'window')} are returned unchanged: what would be removed has the "
            "structure of the picture, not of noise"
        )
    reporter.say(f"{outcome.value}; {frames} in {seconds:.1f} s{gain}")
    reporter.event(
        "result",
        input=shown(files.clip.path),
        output=shown(files.output),
        sheet=None if files.sheet is None else shown(files.sheet),
        slice=None if files.slice is None else shown(files.slice),
        side_by_side=None if files.side_by_side is None else shown(files.side_by_side.output),
        uncertainty=None,
        outcome=outcome.name.lower(),
        reason=outcome.value,
        steps=[step for one in facts for step in one.steps],
        steps_done=[step for one in facts for step in one.steps_done],
        seconds=round(seconds, 3),
        fitting_seconds=round(fitting, 3),
        branch=None,
        branch_weight=None,
        given_back=0,
        restarts=sum(one.restarts for one in facts),
        metrics=None if metrics is None else _rounded(metrics),
    )
    reporter.path(files.output)


def _outcome(facts: "Sequence[WindowReport]") -> Outcome:
    """Return that of most windows, or that time was up when it was for one."""
    outcomes = Counter(Outcome[one.outcome] for one in facts)
    early = [outcome for outcome in (Outcome.INTERRUPTED, Outcome.TIME_LIMIT) if outcomes[outcome]]
    return early[0] if early else outcomes.most_common(1)[0][0]


def _rounded(metrics: ClipMetrics) -> dict[str, float]:
    return {
        "psnr_input": round(metrics.psnr_input, 3),
        "psnr": round(metrics.psnr, 3),
        "gain": round(metrics.gain, 3),
    }
