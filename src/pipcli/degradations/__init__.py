"""The degradations. A new one is a file beside these, with `forward` and `target_size`."""

from pipcli.degradations.base import Degradation
from pipcli.degradations.blur import Blur
from pipcli.degradations.downsample import Downsample
from pipcli.degradations.frames import FrameByFrame
from pipcli.degradations.haze import Haze
from pipcli.degradations.identity import Identity

__all__ = ["Blur", "Degradation", "Downsample", "FrameByFrame", "Haze", "Identity"]
