"""Filters of the observation that take an estimate of the picture, or of the frames of a clip, as their pilot."""

from pipcli.filters.coloured import refine_coloured
from pipcli.filters.filling import fill_in
from pipcli.filters.refinement import refine
from pipcli.filters.spectrum import Filtered, NoiseBounds
from pipcli.filters.splitting import nearest_to, refine_under

__all__ = ["Filtered", "NoiseBounds", "fill_in", "nearest_to", "refine", "refine_coloured", "refine_under"]
