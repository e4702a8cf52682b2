"""Enumerations of what users choose by name."""

from enum import StrEnum


class PriorName(StrEnum):
    """The generators by the names that a user types."""

    PIP = "pip"
    DIP = "dip"
    DIP_UNET = "dip-unet"
    DIP_RESNET = "dip-resnet"
    SIREN = "siren"
    MLP = "mlp"
    HASH = "hash"
    DECODER = "decoder"


class Quality(StrEnum):
    """Quality levels: a preview, the default, or with a second network that sees the noisy picture."""

    DRAFT = "draft"
    STANDARD = "standard"
    BEST = "best"


class StopName(StrEnum):
    """The stop rules by the names that a user types."""

    HELD_OUT = "held-out"
    DISCREPANCY = "discrepancy"
    VARIANCE = "variance"
    NONE = "none"


class KernelName(StrEnum):
    """The kernels of down-sampling by the names that a user types."""

    LANCZOS = "lanczos"
    BICUBIC = "bicubic"
    BOX = "box"
    GAUSSIAN = "gaussian"


class NoiseName(StrEnum):
    """The kinds of noise by the names that a user types; auto is the one that the picture shows."""

    AUTO = "auto"
    GAUSSIAN = "gaussian"
    POISSON = "poisson"
    LAPLACE = "laplace"
    IMPULSE = "impulse"
    SPECKLE = "speckle"
    JPEG = "jpeg"
    CAMERA = "camera"
