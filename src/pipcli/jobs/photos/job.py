"""The job of one photo: from the file to the observation and its networks, and from the solution to the file."""

import dataclasses
from pathlib import Path

import numpy as np
import torch
from torch import Tensor
from torch.nn.functional import interpolate

from pipcli.checkpoint import Kept, checksum
from pipcli.console import Reporter
from pipcli.errors import PipRestoreError
from pipcli.fit.device import Device, ran_out_of_memory
from pipcli.guard import took_picture
from pipcli.jobs import report
from pipcli.jobs.doubt import is_doubted
from pipcli.jobs.interruption import Interruption
from pipcli.jobs.noise_asked import noise_of, shows_no_noise
from pipcli.jobs.photos.files import UNCERTAINTY_SUFFIXES, Files, deliver, unused_beside
from pipcli.jobs.plan import Plan
from pipcli.jobs.report import Metrics
from pipcli.jobs.watching import JobWatch
from pipcli.media import Photo, Samples, decode_photo, encode_bare, encode_map, encode_photo, format_for, shown
from pipcli.metrics import psnr
from pipcli.noise import Evidence, Origin
from pipcli.refine.denoising import Finished, finish
from pipcli.refine.observation import Degraded, Observation
from pipcli.restoration.networks import Networks
from pipcli.restoration.observed import both
from pipcli.restoration.problem import Problem
from pipcli.restoration.solution import Outcome, Solution
from pipcli.sheet import Panel, side_by_side
from pipcli.tasks.units import sigma_in_levels, width_in_samples
from pipcli.watch import Watch


class PhotoJob:
    """A plan with its files: what is to be fitted, and how the result is written."""

    def __init__(
        self,
        plan: Plan,
        files: Files,
        device: Device,
        watch: Watch,
        kept: Kept | None,
    ) -> None:
        """Lay the networks over the photo.

        Args:
            plan: what the user asked for.
            files: of the plan.
            device: where to fit.
            watch: asked whether to hurry.
            kept: where the fit is kept until all is written; None where it is not.
        """
        self.plan = plan
        self.settings = settings = plan.settings
        self.files = files
        self.kept = kept
        photo = files.photo
        self.observation = photo.pixels()
        silent = photo.silent
        self.valid = None if silent is None or silent.all() else torch.from_numpy(~silent)[None, None]
        self.noise = noise_of(
            plan,
            Evidence(self.observation, photo.coding, self.valid),
            photo.bit_depth,
            span=photo.working.span,
            sigma=sigma_in_levels(plan.sigma, width_in_samples(photo)),
        )
        self.expected_misfit = self.noise.expected_misfit(self.observation)
        self.degradation = plan.task.degradation(self.noise, self.observation, watch)
        self.known = None if files.known is None else torch.from_numpy(files.known)[None, None]
        guide = None if plan.task.guide is None else plan.task.guide.pixels()
        problem = Problem(
            self.observation, self.degradation, self.noise, known=both(self.known, self.valid), guide=guide
        )
        self.networks = Networks(settings, problem, device, plan.rule, plan.seed)

    @property
    def is_clean(self) -> bool:
        """Whether so little noise was found that there is nothing to take out."""
        return shows_no_noise(self.plan, self.noise, self.files.photo.level)

    @property
    def needs_networks(self) -> bool:
        """Whether the result depends on a picture of the networks, or on how far those differ."""
        plan = self.plan
        filtered = self.noise.filtered_alone and any(
            patches.fit(*self.observation.shape[-2:]) for patches in self.settings.finish.passes
        )
        return not (filtered and plan.task.gives_back and plan.uncertainty is None)

    @property
    def has_noise(self) -> bool:
        """Whether there is noise to take out, beyond what rounding makes."""
        return self.noise.origin is not Origin.ROUNDING

    def unchanged(self) -> Solution:
        """Return the observation as the solution, with no network fitted."""
        nothing = torch.zeros_like(self.observation[:, :1])
        if not self.is_clean:
            outcome = Outcome.FILTERED
        else:
            outcome = Outcome.CLEAN if self.plan.task.strength else Outcome.UNASKED
        return Solution(self.observation, nothing, self.observation, outcome, (), (), 0.0, 0)

    def tell_start(self, reporter: Reporter) -> None:
        """Tell what is about to be done."""
        networks = self.networks
        device = dataclasses.replace(networks.device, precision=networks.precision)
        report.started(reporter, self.plan, self.files, self.degradation, device)

    def finish(self, solution: Solution, reporter: Reporter, interruption: Interruption) -> None:
        """Make the best of the networks' picture, write and report."""
        files = self.files
        limit = self.plan.time_limit
        left = None if limit is None else limit - solution.seconds
        watch = JobWatch(interruption, reporter, self.kept, seconds_left=left)
        solution, finished = self._looked_over(solution, self._finished(solution, watch))
        finishing_seconds = watch.seconds
        data = self._encoded_or_rescued(finished)
        self._deliver(files.output, data)
        written = decode_photo(data, shown(files.output))
        metrics = self._metrics(written, solution)
        # The picture is told of before the sheet is tried: what goes wrong with the sheet must not hide it.
        report.finished(reporter, files, solution, finished, finishing_seconds, metrics)
        if files.sheet is not None:
            self._write_sheet(files.sheet, written, metrics)
        if files.uncertainty is not None:
            spread = self.degradation.visible(solution.spread) * files.photo.working.span
            self._write_uncertainty(files.uncertainty, spread)
        for companion in self.plan.task.companions:
            self._deliver(companion.path, companion.encoded(self.degradation, solution))

    def _deliver(self, output: Path, data: bytes) -> None:
        overwrite = self.plan.overwrite
        if self.kept is not None:
            overwrite |= self.kept.permits(output)
            self.kept.claim(output, checksum(data))
        deliver(data, output, overwrite=overwrite)

    def _finished(self, solution: Solution, watch: JobWatch) -> Finished:
        """Return what is made of the networks' picture, as the user gets it; a published row makes nothing of it."""
        if solution.outcome in (Outcome.CLEAN, Outcome.UNASKED) or self.plan.task.solve is not None:
            return Finished(solution.image)
        finished = self._filtered(solution.image, watch)
        networks, picture = (self.degradation.visible(image) for image in (solution.image, finished.image))
        combined = self.plan.task.combined
        image = self._as_known(picture) if combined is None else combined(networks, picture)
        return dataclasses.replace(finished, image=image)

    def _looked_over(self, solution: Solution, finished: Finished) -> tuple[Solution, Finished]:
        """Return both, or the picture as it was where a part of it was taken out for noise."""
        doubted = is_doubted(self.plan, solution.outcome)
        if not doubted or not took_picture(self.observation, finished.image, self.valid):
            return solution, finished
        return dataclasses.replace(solution, outcome=Outcome.KEPT, steps=()), Finished(self.observation)

    def _filtered(self, image: Tensor, watch: JobWatch) -> Finished:
        if self.plan.task.combined is not None and not self.has_noise:
            return Finished(self.observation)
        settings, device, seed = self.settings.finish, self.networks.device, self.plan.seed
        networks = self.networks
        # Silent pixels, which continue those around them, are as good a start as others; in a picture with holes they
        # are holes. No decision is made on them.
        observed = networks.informative_mask() if self.known is None else networks.counted
        held_out = networks.held_out if self.valid is None else networks.held_out & self.valid[0, 0]
        limits = self.degradation.limits(self.observation)
        degraded = Degraded(self.degradation, self.degradation.naive, observed, held_out, limits)
        try:
            return finish(image, Observation(self.observation, self.noise, degraded), settings, device, seed, watch)
        except (MemoryError, RuntimeError) as error:
            if not ran_out_of_memory(error):
                raise
            # A fit of minutes is not thrown away for want of memory after it.
            watch.reporter.say("the filters ran out of memory: the networks' picture is written as it is")
            return Finished(image)
        finally:
            watch.reporter.close()

    def _as_known(self, image: Tensor) -> Tensor:
        """Put the pixels that are known, if they have no noise, into a result that was to fill the others."""
        if self.known is None or self.has_noise:
            return image
        return torch.where(self.known, self.observation, image)

    def _encoded(self, finished: Finished) -> bytes:
        """Return the bytes of the output file."""
        if torch.equal(finished.image, self.observation) and (data := self.files.as_read) is not None:
            return data
        carrier = self.plan.task.carrier(self.files.photo)
        kept = both(self.networks.informative_mask(), self.known)
        made = None if kept is None else ~kept[0].permute(1, 2, 0).numpy()
        return encode_photo(finished.image, carrier, self.files.output_format, made)

    def _encoded_or_rescued(self, finished: Finished) -> bytes:
        """Return the bytes of the output file; if they cannot be made, write the bare picture beside it.

        Raises:
            PipRestoreError: they could not be made; the message names the file that has the picture.
        """
        try:
            return self._encoded(finished)
        except Exception as error:
            # The one broad handler of results: all was tried before the work, and an encoder failed all the same.
            data, suffix = encode_bare(finished.image, self.files.photo)
            path = unused_beside(self.files.output, suffix)
            deliver(data, path, overwrite=False)
            reason = (str(error) or type(error).__name__).splitlines()[0]
            raise PipRestoreError(
                f"{shown(self.files.output)} could not be written as {self.files.output_format} ({reason}): the result "
                f"is {shown(path)}, without its metadata"
            ) from error

    def _metrics(self, written: Photo, solution: Solution) -> Metrics | None:
        """Measure the written file, not the tensor that it was made from."""
        if self.files.reference is None:
            return None
        reference, working = self.files.reference.pixels(), self.files.photo.working
        seen = (self.degradation.naive(self.observation), solution.image, solution.last_output)
        naive, *networks = (self.degradation.visible(picture) * working.span + working.low for picture in seen)
        pictures = (naive, written.pixels(), *networks)
        if self.valid is None:
            return Metrics(*(psnr(picture, reference) for picture in pictures))
        valid = interpolate(self.valid.float(), reference.shape[-2:])[0, 0] > 0
        return Metrics(*(psnr(picture[..., valid], reference[..., valid]) for picture in pictures))

    def _write_uncertainty(self, path: Path, spread: Tensor) -> None:
        data = encode_map(spread[0, 0].numpy(), UNCERTAINTY_SUFFIXES[path.suffix.lower()], format_for(path))
        self._deliver(path, data)

    def _write_sheet(self, path: Path, written: Photo, metrics: Metrics | None) -> None:
        before = "" if metrics is None else f", {metrics.psnr_input:.2f} dB"
        after = "" if metrics is None else f", {metrics.psnr:.2f} dB"
        source = _of_size(self.files.photo.samples, written.height, written.width)
        pictures = {f"input{before}": source, f"restored{after}": written.samples}
        if self.files.reference is not None:
            pictures["ground truth"] = self.files.reference.samples
        panels = [Panel(label, self.files.photo.working.seen(samples)) for label, samples in pictures.items()]
        self._deliver(path, side_by_side(panels))


def _of_size(samples: Samples, height: int, width: int) -> Samples:
    """Return (H, W, C) samples with pixels repeated so that they are as many as asked."""
    rows, columns = (
        (np.arange(longer) + 0.5) * length // longer
        for longer, length in zip((height, width), samples.shape[:2], strict=True)
    )
    repeated: Samples = samples[rows.astype(int)][:, columns.astype(int)]
    return repeated
