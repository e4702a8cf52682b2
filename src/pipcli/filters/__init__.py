"""Filters of the observation that take an estimate of the picture as their pilot."""

from pipcli.filters.refinement import refine
from pipcli.filters.spectrum import Filtered, NoiseBounds

__all__ = ["Filtered", "NoiseBounds", "refine"]
