"""Dehazing: scene, transmission and airlight of one hazy picture, fitted together."""

from pipcli.dehazing.joint import Dehazed, dehaze

__all__ = ["Dehazed", "dehaze"]
