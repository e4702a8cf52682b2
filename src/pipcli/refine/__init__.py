"""Refinement after the fit: filters and solvers that use the networks' picture as a pilot.

`denoising` handles noise alone, `inverse` a known linear map. Both use filters that take an estimate of the picture, or
of the frames of a clip, as their pilot, and `denoising` a network that is trained on the observation (`r2r`).
"""
