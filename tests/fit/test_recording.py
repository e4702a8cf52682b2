"""Work that is recorded once and repeated."""

import gc
import logging
import weakref
from collections.abc import Callable

import pytest
import torch

from pipcli.fit.fit import Fit
from pipcli.fit.recording import STEPS_BEFORE_RECORDING, CudaRecorder, Repeated
from support.fits import ROWS, make_fit, three_pictures


class Imitation:
    """Records as CUDA graphs do: without doing the work, and with results that stay in one place."""

    def __init__(self) -> None:
        self.warmed_up = self.recorded = self.replayed = 0
        self.fit: Fit | None = None

    def warm_up(self, action: Callable[[], None]) -> None:
        self.warmed_up += 1
        action()

    def record(self, action: Callable[[], None]) -> Callable[[], None]:
        self.recorded += 1
        places: list[torch.Tensor] = []

        def replay() -> None:
            self.replayed += 1
            action()
            if self.fit is not None:
                results = [self.fit._outputs, self.fit._residuals]
                if not places:
                    places.extend(result.clone() for result in results)
                for place, result in zip(places, results, strict=True):
                    place.copy_(result)
                self.fit._outputs, self.fit._residuals = places

        return replay


class Failing(Imitation):
    def __init__(self, error: RuntimeError) -> None:
        super().__init__()
        self.error = error

    def record(self, action: Callable[[], None]) -> Callable[[], None]:
        raise self.error


def test_work_is_done_in_full_recorded_once_and_then_repeated() -> None:
    done = []
    recorder = Imitation()
    work = Repeated(recorder)
    for count in range(1, 8):
        work(lambda: done.append(1))
        assert len(done) == count
    replayed = 7 - STEPS_BEFORE_RECORDING
    assert (recorder.warmed_up, recorder.recorded, recorder.replayed) == (STEPS_BEFORE_RECORDING, 1, replayed)


def test_what_cannot_be_recorded_is_done_in_full_and_said_once(caplog: pytest.LogCaptureFixture) -> None:
    done = []
    work = Repeated(Failing(RuntimeError("operation not permitted\nmore")))
    with caplog.at_level(logging.WARNING):
        for _ in range(8):
            work(lambda: done.append(1))
    assert len(done) == 8
    (message,) = caplog.messages
    assert message.endswith("launched one by one: operation not permitted")


def test_too_little_memory_for_a_record_is_too_little_memory() -> None:
    work = Repeated(Failing(RuntimeError("can't allocate memory: 9 bytes")))
    with pytest.raises(RuntimeError, match="memory"):
        for _ in range(STEPS_BEFORE_RECORDING + 1):
            work(lambda: None)


@pytest.mark.parametrize("name", ROWS)
def test_recorded_steps_are_the_steps(name: str) -> None:
    recorder = Imitation()
    plain, recorded = make_fit(ROWS[name], three_pictures()), make_fit(ROWS[name], three_pictures(), recorder=recorder)
    recorder.fit = recorded
    for steps in (1, 9, 4):
        mine, other = recorded.advance(steps), plain.advance(steps)
        for left, right in zip(mine, other, strict=True):
            assert left.residuals() == right.residuals()
            assert torch.equal(left.output, right.output)
            assert torch.equal(left.estimate, right.estimate)
    assert recorder.recorded == 1
    recorded.load_state_dict(plain.state_dict())
    recorded.advance(STEPS_BEFORE_RECORDING + 1)
    assert recorder.recorded == 2  # the first record was of tensors that are no more


@pytest.mark.gpu
@pytest.mark.parametrize("name", ROWS)
def test_steps_recorded_on_a_gpu_are_the_steps(name: str) -> None:
    plain = make_fit(ROWS[name], three_pictures(), device="cuda")
    recorder = CudaRecorder(torch.device("cuda"))
    recorded = make_fit(ROWS[name], three_pictures(), device="cuda", recorder=recorder)
    for steps in (1, 9, 10):
        mine, other = recorded.advance(steps), plain.advance(steps)
        for left, right in zip(mine, other, strict=True):
            assert left.residuals() == pytest.approx(right.residuals(), rel=1e-2)
            torch.testing.assert_close(left.estimate, right.estimate, rtol=0, atol=1e-2)


def test_a_fit_that_is_no_longer_wanted_goes_at_once() -> None:
    fit = make_fit(ROWS["pip"], three_pictures())
    fit.step()
    gone = weakref.ref(fit)
    gc.disable()
    try:
        del fit
        assert gone() is None
    finally:
        gc.enable()
