"""Filters of the observation that take an estimate of the picture as their pilot."""

from pipcli.filters.nonlocal_bayes import Filtered
from pipcli.filters.refinement import refine
from pipcli.filters.spectrum import NoiseBounds

__all__ = ["Filtered", "NoiseBounds", "refine"]
