"""From a restored picture to the bytes of a file that carries on what the input carried."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from pipcli.media import exif as exif_block
from pipcli.media.formats import check_format
from pipcli.media.photo import DTYPES, Photo, Samples

if TYPE_CHECKING:
    import numpy as np
    import torch
    from numpy.typing import NDArray


def encode_photo(pixels: torch.Tensor, like: Photo, file_format: str, made: NDArray[np.bool_] | None = None) -> bytes:
    """Encode a restored picture in the depth of its input, with the input's alpha and metadata.

    Args:
        pixels: (1, C, H, W) in [0, 1] (what lies outside is clipped), C as in the input, of the input's working range.
            Alpha is resampled if the size differs from the input's, and else carried over untouched.
        like: the input. Where it is of the same size, samples that have no say, or lie beyond the working range, or
            are unchanged in the pixels, are those of the input, bit for bit.
        file_format: a name from `format_for`, or the input's own `file_format`.
        made: (H, W, C or 1) the samples that are new, whatever the input has there; None for none.

    Raises:
        OutputRefusedError: the format cannot hold it; ask `check_format` beforehand.
        ValueError: the pixels are not finite, or not of the input's channels.
    """
    if pixels.ndim != 4 or pixels.shape[:2] != (1, like.channels):
        raise ValueError(f"expected pixels of shape (1, {like.channels}, H, W), not {tuple(pixels.shape)}")
    values = pixels.detach()[0].permute(1, 2, 0).float().cpu().numpy()
    photo = replace(like, samples=quantised(values, like.bit_depth))
    if values.shape != like.samples.shape:
        photo = replace(photo, alpha=_resampled(like.alpha, photo))
    if not like.is_plain:
        from pipcli.media.returning import as_in_file

        photo = replace(photo, samples=as_in_file(values, photo.alpha, like, made))
    return encode(photo, file_format)


def encode_bare(pixels: torch.Tensor, like: Photo) -> tuple[bytes, str]:
    """Encode a restored picture with nothing of its input but the depth and, at the same size, the alpha.

    Args:
        pixels: (1, C, H, W) in [0, 1], C as in the input.
        like: the input.

    Returns:
        The file, and the suffix of its format: PNG, or TIFF for what PNG cannot hold.
    """
    bare = replace(like, icc_profile=None, exif=None, xmp=None, dpi=None, png_chunks=())
    file_format = "TIFF" if like.bit_depth == 32 or like.premultiplied else "PNG"
    return encode_photo(pixels, bare, file_format), {"PNG": ".png", "TIFF": ".tif"}[file_format]


def encode(photo: Photo, file_format: str) -> bytes:
    """Encode a photo as it stands.

    Args:
        photo: samples, alpha and metadata of one depth and size; the EXIF block may still say another size.
        file_format: a name from `format_for`, or a photo's own `file_format`.

    Raises:
        OutputRefusedError: the format cannot hold it; ask `check_format` beforehand.
    """
    check_format(photo, file_format)
    return _encoded(replace(photo, exif=_settled(photo)), file_format)


def encode_map(values: NDArray[np.floating[Any]], bits: int, file_format: str = "PNG") -> bytes:
    """Encode a grey picture of numbers in [0, 1], which stands for no photo: a transmission, a kernel.

    Args:
        values: (H, W); what lies outside of [0, 1] is clipped.
        bits: of a sample, as the format can hold them.
        file_format: a name from `format_for`.
    """
    return encode(Photo(quantised(values[:, :, None], bits), "PNG"), file_format)


def encode_jpeg(photo: Photo, *, quality: int, subsampling: str) -> bytes:
    """Encode a photo as JPEG with all its metadata, as coarsely as asked.

    Args:
        photo: of 8 bits, without alpha.
        quality: 1 to 100, on the scale of libjpeg.
        subsampling: of the colour, such as "4:2:0".

    Raises:
        OutputRefusedError: JPEG cannot hold it.
    """
    from pipcli.media import pillow_formats

    check_format(photo, "JPEG")
    return pillow_formats.encode_jpeg(replace(photo, exif=_settled(photo)), quality=quality, subsampling=subsampling)


def encode_rgb8(array: NDArray[np.uint8]) -> bytes:
    """A bare PNG file of (H, W, 3) uint8 samples."""
    from pipcli.media import png

    return png.encode_samples(array)


def _encoded(photo: Photo, file_format: str) -> bytes:
    if file_format == "PNG":
        from pipcli.media import png

        return png.encode(photo)
    if file_format == "TIFF":
        from pipcli.media import tiff

        return tiff.encode(photo)
    if file_format in ("PNM", "PGM", "PPM"):
        from pipcli.media import pnm

        return pnm.encode(photo)
    from pipcli.media import pillow_formats

    encoders = {
        "JPEG": pillow_formats.encode_jpeg,
        "WebP": pillow_formats.encode_webp,
        "BMP": pillow_formats.encode_bmp,
    }
    return encoders[file_format](photo)


def quantised(values: Samples, bit_depth: int) -> Samples:
    """Return float values, clipped to [0, 1], as full-range samples of a depth, to the nearest level.

    Raises:
        ValueError: they are not finite.
    """
    import numpy as np

    if not np.isfinite(values).all():
        raise ValueError("the picture has values that are not numbers")
    dtype = np.dtype(DTYPES[bit_depth])
    values = values.clip(0.0, 1.0)
    if dtype == np.float32:
        return np.ascontiguousarray(values, dtype=np.float32)
    return np.ascontiguousarray(np.rint(values * np.float32(_full(dtype))).astype(dtype))


def _full(dtype: np.dtype[Any]) -> int:
    return int(2 ** (8 * dtype.itemsize) - 1)


def resized(plane: Samples, height: int, width: int, *, smooth: bool = True) -> NDArray[np.float32]:
    """A plane (h, w) of samples at another size. Bicubic or linear, and in float, so that 16 bits stay 16 bits."""
    import numpy as np
    from PIL import Image

    kernel = Image.Resampling.BICUBIC if smooth else Image.Resampling.BILINEAR
    enlarged = Image.fromarray(plane.astype(np.float32)).resize((width, height), kernel)
    return np.asarray(enlarged, np.float32)


def _resampled(alpha: Samples | None, photo: Photo) -> Samples | None:
    """The alpha plane at the size of an enlarged picture."""
    import numpy as np

    if alpha is None:
        return None
    values = resized(alpha, photo.height, photo.width)
    if alpha.dtype == np.float32:
        return values.clip(0.0, 1.0)
    levels: Samples = np.rint(values.clip(0, _full(alpha.dtype))).astype(alpha.dtype)
    return levels


def _settled(photo: Photo) -> bytes | None:
    if photo.exif is None:
        return None
    return exif_block.settled(photo.exif, height=photo.height, width=photo.width)
