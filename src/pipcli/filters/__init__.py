"""Filters of the observation that take an estimate of the picture, or of the frames of a clip, as their pilot."""

from pipcli.filters.refinement import MotionOf, followed, refine
from pipcli.filters.spectrum import Filtered, NoiseBounds
from pipcli.filters.splitting import nearest_to, refine_under

__all__ = ["Filtered", "MotionOf", "NoiseBounds", "followed", "nearest_to", "refine", "refine_under"]
