"""The choices by the names that a user types; imports no numpy, so that `--help` is instant."""

from enum import StrEnum


class NoiseName(StrEnum):
    """The distributions of noise."""

    GAUSSIAN = "gaussian"
    LAPLACE = "laplace"
    POISSON = "poisson"
    IMPULSE = "impulse"
    SPECKLE = "speckle"


class KernelName(StrEnum):
    """The kernels of down-sampling."""

    LANCZOS = "lanczos"
    BICUBIC = "bicubic"
    BOX = "box"
    GAUSSIAN = "gaussian"


class Border(StrEnum):
    """What a blur sees beyond the picture's edge: its mirror image, its other side, or nothing, so that it shrinks."""

    MIRROR = "mirror"
    WRAP = "wrap"
    CROP = "crop"


class Subsampling(StrEnum):
    """The resolution of a JPEG's colour."""

    FULL = "4:4:4"
    HALF = "4:2:2"
    QUARTER = "4:2:0"
