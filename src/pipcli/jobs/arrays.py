"""Arrays as files, written without loss to a temporary folder, and files as arrays."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeGuard

import numpy as np
from numpy.typing import NDArray

from pipcli.errors import UnusableInputError
from pipcli.media import Photo, encode, read_photo
from pipcli.media.photo import join_alpha, split_alpha

Array = NDArray[Any]
WHITE = 65535


def is_array(value: Any) -> TypeGuard[Array]:
    """Return whether a value is an array."""
    return isinstance(value, np.ndarray)


@dataclass(frozen=True)
class Arrays:
    """The files of one call.

    Attributes:
        folder: where they are.
    """

    folder: Path

    def photo(self, name: str, image: Array | str | Path) -> Path:
        """Return the file of a picture: (H, W) or (H, W, C), C from 1 to 4.

        Raises:
            UnusableInputError: the array is no picture.
        """
        if not isinstance(image, np.ndarray):
            return Path(image)
        if image.ndim not in (2, 3) or 0 in image.shape or (image.ndim == 3 and image.shape[2] > 4):
            raise UnusableInputError(
                f"a picture is an array (H, W) or (H, W, C) with C from 1 to 4, a clip (T, H, W, C), not {image.shape}"
            )
        samples = _as_samples(image)
        path = self.folder / (f"{name}.tif" if samples.dtype == np.float32 else f"{name}.png")
        path.write_bytes(_file_of(samples))
        return path

    def aid(self, name: str, image: Array) -> Path:
        """Return the file of a picture, or the folder of the frames, that belongs to the input."""
        return self.clip(name, image) if image.ndim == 4 else self.photo(name, image)

    def clip(self, name: str, clip: Array | str | Path) -> Path:
        """Return the folder of the frames of a clip (T, H, W, C).

        Raises:
            UnusableInputError: the array is no clip.
        """
        if not isinstance(clip, np.ndarray):
            return Path(clip)
        if clip.ndim != 4 or 0 in clip.shape or clip.shape[3] not in (1, 3):
            raise UnusableInputError(f"a clip is an array (T, H, W, C) with C 1 or 3, not {clip.shape}")
        frames = _as_frames(clip)
        folder = self.folder / name
        folder.mkdir()
        for number, frame in enumerate(frames):
            (folder / f"{number:06}.png").write_bytes(_file_of(frame))
        return folder

    def output(self, source: Path) -> Path:
        """Return where the result for a file goes: a lossless file of the depth of a sample."""
        return self.folder / (f"out{source.suffix}" if source.suffix in (".png", ".tif") else _lossless(source))

    def read(self, path: Path) -> Array:
        """Return the samples of a file with their alpha: (H, W) or (H, W, C)."""
        photo = read_photo(path)
        return join_alpha(photo.samples, photo.alpha)

    def read_frames(self, folder: Path) -> Array:
        """Return the frames of a folder: (T, H, W, C)."""
        frames = [read_photo(path).samples for path in sorted(folder.iterdir())]
        return np.stack(frames)

    def like(self, image: Array | str | Path, made: Array) -> Array:
        """Return a result as the array that the input was, but for its size."""
        if not is_array(image):
            return made
        if image.ndim != made.ndim:
            made = made[..., None]
        return _as_dtype(made, image.dtype, in_16_bits=image.ndim == 4)


def _lossless(source: Path) -> str:
    return "out.tif" if read_photo(source).samples.dtype == np.float32 else "out.png"


def _file_of(samples: Array) -> bytes:
    colours, alpha = split_alpha(samples)
    file_format = "TIFF" if samples.dtype == np.float32 else "PNG"
    return encode(Photo(colours, file_format, alpha=alpha), file_format)


def _as_samples(image: Array) -> Array:
    """Return an array in one of the three types that files have."""
    if image.dtype == np.bool_:
        return np.where(image, np.uint8(255), np.uint8(0))
    if image.dtype in (np.uint8, np.uint16):
        return image
    most = {"f": 1, "i": WHITE, "u": WHITE}.get(image.dtype.kind)
    if most is None:
        raise UnusableInputError(f"an array of numbers is needed, not of {image.dtype}")
    # Written so that a value that is not a number is refused.
    if not (image.min() >= 0 and image.max() <= most):
        kind = "floats from 0 to 1" if most == 1 else f"whole numbers from 0 to {WHITE}"
        raise UnusableInputError(f"an array of {image.dtype} is of {kind}: scale it first")
    return image.astype(np.float32 if most == 1 else np.uint16)


def _as_frames(clip: Array) -> Array:
    """Return the frames of a clip in 8 or 16 bits."""
    samples = _as_samples(clip)
    return (samples * WHITE).round().astype(np.uint16) if samples.dtype == np.float32 else samples


def _as_dtype(made: Array, dtype: np.dtype[Any], *, in_16_bits: bool) -> Array:
    if dtype == made.dtype:
        return made
    if dtype == np.bool_:
        return made >= 128
    if dtype.kind == "f":
        return (made / WHITE if in_16_bits else made).astype(dtype)
    return made.clip(0, np.iinfo(dtype).max).astype(dtype)
