"""The record of one still picture: its samples, its alpha, and everything else its file carried."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeAlias

if TYPE_CHECKING:
    import numpy as np
    import torch
    from numpy.typing import NDArray

    from pipcli.coding import BlockCoding

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

    def pixels(self) -> torch.Tensor:
        """The samples as a new tensor on the CPU: (1, C, H, W), float32 in [0, 1]."""
        import numpy as np
        import torch

        planes = np.ascontiguousarray(self.samples.transpose(2, 0, 1), dtype=np.float32)
        tensor = torch.tensor(planes[None])
        return tensor if self.bit_depth == 32 else tensor.div_(2**self.bit_depth - 1)

    def values(self) -> NDArray[np.float64]:
        """The samples as a new array: (H, W, C), float64 in [0, 1]."""
        return in_unit_range(self.samples)


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
