"""Dehazing: scene, transmission and airlight of one hazy picture, fitted together."""

from pipcli.dehazing.classic import estimate_airlight
from pipcli.dehazing.joint import Dehazed, dehaze

__all__ = ["Dehazed", "dehaze", "estimate_airlight"]
