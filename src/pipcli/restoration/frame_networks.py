"""The networks of one window of frames; each generates all frames of a part of the picture.

Where the motion is known, the place at which a generator is asked for a pixel is not where the pixel is but where it
was in the middle frame: what moves through the picture then stands still in the generator's coordinates, and all frames
tell it of the same place. A grid of rows and columns cannot be asked there: its time is as fine as the motion is quick.
"""

from collections.abc import Mapping, Sequence

import torch
from torch import Tensor
from torch.nn import functional as F

from pipcli.coords import space_time_grid
from pipcli.degradations import FrameByFrame
from pipcli.errors import UnusableInputError
from pipcli.fit.device import Device
from pipcli.fit.fit import Fit
from pipcli.priors import IN_ROWS, OF_BLOCKS, Prior, build
from pipcli.restoration.networks import Networks
from pipcli.restoration.problem import Moving, Problem
from pipcli.settings import Settings, StopName, with_speed

State = Mapping[str, Tensor]
NO_BLOCKS = (
    "--prior: frames are made together by pip, dip, siren and hash; the other generators work with --per-frame alone"
)


class UnusableWarmStateError(ValueError):
    """What the networks are to begin with is of others."""


class ClipNetworks(Networks):
    """All networks of a window of frames: for each window of the picture as many as the settings say."""

    def __init__(
        self,
        settings: Settings,
        problem: Problem,
        device: Device,
        stop: StopName,
        seed: int,
        warm: State | None = None,
    ) -> None:
        """Lay out the windows.

        Args:
            settings: the preset row with the user's words in it.
            problem: what to explain; the motion of frames with pixels to fill is not looked at.
            device: where to fit, and in which precision.
            stop: the stop rule.
            seed: of the first network; each has the number after the one before.
            warm: `state` of the networks of the window of frames before, to begin with; None to begin anew.

        Raises:
            UnusableInputError: the settings' generator makes no blocks of frames.
        """
        self.warm = warm
        self._fits: dict[int, tuple[Fit, int]] = {}
        self._learned_before: dict[int, State] = {}
        self._flows: Tensor | None = None
        frames = problem.observation
        if problem.motion_of is not None and problem.known is None:
            motion = problem.motion_of(frames)
            if isinstance(settings.encoding, IN_ROWS):
                speed = _median_speed(motion, len(frames))
                settings = with_speed(settings, float(problem.degradation.scale) * speed)
            else:
                self._flows = _flows_to_middle(motion, len(frames))
        if not isinstance(settings.network, OF_BLOCKS):
            raise UnusableInputError(NO_BLOCKS)
        super().__init__(settings, problem, device, stop, seed)

    @property
    def frames(self) -> int:
        """Number of frames."""
        return self.observation.shape[2]

    def informative_mask(self) -> Tensor | None:
        """Return the (1, C, T, h, w) samples of the observation that say anything of the clip; None is all of them."""
        observed = self.noise.observed(self.as_pictures(self.observation))
        return None if observed is None else _block(observed)

    def explicable(self) -> Tensor | None:
        """Return the (1, C, T, h, w) samples that the networks' frames can explain; None is all of them."""
        explicable = self.degradation.explicable(self.as_pictures(self.observation))
        return None if explicable is None else _block(explicable)

    @staticmethod
    def _layout(maps: Tensor) -> Tensor:
        """View (T, C, h, w) maps as a block (1, C, T, h, w)."""
        return _block(maps)

    def as_pictures(self, maps: Tensor) -> Tensor:
        """View a block (1, C, T, h, w) as pictures (T, C, h, w)."""
        return maps[0].transpose(0, 1)

    @property
    def fitted(self) -> FrameByFrame:
        """The degradation as a map of blocks of frames."""
        return FrameByFrame(self.degradation)

    def with_smaller_tiles(self) -> "ClipNetworks":
        """Return networks of half the side, for frames whose networks do not fit into memory; they begin anew."""
        settings = self.settings_of_smaller_tiles()
        return ClipNetworks(settings, self.problem, self.device, self.stop, self.seed)

    def build_prior(
        self, size: tuple[int, int], generators: Sequence[torch.Generator], guides: Tensor | None = None
    ) -> Prior:
        """Build the generators of all frames of a size; blocks have no guides."""
        del guides
        channels = self.observation.shape[1]
        return build(self.settings, (self.frames, *size), channels, generators=generators, precision=self.precision)

    def grid(self, size: tuple[int, int]) -> Tensor:
        """Return the (1, 3, T, *size) coordinates of blocks of a size, as if nothing moved."""
        return space_time_grid(self.frames, *size, self.settings.grid)

    def coords(self, numbers: Sequence[int], size: tuple[int, int]) -> Tensor:
        """Return the (1 or K, 3, T, *size) coordinates at which some networks are asked, by their numbers."""
        still = self.grid(size)
        if self._flows is None:
            return still
        return torch.cat([self._moved(still, self.windows[number].cut(self._flows)) for number in numbers])

    def _moved(self, still: Tensor, flows: Tensor) -> Tensor:
        """Return a window's (1, 3, T, H, W) coordinates where each pixel was in the middle frame.

        Args:
            still: the same as if nothing moved.
            flows: (T, 2, h, w) of the window's frames to the middle one, in pixels of the observation.
        """
        scale = float(self.degradation.scale)
        size = (still.shape[-2], still.shape[-1])
        flows = scale * flows
        if scale != 1:
            whole = (round(flows.shape[-2] * scale), round(flows.shape[-1] * scale))
            flows = F.interpolate(flows, size=whole, mode="bilinear", align_corners=False)
        flows = F.pad(flows, _margins(size, (flows.shape[-2], flows.shape[-1])), mode="replicate")
        shares = flows / torch.tensor(size).view(1, 2, 1, 1)
        return torch.cat([still[:, :1], still[:, 1:] + shares.transpose(0, 1)], dim=1)

    def build_fit(self, numbers: Sequence[int], rate_factor: float) -> Fit:
        """Put the fit of some networks together, by their numbers, with a factor for the learning rate."""
        fit = super().build_fit(numbers, rate_factor)
        if self.warm is not None:
            try:
                fit.prior.load_state_dict({name: tensor[list(numbers)] for name, tensor in self.warm.items()})
            except (LookupError, TypeError, AttributeError, RuntimeError) as error:
                raise UnusableWarmStateError("the networks before are not like these") from error
        self._fits |= {number: (fit, place) for place, number in enumerate(numbers)}
        return fit

    def learned(self) -> dict[int, State]:
        """Return what each network has learned, or had when it ended, on the CPU, by its number."""
        learned: dict[int, State] = {}
        for number, (fit, place) in self._fits.items():
            states = fit.prior.state_dict()
            learned[number] = {name: tensor[place].cpu().clone() for name, tensor in states.items()}
        return self._learned_before | learned

    def remember(self, learned: Mapping[int, State]) -> None:
        """Take what `learned` returned in an ended process, of the same networks, for those that are not built here."""
        self._learned_before = dict(learned)

    def state(self) -> dict[str, Tensor]:
        """Return what all networks have learned, on the CPU, for those of the next window of frames to begin with.

        Every tensor leads with the network.
        """
        learned = self.learned()
        return {name: torch.stack([learned[number][name] for number in sorted(learned)]) for name in learned[0]}


def _flows_to_middle(motion: Moving, frames: int) -> Tensor:
    """Return the (T, 2, h, w) flows of all frames to the middle one."""
    return torch.stack([motion.flow(frame, frames // 2) for frame in range(frames)])


def _median_speed(motion: Moving, frames: int) -> float:
    """Return how far half of the pixels move from a frame to the next, in pixels of the observation."""
    if frames == 1:
        return 0.0
    lengths = [motion.flow(frame, frame + 1)[:, ::2, ::2].norm(dim=0) for frame in range(frames - 1)]
    return float(torch.stack(lengths).median())


def _block(pictures: Tensor) -> Tensor:
    """View (T, C, h, w) pictures as a block (1, C, T, h, w)."""
    return pictures.transpose(0, 1)[None]


def _margins(size: tuple[int, int], shown: tuple[int, int]) -> tuple[int, int, int, int]:
    """Return by how much a picture reaches beyond what is shown of it: left, right, top and bottom, as in `Blur`."""
    rows, columns = size[0] - shown[0], size[1] - shown[1]
    return columns // 2, columns - columns // 2, rows // 2, rows - rows // 2
