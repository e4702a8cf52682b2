"""CUDA graphs: a step is recorded once and replayed without the host.

A step of a small network is some hundred operations of a few microseconds each on a GPU; asking for them one by one
takes the host longer than the GPU takes to do them. A CUDA graph asks for all of them in one call. What is recorded
must not look at values (that would wait for the device), must not ask the host for anything that changes, and leaves
its results in the same memory every time.
"""

import logging
from collections.abc import Callable
from typing import Protocol

import torch

from pipcli.fit.device import ran_out_of_memory

# Steps made in full before one is recorded: libraries choose their kernels and take their workspaces in the first.
STEPS_BEFORE_RECORDING = 3

_log = logging.getLogger(__name__)


class Recorder(Protocol):
    """A recorder of work on a device."""

    def warm_up(self, action: Callable[[], None]) -> None:
        """Run the work eagerly, under the conditions of the recording."""

    def record(self, action: Callable[[], None]) -> Callable[[], None]:
        """Record the work without doing it and return what repeats it.

        Raises:
            RuntimeError: it cannot be recorded.
        """


class CudaRecorder:
    """Records CUDA graphs."""

    def __init__(self, device: torch.device) -> None:
        """Prepare a stream beside the default one, on which nothing can be recorded."""
        self.device = device
        self.stream = torch.cuda.Stream(device)  # type: ignore[no-untyped-call]

    def warm_up(self, action: Callable[[], None]) -> None:
        """Do the work on the stream of the recording."""
        default = torch.cuda.current_stream(self.device)
        self.stream.wait_stream(default)
        with torch.cuda.stream(self.stream):
            action()
        default.wait_stream(self.stream)

    def record(self, action: Callable[[], None]) -> Callable[[], None]:
        """Record the work on that stream."""
        graph = torch.cuda.CUDAGraph()
        # Other threads may use the device meanwhile, say to copy a picture.
        with torch.cuda.graph(graph, stream=self.stream, capture_error_mode="thread_local"):
            action()
        return graph.replay


class Repeated:
    """Work that is repeated: run eagerly at first, and replayed from a record where there is a recorder.

    It keeps the record and not the work, which would be kept alive by it, and it by the work.
    """

    def __init__(self, recorder: Recorder | None) -> None:
        """Take who could record it."""
        self.recorder = recorder
        self.done = 0
        self._replay: Callable[[], None] | None = None

    def __call__(self, action: Callable[[], None]) -> None:
        """Do the work, which is the same at every call, once."""
        if self.recorder is None:
            action()
        elif self.done < STEPS_BEFORE_RECORDING:
            self.recorder.warm_up(action)
        else:
            self._repeat(action, self.recorder)
        self.done += 1

    def _repeat(self, action: Callable[[], None], recorder: Recorder) -> None:
        if self._replay is None:
            try:
                self._replay = recorder.record(action)
            except RuntimeError as error:
                if ran_out_of_memory(error):
                    raise
                self.recorder = None
                reason = str(error).splitlines()[0]
                _log.warning(
                    "CUDA graphs do not work on this device, so that steps are launched one by one: %s", reason
                )
                action()
                return
        self._replay()


def recorder_for(device: torch.device) -> Recorder | None:
    """Return the recorder of a device; None where there is none, and on a CPU, which gains nothing."""
    return CudaRecorder(device) if device.type == "cuda" else None
