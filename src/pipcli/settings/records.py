"""Records of settings besides the generator: the fit, the windows, and the refinement."""

from dataclasses import dataclass

from pipcli.settings.generators import Encoding, Grid, Network


@dataclass(frozen=True)
class FitSettings:
    """How the generator is fitted.

    Attributes:
        steps: upper bound of the optimiser's steps of one member.
        learning_rate: Adam's, at its highest.
        average_decay: weight of the past in the running average of the outputs, in [0, 1).
        held_out_fraction: share of the pixels that no member's loss sees, in [0, 1).
        patience: share of the steps, in (0, 1], for which the error on those may have no new minimum.
        members: networks that are fitted to each window and averaged.
        square_decay: weight of the past in Adam's mean of the squared gradients, in [0, 1).
        epsilon: Adam's, which bounds the steps of parameters with hardly any gradient.
        warm_up: steps in which the learning rate rises from nothing.
        last_rate: the share of the learning rate, in (0, 1], down to which it falls by the last step, as half a cosine.
        tv: weight of the pictures' total variation, in the unit of the data term.
        tikhonov: weight of the squared gradient of the pictures, in the unit of the data term.
    """

    steps: int
    learning_rate: float
    average_decay: float
    held_out_fraction: float = 0.0
    patience: float = 0.05
    members: int = 1
    square_decay: float = 0.999
    epsilon: float = 1e-8
    warm_up: int = 0
    last_rate: float = 1.0
    tv: float = 0.0
    tikhonov: float = 0.0


@dataclass(frozen=True)
class Tiles:
    """Overlapping windows with a network each; their pictures are averaged where they overlap.

    Attributes:
        side: of a window, in pixels; a smaller picture is one window.
        stride: length in pixels that has a window of its own: (side / stride)^2 networks see a pixel on average.
    """

    side: int
    stride: int


@dataclass(frozen=True)
class Patches:
    """Which patches a pass of the non-local filter looks at.

    Attributes:
        side: of a patch, in pixels.
        stride: of the grid around whose patches similar ones are looked for, in pixels, at most `side`.
        radius: how far off, along each axis, they are looked for, in pixels.
        similar: how many are taken together.
        noise_factor: the noise is counted this many times.
        frames: of a clip, in which a patch is followed.
    """

    side: int
    stride: int
    radius: int
    similar: int
    noise_factor: float
    frames: int = 1

    def fit(self, height: int, width: int) -> bool:
        """Return whether a picture is large enough for them: each side at least twice as long as one."""
        return min(height, width) >= 2 * self.side


@dataclass(frozen=True)
class Round:
    """One round of a splitting, or of filling in.

    Attributes:
        std: standard deviation of the error that the picture is taken to have, in [0, 1] units.
        patches: what is looked at.
    """

    std: float
    patches: Patches


@dataclass(frozen=True)
class Splitting:
    """Half-quadratic splitting: alternating denoising and data steps for a known linear map.

    Attributes:
        rounds: in their order, with a falling standard deviation; one at least.
        momentum: how much of its last change a round adds to the picture in advance, in [0, 1).
        least_std: standard deviation of what the map is not known to, in [0, 1] units: less noise counts as this.
        weights: that the networks' picture may have beside what the rounds arrive at; none: it is where they start.
        filling: rounds that follow where the map leaves out samples and does nothing else: they tell what is unknown
            from what is known beside it.
    """

    rounds: tuple[Round, ...]
    momentum: float
    least_std: float = 0.0
    weights: tuple[float, ...] = ()
    filling: tuple[Round, ...] = ()


@dataclass(frozen=True)
class BranchSettings:
    """The network that sees the noisy picture, and its training by recorrupted pairs.

    Attributes:
        width: channels of each of its scales.
        scales: how many, each half the size of the one before.
        steps: of its optimiser for 256x256 pixels; other pictures and clips get as many more or fewer as they have.
        learning_rate: Adam's highest, which falls as a cosine.
        crop: side of the part of the picture that a step sees, in pixels, a multiple of 2^(scales - 1).
        recorruption: strength of the noise that is added to the input, in units of the picture's own.
        frames: of a clip that it sees to make one of them.
    """

    width: int
    scales: int
    steps: int
    learning_rate: float
    crop: int
    recorruption: float
    frames: int = 1


@dataclass(frozen=True)
class FinishSettings:
    """The refinement: what is made of the networks' picture and the observation.

    Attributes:
        passes: of the non-local filter, each with the result of the one before as its pilot; none: no filter at all.
        branch: of the network that sees the noisy picture; None for none.
        splitting: in place of both, where more than noise became of the picture; None where it did not.
    """

    passes: tuple[Patches, ...] = ()
    branch: BranchSettings | None = None
    splitting: Splitting | None = None


@dataclass(frozen=True)
class Settings:
    """One row of the preset table: a generator, how it is fitted, and what is made of its picture.

    Attributes:
        encoding: what the network sees of a pixel.
        network: what makes a picture of that.
        fit: how they are fitted.
        grid: where the coordinates 0 and 1 lie.
        tiles: windows with a network each; None for one network on the whole picture.
        finish: what is made of the networks' picture.
        max_frequency: of the encoding, in cycles per longer side of the picture; None for its own.
    """

    encoding: Encoding
    network: Network
    fit: FitSettings
    grid: Grid = Grid.CENTRES
    tiles: Tiles | None = None
    finish: FinishSettings = FinishSettings()
    max_frequency: float | None = None
