"""Folders of numbered pictures: one picture a frame, in the order of their numbers, without a gap."""

from __future__ import annotations

import re
import shutil
from collections.abc import Iterator
from dataclasses import replace
from fractions import Fraction
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING

from pipcli.errors import OutputRefusedError, UnusableInputError
from pipcli.media.clips.clip import Clip, FrameTimes
from pipcli.media.clips.encoding import EncodingOptions
from pipcli.media.clips.plan import Plan
from pipcli.media.formats import FORMATS, check_format, format_for
from pipcli.media.photo import Photo, Samples, in_unit_range
from pipcli.media.publishing import check_output_folder, publish_folder, refusals
from pipcli.media.reading import read_photo
from pipcli.media.sources import shown
from pipcli.media.unfinished import Held
from pipcli.media.writing import encode, quantised

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

_SUFFIXES = {suffix for traits in FORMATS.values() for suffix in traits.suffixes}


def open_folder(path: Path) -> Clip:
    """Learn all about a folder of numbered pictures; every picture is read once.

    Raises:
        UnusableInputError: it holds none, their numbers have gaps, or they are not all of one kind and size.
    """
    pictures = _in_order(path)
    first = read_photo(pictures[0])
    has_alpha, depth = False, 8
    for picture in pictures:
        photo = first if picture is pictures[0] else read_photo(picture)
        _check_alike(photo, first, picture, pictures[0])
        has_alpha |= photo.alpha is not None and bool((photo.alpha != _opaque(photo)).any())
        depth = max(depth, min(photo.bit_depth, 16))
    times = FrameTimes(tuple(range(len(pictures))), Fraction(1), 1, known=False)
    return Clip(
        path=path,
        kind="folder",
        width=first.width,
        height=first.height,
        times=times,
        bit_depth=depth,
        channels=first.channels,
        has_alpha=has_alpha,
        pictures=pictures,
    )


def read_pictures(clip: Clip, start: int, stop: int) -> Iterator[NDArray[np.uint16]]:
    """The samples of a folder's pictures, as `read_frames` gives those of a file."""
    for picture in clip.pictures[start:stop]:
        photo = read_photo(picture)
        if (photo.width, photo.height, photo.channels) != (clip.width, clip.height, clip.channels):
            raise UnusableInputError(f"{shown(picture)} has changed: it must not change during the work")
        yield in_16_bits(photo.samples)


def _in_order(folder: Path) -> tuple[Path, ...]:
    try:
        found = [
            path for path in folder.iterdir() if path.suffix.lower() in _SUFFIXES and not path.name.startswith(".")
        ]
    except OSError as error:
        raise UnusableInputError(f"{shown(folder)} cannot be read ({error.strerror}): give another folder") from error
    if not found:
        raise UnusableInputError(f"{shown(folder)} holds no pictures: give a folder of numbered pictures, or a clip")
    numbered = sorted(zip(_numbers(found), found, strict=True))
    for (number, path), (following, next_path) in pairwise(numbered):
        if following == number:
            raise UnusableInputError(f"{shown(path)} and {next_path.name!a} have the same number: rename one of them")
        if following != number + 1:
            raise UnusableInputError(
                f"{shown(folder)} has a gap: after {shown(path.name)} comes {shown(next_path.name)}: fill it"
            )
    return tuple(path for _, path in numbered)


def _numbers(pictures: list[Path]) -> list[int]:
    """The number of each picture: of those in the names, the last that tells them apart ("shot_007_1080p" is 7)."""
    groups = [re.findall(r"\d+", path.stem) for path in pictures]
    for path, numbers in zip(pictures, groups, strict=True):
        if not numbers:
            raise UnusableInputError(
                f"{shown(path)} has no number in its name: number all pictures, or move it elsewhere"
            )
    least = min(map(len, groups))
    if all(len(numbers) == least for numbers in groups):
        for at in reversed(range(least)):
            if len({int(numbers[at]) for numbers in groups}) == len(pictures):
                return [int(numbers[at]) for numbers in groups]
    return [int(numbers[-1]) for numbers in groups]


def _check_alike(photo: Photo, first: Photo, picture: Path, first_picture: Path) -> None:
    if (photo.width, photo.height) != (first.width, first.height):
        raise UnusableInputError(
            f"{shown(picture)} is {photo.width}x{photo.height}, but {shown(first_picture.name)} is "
            f"{first.width}x{first.height}: the pictures of a clip have one size"
        )
    if photo.channels != first.channels:
        kinds = {1: "grey", 3: "colour"}
        raise UnusableInputError(
            f"{shown(picture)} is {kinds[photo.channels]}, but {shown(first_picture.name)} is {kinds[first.channels]}: "
            "make all of one kind"
        )


def _opaque(photo: Photo) -> float:
    return 1.0 if photo.bit_depth == 32 else 2**photo.bit_depth - 1


def check_folder(
    clip: Clip, output: Path, size: tuple[int, int], times: FrameTimes, options: EncodingOptions, *, overwrite: bool
) -> Plan:
    """As `check_writing`, for a folder of pictures.

    Raises:
        OutputRefusedError: it could not be written, or the user asked for what pictures do not have.
    """
    if options != EncodingOptions() and options != EncodingOptions(lossless=True):
        raise OutputRefusedError(
            "a folder of pictures has no codec and no options: choose a clip's suffix, or leave them out"
        )
    notes = [f"a folder of pictures cannot hold {stream.name}, which is left out" for stream in clip.streams]
    if clip.chapters:
        notes.append(f"a folder of pictures cannot hold the {len(clip.chapters)} chapters, which are left out")
    if clip.kind != "folder":
        notes.append("a folder of pictures has no rate: the times of the frames are left out")
    plan = Plan(clip, output, "folder", *size, times, overwrite=overwrite, notes=tuple(notes))
    check_output_folder(output, clip.path, _names(plan), overwrite=overwrite)
    _check_formats(plan)
    return plan


class FolderWriter:
    """A folder under a hidden name, into which pictures are written."""

    def __init__(self, plan: Plan, path: Path) -> None:
        self._plan = plan
        self._names = iter(_names(plan))
        self._pictures = iter(plan.clip.pictures if _keeps_pictures(plan) else ())
        self._path = path
        with refusals(plan.output):
            self._held = Held(self._path, None)

    def write(self, samples: NDArray[np.uint16], alpha: NDArray[np.uint16] | None) -> None:
        """Write the next frame with its alpha."""
        picture = next(self._pictures, None)
        if picture is None:
            photo = _plain(samples, alpha, 8 if self._plan.clip.bit_depth == 8 else 16)
        else:
            photo = _like(samples, alpha, read_photo(picture))
        name = next(self._names)
        with refusals(self._plan.output):
            (self._path / name).write_bytes(encode(photo, format_for(name)))

    def complete(self) -> None:
        """Every picture is complete once it is there."""

    def publish(self, *, overwrite: bool) -> None:
        """Give the folder its name, or that of an older one of the same files."""
        publish_folder(self._plan.output, self._path, overwrite=overwrite)

    def abandon(self) -> None:
        shutil.rmtree(self._path, ignore_errors=True)
        self._held.let_go()


def in_16_bits(samples: Samples) -> NDArray[np.uint16]:
    """Samples or alpha of a picture of any depth as uint16 over the full range."""
    import numpy as np

    return (
        samples if samples.dtype == np.uint16 else np.rint(in_unit_range(samples).clip(0, 1) * 65535).astype(np.uint16)
    )


def _like(samples: NDArray[np.uint16], alpha: NDArray[np.uint16] | None, like: Photo) -> Photo:
    """A frame as a picture of the depth of another, with all that the other carries beside its samples."""
    plane = None
    if alpha is not None and like.alpha is not None:
        # Alpha of the same size is that of the other, to the last bit.
        plane = like.alpha if like.alpha.shape == alpha.shape else quantised(_unit(alpha), like.bit_depth)
    return replace(like, samples=quantised(_unit(samples), like.bit_depth), alpha=plane)


def _unit(samples: NDArray[np.uint16]) -> NDArray[np.float32]:
    import numpy as np

    return samples.astype(np.float32) / np.float32(65535)


def _plain(samples: NDArray[np.uint16], alpha: NDArray[np.uint16] | None, depth: int) -> Photo:
    plane = None if alpha is None else quantised(_unit(alpha), depth)
    return Photo(quantised(_unit(samples), depth), "PNG", plane)


def _keeps_pictures(plan: Plan) -> bool:
    """Whether there is a picture of the source for each frame."""
    return len(plan.clip.pictures) == len(plan.times.ticks)


def _names(plan: Plan) -> list[str]:
    if _keeps_pictures(plan):
        return [picture.name for picture in plan.clip.pictures]
    count = len(plan.times.ticks)
    suffix = plan.clip.pictures[0].suffix if plan.clip.pictures else ".png"
    return [f"{index:0{max(6, len(str(count)))}d}{suffix}" for index in range(1, count + 1)]


def _check_formats(plan: Plan) -> None:
    """Refuse an enlargement that a picture's format cannot hold, as its suffix names it."""
    for picture in plan.clip.pictures if _keeps_pictures(plan) else plan.clip.pictures[:1]:
        scale = -(-plan.height // plan.clip.height)
        check_format(read_photo(picture), format_for(picture), scale=scale)
