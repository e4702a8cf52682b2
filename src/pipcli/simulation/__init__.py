"""Simulated degradations: numpy functions that make an observation from a clean picture.

A picture is (H, W, C) float64 in [0, 1], and nothing is clipped or rounded here. A new kind of degradation is a file
beside these. What a fit assumes about an observation is in `pipcli.degradations`, which shares nothing with this, so
that neither can hide a mistake of the other.
"""
