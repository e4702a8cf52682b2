"""The record of one still picture: its samples, its alpha, and everything else its file carried."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, TypeAlias

from pipcli.media.ranges import WHOLE, WorkingRange

if TYPE_CHECKING:
    import numpy as np
    import torch
    from numpy.typing import NDArray

    from pipcli.jpeg_tables import BlockCoding

Samples: TypeAlias = "NDArray[Any]"  # uint8, uint16 or float32

BIT_DEPTHS = {"uint8": 8, "uint16": 16, "float32": 32}
DTYPES = {depth: dtype for dtype, depth in BIT_DEPTHS.items()}


@dataclass(frozen=True, eq=False)
class Photo:
    """One picture as it stands upright on a screen, and what has to travel with it into the restored file.

    Args:
        samples: (H, W, C), C = 1 grey or 3 colour, uint8, uint16 or float32 in [0, 1]. Orientation is already
            applied, alpha is not in here, palettes are expanded to colour.
        file_format: the format the picture came in, a name that `check_format` and `encode_photo` know.
        alpha: (H, W) of the samples' dtype, as it was in the file; None if there was none.
        premultiplied: the samples are already multiplied by alpha (only TIFF says so, and only TIFF can).
        icc_profile: the embedded colour profile, as it was.
        exif: the EXIF block from its TIFF header on. Its orientation says 1 once it was applied.
        xmp: the XMP packet, orientation likewise.
        dpi: pixels per inch, (horizontal, vertical).
        png_chunks: (type, data) of PNG's own colour and text chunks, which a PNG gets back.
        coding: how a JPEG file was rounded; it is of what was read, and of nothing that is written.
        nodata: the sample value that the file declares to stand for no data; it may be not a number.
        working: what is taken for black and white; `prepared` settles it.
        silent: (H, W) the pixels that have no say, whose samples are no picture; `prepared` settles it, None is none.
        notes: sentences for the user about what could not be carried along.
    """

    samples: Samples
    file_format: str
    alpha: Samples | None = None
    premultiplied: bool = False
    icc_profile: bytes | None = None
    exif: bytes | None = None
    xmp: bytes | None = None
    dpi: tuple[float, float] | None = None
    png_chunks: tuple[tuple[bytes, bytes], ...] = ()
    notes: tuple[str, ...] = ()
    coding: BlockCoding | None = None
    nodata: float | None = None
    working: WorkingRange = WHOLE
    silent: NDArray[np.bool_] | None = None

    @property
    def height(self) -> int:
        return int(self.samples.shape[0])

    @property
    def width(self) -> int:
        return int(self.samples.shape[1])

    @property
    def channels(self) -> int:
        return int(self.samples.shape[2])

    @property
    def bit_depth(self) -> int:
        """8, 16, or 32 for float32."""
        return BIT_DEPTHS[self.samples.dtype.name]

    @property
    def full(self) -> int:
        """The sample value that stands for 1: 255, 65535, or 1 for float32."""
        return 1 if self.bit_depth == 32 else int(2**self.bit_depth - 1)

    @property
    def level(self) -> float:
        """One step of the samples as a share of the working range; 0 for float32."""
        return 0.0 if self.bit_depth == 32 else 1 / (self.full * self.working.span)

    @property
    def is_plain(self) -> bool:
        """Whether `pixels` are the samples, each by itself, over their whole range."""
        return self.working == WHOLE and self.silent is None and not self.premultiplied

    def pixels(self) -> torch.Tensor:
        """The picture as a new tensor on the CPU: (1, C, H, W), float32 in [0, 1].

        0 and 1 are the ends of the working range, at which samples beyond it are cut off. Colours are not multiplied
        by alpha. Silent pixels continue those around them.
        """
        import numpy as np
        import torch

        if not self.is_plain:
            return self._filled(self.worked().clip(0, 1))
        planes = np.ascontiguousarray(self.samples.transpose(2, 0, 1), dtype=np.float32)
        tensor = torch.tensor(planes[None])
        return tensor if self.bit_depth == 32 else tensor.div_(self.full)

    def worked(self) -> NDArray[np.float32]:
        """The samples in units of the working range, (H, W, C): outside of [0, 1] where they are beyond it.

        Colours are not multiplied by alpha. What silent pixels hold is finite, and means nothing.
        """
        import numpy as np

        values = self.samples.astype(np.float32) / np.float32(self.full)
        if self.premultiplied and self.alpha is not None:
            alpha = self.alpha.astype(np.float32)[:, :, None] / np.float32(self.full)
            values = np.divide(values, alpha, out=np.zeros_like(values), where=alpha > 0)
        if self.silent is not None:
            values[self.silent] = 0
        if self.working != WHOLE:
            values -= np.float32(self.working.low)
            values /= np.float32(self.working.span)
        return values

    def _filled(self, values: NDArray[np.float32]) -> torch.Tensor:
        import numpy as np
        import torch

        from pipcli.media.silence import filled

        picture = torch.from_numpy(np.ascontiguousarray(values.transpose(2, 0, 1))[None])
        return picture if self.silent is None else filled(picture, torch.from_numpy(~self.silent)[None, None])

    def values(self) -> NDArray[np.float64]:
        """The samples as a new array: (H, W, C), float64 in [0, 1]; 0 where the file declares to have no data."""
        values = in_unit_range(self.samples)
        if self.nodata is not None:
            from pipcli.media.silence import declared_empty

            values[declared_empty(self.samples, self.nodata)] = 0
        return values


def prepared(photo: Photo, known: NDArray[np.bool_] | None = None, *, gathers_light: bool = False) -> Photo:
    """Return a photo that is settled for restoring: with its working range, and which of its pixels have no say.

    Args:
        photo: as it was read.
        known: (H, W) the pixels that are not to be filled, which alone decide on the range; None for all.
        gathers_light: whether the result may be brighter than the photo. If not, few samples far above the others are
            beyond the range: they are seen cut off at it, and kept as they are.
    """
    from pipcli.media.ranges import range_used
    from pipcli.media.silence import silent_pixels

    silent = silent_pixels(photo)
    says = known if silent is None else ~silent if known is None else known & ~silent
    if silent is not None and silent.all():
        return replace(photo, silent=silent)
    if says is not None and not says.any():
        silent, says = None, known
    return replace(photo, silent=silent, working=range_used(photo.samples, says, gathers_light=gathers_light))


def in_unit_range(samples: Samples) -> NDArray[np.float64]:
    """Full-range samples of any depth and shape as float64 in [0, 1]."""
    import numpy as np

    return samples.astype(np.float64) / (1 if samples.dtype == np.float32 else np.iinfo(samples.dtype).max)


def split_alpha(array: Samples) -> tuple[Samples, Samples | None]:
    """Take decoded (H, W) or (H, W, 1..4) samples apart into (H, W, 1 or 3) and the alpha plane, if there is one."""
    import numpy as np

    if array.ndim == 2:
        array = array[:, :, None]
    if array.shape[2] in (1, 3):
        return np.ascontiguousarray(array), None
    return np.ascontiguousarray(array[:, :, :-1]), np.ascontiguousarray(array[:, :, -1])


def join_alpha(samples: Samples, alpha: Samples | None) -> Samples:
    """The inverse of `split_alpha`: (H, W) for plain grey, else (H, W, 2..4)."""
    import numpy as np

    if alpha is not None:
        return np.dstack([samples, alpha])
    return samples[:, :, 0] if samples.shape[2] == 1 else samples
