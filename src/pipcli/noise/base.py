"""The interface of a kind of noise: its misfit (data term), and how to whiten it for a Gaussian denoiser."""

from abc import ABC, abstractmethod
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from enum import StrEnum
from functools import cached_property, wraps
from typing import ClassVar, Self, TypeVar
from weakref import WeakKeyDictionary

import torch
from torch import Tensor

from pipcli.jpeg_tables import BlockCoding
from pipcli.noise.patches import PatchSample, sample_patches
from pipcli.settings import NoiseName
from pipcli.spectra import NoiseSpectrum

Answer = TypeVar("Answer")


class Origin(StrEnum):
    """Where the level of the noise comes from: given by the user, estimated, or read from the file."""

    GIVEN = "given"
    ESTIMATED = "estimated"
    COUNTED = "counted"
    FILE = "from file"
    ROUNDING = "of rounding"


@dataclass(frozen=True)
class Evidence:
    """The observation, and what else is known of it, from which noise is estimated.

    Attributes:
        observation: (1, C, H, W) float32 in [0, 1].
        coding: how the observation was coded, when it comes from a JPEG file.
        valid: (1, 1, H, W) booleans, true where a pixel was observed at all; None is everywhere. The others (colour
            hidden under transparency, pixels that the file declares to be without data) hold values that were made
            up from their neighbours, without noise. They must not be measured, and are no evidence of a lack of noise.
    """

    observation: Tensor
    coding: BlockCoding | None = None
    valid: Tensor | None = None
    # Levels that were read in it: telling the kind of the noise asks for some that the kind asks for again.
    levels: dict[str, float] = field(default_factory=dict, init=False, repr=False, compare=False)

    @cached_property
    def patches(self) -> PatchSample:
        """A sample of its patches."""
        return sample_patches(self.observation, self.valid)


def once_each(of: Callable[[Evidence], Answer]) -> Callable[[Evidence], Answer]:
    """Return a function that remembers what it answered for a piece of evidence as long as that exists.

    The kind and the level of noise are asked for one after the other, and both need the same estimates.
    """
    answers: WeakKeyDictionary[Evidence, Answer] = WeakKeyDictionary()

    @wraps(of)
    def remembered(evidence: Evidence) -> Answer:
        if evidence not in answers:
            answers[evidence] = of(evidence)
        return answers[evidence]

    return remembered


def share_of(mask: Tensor) -> float:
    """Return the share of booleans that are true; it takes no copy of the mask in another type."""
    return int(mask.count_nonzero()) / max(1, mask.numel())


@dataclass(frozen=True)
class Whitened:
    """An observation, transformed so that its noise is nearly white and Gaussian, for filters that assume that.

    Attributes:
        observation: (1, C, H, W) float32, in about [0, 1].
        pilot: (1, C, H, W) float32 in [0, 1], the estimate in the same form.
        variance: of the noise in this form; 0 where nothing is left to filter.
        restore: maps a filtered (1, C, H, W) observation back to the picture that it is of, in [0, 1].
        variances: maps a filtered observation to the variance of each sample's noise, (1, C, H, W); None where it is
            not known how far the noises of two samples are independent.
        spectrum: of the noise, where it is not white.
        gaussian_std: standard deviation of noise that is exactly Gaussian, before it was cut off at 0 and 1; 0 where it
            is not Gaussian.
        clipped: whether such noise was cut off at 0 and 1.
    """

    observation: Tensor
    pilot: Tensor
    variance: float
    restore: Callable[[Tensor], Tensor]
    variances: Callable[[Tensor], Tensor] | None = None
    spectrum: NoiseSpectrum | None = None
    gaussian_std: float = 0.0
    clipped: bool = False


@dataclass(frozen=True)
class Noise(ABC):
    """The noise of one observation; subclasses are final and frozen, and only their own file depends on the kind.

    Attributes:
        name: what the user calls the kind.
        unit: what the level counts, in a few words for the user.
        misfit_is_squared_error: whether the mean misfit exceeds what is expected of the clean picture by about the mean
            squared error of the prediction in [0, 1] units.
        filtered_alone: whether filters take it out without a picture of networks as their pilot.
        passes: how often to filter: a whitened form that depends on the pilot gains by a better one.
        level: how much of it there is.
        origin: where the level is from.
        std: standard deviation of Gaussian noise of the same mean square over the picture, in [0, 1] units.
        strength: how many times the standard deviation that was given or found these are.
    """

    name: ClassVar[NoiseName]
    unit: ClassVar[str]
    misfit_is_squared_error: ClassVar[bool]
    filtered_alone: ClassVar[bool] = False
    passes: ClassVar[int] = 1

    level: float
    origin: Origin
    std: float
    strength: float = field(default=1.0, kw_only=True)

    @classmethod
    @abstractmethod
    def of(cls, evidence: Evidence, level: float | None) -> "Noise":
        """Return the noise with the given level; None estimates it."""

    @property
    def estimated(self) -> bool:
        """Whether the level was read from the picture."""
        return self.origin is Origin.ESTIMATED

    @property
    def words(self) -> str:
        """The noise in words for the user."""
        return f"{self.name} noise, {self.unit} {float(f'{self.level:.4g}'):g} ({self._origin_in_words})"

    @property
    def _origin_in_words(self) -> str:
        return f"{self.origin}" if self.strength == 1 else f"{self.origin}, strength {self.strength:g}"

    def scaled(self, strength: float) -> Self:
        """Return this noise with its standard deviation multiplied by a factor above 0."""
        return replace(self, level=self.level * strength, std=self.std * strength, strength=self.strength * strength)

    def drawn(self, observation: Tensor, generator: torch.Generator) -> Tensor | None:
        """Return fresh noise like that of a (N, C, h, w) observation; None where that of each sample is its own."""
        del observation, generator
        return None

    @abstractmethod
    def misfit(self, prediction: Tensor, observation: Tensor) -> Tensor:
        """Return the misfit of each sample of two (N, C, h, w) tensors in [0, 1]; least on average at the clean one."""

    @abstractmethod
    def expected_misfit(self, observation: Tensor) -> float:
        """Return the mean misfit of the clean picture itself to a (1, C, h, w) observation or a part of it."""

    def shares_misfit(self, other: "Noise") -> bool:
        """Return whether pictures with the other noise can be evaluated with the misfit of this one, in one batch."""
        return type(self) is type(other)

    def observed(self, observation: Tensor) -> Tensor | None:
        """Return the (1, C, H, W) mask of the samples that carry information on the picture; None is all of them."""
        del observation
        return None

    @abstractmethod
    def whitened(self, observation: Tensor, pilot: Tensor) -> Whitened:
        """Return a (1, C, H, W) observation and a pilot in the whitened domain."""


def origin_of(level: float | None) -> Origin:
    """Return the origin of a level: given by the user, or estimated when the user gave none."""
    return Origin.ESTIMATED if level is None else Origin.GIVEN
