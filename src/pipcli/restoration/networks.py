"""The networks of one photo: their windows, how each is built, and its stop rule.

What they are fitted to is a picture (1, C, h, w). `clip_networks` has those of blocks of frames, (1, C, T, h, w), and
says for those what is asked here of `informative_mask`, `as_pictures`, `fitted`, `grid`, `coords` and `build_prior`.
"""

import dataclasses
import math
from collections.abc import Callable, Sequence
from functools import partial

import torch
from torch import Tensor

from pipcli.coords import pixel_grid
from pipcli.fit.counting import Counting, draw_held_out, pair
from pipcli.fit.device import Device
from pipcli.fit.fit import Degrading, Fit
from pipcli.fit.memory import member_bytes, parameters_at, step_bytes
from pipcli.fit.recording import recorder_for
from pipcli.fit.stopping import StopRule
from pipcli.priors import Prior, build, precision_for
from pipcli.restoration.members import Concurrency, Member, Picture
from pipcli.restoration.observed import both
from pipcli.restoration.problem import Problem
from pipcli.restoration.rules import build_rules
from pipcli.settings import (
    MOST_STRIDE_SHARE,
    MOST_WINDOWS,
    Settings,
    StopName,
    Tiles,
    for_picture,
)
from pipcli.tiles import Window, windows

# Of the generated size: the observation, both joined pictures with their weights, and copies on the way to the file.
WHOLE_PICTURES = 6
# Of the steps of a network, those that it makes in the end without the noise that was added to tell its error by.
REFIT_SHARE = 0.2


class Networks:
    """All networks of a restoration: for each window of the photo as many as the settings say."""

    def __init__(self, settings: Settings, problem: Problem, device: Device, stop: StopName, seed: int) -> None:
        """Lay out the windows.

        Args:
            settings: the preset row with the user's words in it.
            problem: what to explain.
            device: where to fit, and in which precision.
            stop: the stop rule.
            seed: of the first network; each has the number after the one before.
        """
        observation, degradation = self._layout(problem.observation), problem.degradation
        target = degradation.target_size((observation.shape[-2], observation.shape[-1]))
        self.settings = for_picture(settings, target)
        self.problem = problem
        self.observation = observation
        self.degradation = degradation.to(device.torch_device)
        self.noise = problem.noise
        self.known = None if problem.known is None else self._layout(problem.known)
        self.guide = problem.guide
        self.counted = both(self.informative_mask(), self.known)
        self.observed = both(self.counted, self.explicable())
        self.device = device
        self.precision = precision_for(settings, device.precision)
        self.stop = stop
        self.seed = seed
        # One draw for the whole picture, so that networks which share a pixel agree on it.
        generator = torch.Generator().manual_seed(seed)
        self.seen, self.witness = self.observation, self._noise_to_add(settings, generator)
        share = settings.fit.held_out_fraction if self.witness is None else 0.0
        self.held_out = draw_held_out(observation.shape[2:], share, generator)
        if self.witness is not None:
            self.seen, self.witness = pair(self.observation, self.witness)
        self.tiles = settings.tiles or Tiles(*[max(target)] * 2)
        self.windows = self._places() * settings.fit.members
        self.parts = [self._part(window) for window in self.windows]

    def _noise_to_add(self, settings: Settings, generator: torch.Generator) -> Tensor | None:
        """Return noise like the observation's where it is correlated, so that pixels held out do not tell the error.

        Where pixels that no network saw are to weigh what filters make, they are held out all the same.
        """
        if settings.fit.held_out_fraction == 0 or settings.finish.splitting is not None:
            return None
        drawn = self.noise.drawn(self.problem.observation, generator)
        return None if drawn is None else self._layout(drawn)

    @property
    def refit_steps(self) -> int:
        """How many steps each network makes in the end without the noise that was added."""
        return 0 if self.witness is None else round(REFIT_SHARE * self.settings.fit.steps)

    def explicable(self) -> Tensor | None:
        """Return the samples of the observation that the networks' picture can explain; None is all of them."""
        return self.degradation.explicable(self.observation)

    def informative_mask(self) -> Tensor | None:
        """Return the samples of the observation that say anything of the picture; None is all of them."""
        return self.noise.observed(self.observation)

    def _places(self) -> list[Window]:
        places = self._windows(self.tiles.stride)
        if len(places) * self.settings.fit.members <= MOST_WINDOWS:
            return places
        return self._windows(max(self.tiles.stride, round(MOST_STRIDE_SHARE * self.tiles.side)))

    def _windows(self, stride: int) -> list[Window]:
        """Cover the observation with windows, given their stride in pixels of the picture."""
        scale = self.degradation.scale
        size = (self.observation.shape[-2], self.observation.shape[-1])
        side, stride = (max(1, round(length / scale)) for length in (self.tiles.side, stride))
        return windows(size, side, stride, unit=scale.denominator)

    def _part(self, window: Window) -> Window:
        """Return the part of the picture that a window of the observation is of."""
        scale = self.degradation.scale
        size = self.degradation.target_size((window.height, window.width))
        return Window(int(window.top * scale), int(window.left * scale), *size)

    def with_smaller_tiles(self) -> "Networks":
        """Return networks of half the side, for a picture whose networks do not fit into memory."""
        settings = self.settings_of_smaller_tiles()
        return Networks(settings, self.problem, self.device, self.stop, self.seed)

    def settings_of_smaller_tiles(self) -> Settings:
        """Return the settings with tiles of half the side."""
        tiles = Tiles(self.tiles.side // 2, max(1, self.tiles.stride // 2))
        return dataclasses.replace(self.settings, tiles=tiles)

    def peak_bytes(self, members: int, concurrency: Concurrency) -> int:
        """Return an estimate of the memory that fitting some networks like these takes at its peak."""
        window = self.windows[0]
        size = self.degradation.target_size((window.height, window.width))
        together = min(concurrency.together, math.ceil(members / concurrency.workers))
        generators = [torch.Generator() for _ in range(together)]
        a_step = step_bytes(lambda probe: self.build_prior(probe, generators)(self.grid(probe)), size)
        parameters = parameters_at(lambda probe: self.build_prior(probe, generators[:1]).parameters(), size)
        planes = math.prod(self.observation.shape[:-2])
        return concurrency.workers * a_step + members * member_bytes(parameters, planes, size)

    def build_prior(
        self, size: tuple[int, int], generators: Sequence[torch.Generator], guides: Tensor | None = None
    ) -> Prior:
        """Build the generators of pictures of a size, who see (K, G, height, width) guides, blank ones for None."""
        if guides is None and self.guide is not None:
            guides = torch.zeros(len(generators), self.guide.shape[1], *size)
        channels = self.observation.shape[1]
        return build(self.settings, size, channels, generators=generators, precision=self.precision, guides=guides)

    def grid(self, size: tuple[int, int]) -> Tensor:
        """Return the coordinates of what a network of a size makes."""
        return pixel_grid(*size, self.settings.grid)

    def coords(self, numbers: Sequence[int], size: tuple[int, int]) -> Tensor:
        """Return the coordinates at which some networks of a size are asked, by their numbers, or one set for all."""
        del numbers
        return self.grid(size)

    @property
    def fitted(self) -> Degrading:
        """What happened to what the networks make."""
        return self.degradation

    @staticmethod
    def _layout(maps: Tensor) -> Tensor:
        """Return (T, C, h, w) maps as the networks are fitted to them; of a picture, as they are."""
        return maps

    def as_pictures(self, maps: Tensor) -> Tensor:
        """Return what has the shape of the observation, but for its size, as pictures (N, C, h, w)."""
        return maps

    def pictures(self, window: Window) -> Tensor:
        """Return what is observed of a window as pictures (N, C, h, w)."""
        return self.as_pictures(window.cut(self.observation))

    def picture(self) -> Picture:
        """Return the picture with all networks as members of a restoration."""
        size = self.degradation.target_size((self.observation.shape[-2], self.observation.shape[-1]))
        places, refit = zip(self.windows, self.parts, strict=True), self.refit_steps
        return Picture(size, [Member(part, partial(self.build_rules, window), refit) for window, part in places])

    def build_rules(self, window: Window) -> list[StopRule]:
        """Make the stop rules of the network of a window."""
        return build_rules(self.stop, self.settings.fit, self.noise, self.pictures(window))

    def build_fit(self, numbers: Sequence[int], rate_factor: float) -> Fit:
        """Put the fit of some networks together, by their numbers, with a factor for the learning rate."""
        return _build_fit([(self, number) for number in numbers], rate_factor)

    @property
    def picture_bytes(self) -> int:
        """Bytes of one float32 picture of the size that is generated."""
        height, width = self.degradation.target_size((self.observation.shape[-2], self.observation.shape[-1]))
        return 4 * math.prod(self.observation.shape[:-2]) * height * width

    @property
    def shape(self) -> tuple[int, ...]:
        """Channels, height and width of what each network is fitted to."""
        window = self.windows[0]
        return (*self.observation.shape[1:-2], window.height, window.width)


class NetworksOfPictures:
    """The networks of several pictures, numbered through: what they are fitted to is of one shape."""

    def __init__(self, pictures: Sequence[Networks]) -> None:
        """Take pictures with the same settings."""
        self.pictures = pictures
        self.places = [(networks, number) for networks in pictures for number in range(len(networks.windows))]

    @property
    def count(self) -> int:
        """How many networks there are."""
        return len(self.places)

    @property
    def tile_side(self) -> int:
        """The side of a window, in pixels."""
        return self.pictures[0].tiles.side

    def to_restore(self) -> list[Picture]:
        """Return the pictures."""
        return [networks.picture() for networks in self.pictures]

    def build_fit(self, numbers: Sequence[int], rate_factor: float) -> Fit:
        """Put the fit of some networks together, by their numbers, with a factor for the learning rate."""
        return _build_fit([self.places[number] for number in numbers], rate_factor)

    def with_smaller_tiles(self) -> "NetworksOfPictures":
        """Return the networks of half the side of all pictures."""
        return NetworksOfPictures([networks.with_smaller_tiles() for networks in self.pictures])

    def peak_bytes(self, concurrency: Concurrency) -> int:
        """Return an estimate of the memory that the fit takes at its peak, on top of what the process holds now."""
        networks = self.pictures[0]
        pixels = sum(networks.picture_bytes for networks in self.pictures)
        return networks.peak_bytes(len(self.places), concurrency) + WHOLE_PICTURES * pixels


def _build_fit(places: Sequence[tuple[Networks, int]], rate_factor: float) -> Fit:
    """Put the fit of some networks, each of a picture and with its number there, together."""
    first, _ = places[0]
    observations = torch.cat([networks.windows[number].cut(networks.seen) for networks, number in places])
    size = first.degradation.target_size((observations.shape[-2], observations.shape[-1]))
    generators = [torch.Generator().manual_seed(networks.seed + number) for networks, number in places]
    guides = [networks.parts[number].cut(networks.guide) for networks, number in places if networks.guide is not None]
    prior = first.build_prior(size, generators, torch.cat(guides) if guides else None)
    rate = first.settings.fit.learning_rate * rate_factor
    target = first.device.torch_device
    return Fit(
        prior.to(target),
        first.fitted,
        observations.to(target),
        first.coords([number for _, number in places], size).to(target),
        dataclasses.replace(first.settings.fit, learning_rate=rate),
        torch.stack([networks.windows[number].cut(networks.held_out) for networks, number in places]),
        counting=Counting(
            _cut_of_all(places, lambda one: one.observed, lambda one: one.observation[:, :1] >= 0),
            _cut_of_all(places, lambda one: one.witness, lambda one: one.observation),
        ),
        generators=generators,
        recorder=recorder_for(target),
    )


def _cut_of_all(
    places: Sequence[tuple[Networks, int]],
    of: Callable[[Networks], Tensor | None],
    otherwise: Callable[[Networks], Tensor],
) -> Tensor | None:
    """Return the windows of some networks cut of a map of their pictures, together; None where no picture has one.

    Args:
        places: the networks, each of a picture and with its number there.
        of: returns the map of a picture.
        otherwise: returns what stands for it where others have one.
    """
    if all(of(networks) is None for networks, _ in places):
        return None
    maps = [(networks, number, of(networks)) for networks, number in places]
    cuts = [networks.windows[number].cut(otherwise(networks) if one is None else one) for networks, number, one in maps]
    return torch.cat(cuts)
