"""Filters of the observation that take an estimate of the picture as their pilot."""

from pipcli.filters.refinement import refine
from pipcli.filters.spectrum import Filtered, NoiseBounds
from pipcli.filters.splitting import nearest_to, refine_under

__all__ = ["Filtered", "NoiseBounds", "nearest_to", "refine", "refine_under"]
