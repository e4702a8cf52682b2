"""TIFF in and out through tifffile, which is exact at 8, 16 and 32 bits where Pillow is not.

tifffile believes a header, fills missing strips with zeros and merely logs what is wrong; so a page has to pass the
checks here before one of its pixels is read.
"""

from __future__ import annotations

import io
import logging
import struct
from typing import Any, Literal

import numpy as np
from tifffile import TiffFile, TiffPage, TiffTag, imwrite

from pipcli.errors import UnusableInputError
from pipcli.media import exif as exif_block
from pipcli.media.exif import Field, usable_dpi
from pipcli.media.formats import RAW_PHOTO
from pipcli.media.photo import Photo, Samples, join_alpha, split_alpha
from pipcli.media.silence import declared_empty
from pipcli.media.sources import check_size

_PREVIEW = "begins with a small preview of its picture: save the large picture as a file of its own"
_ADVICE = "save it as 8- or 16-bit grey or RGB with no, LZW or Deflate compression"
# What one compressed byte can become at most. Those that are missing here (JPEG, fax and others) are not read:
# inside of them there is a second header with a size of its own, which would have to be doubted again.
_EXPANSIONS = {1: 1, 5: 4096, 8: 1032, 32946: 1032, 32773: 64, 50000: 1 << 16}
_COMPRESSIONS = {2: "fax", 3: "fax", 4: "fax", 6: "JPEG", 7: "JPEG", 34712: "JPEG 2000", 50001: "WebP"}
_PHOTOMETRICS = {5: "CMYK", 6: "YCbCr", 8: "CIE Lab", 9: "ICC Lab", 32803: "raw sensor data", 34892: "raw sensor data"}
_WHITE_IS_ZERO, _PALETTE = 0, 3
_MAX_SEGMENT = 4096 * 4096
_ICC, _XMP, _GDAL_NODATA = 34675, 700, 42113
# The tags that describe the picture's layout in its own file, and those that travel in fields of their own.
_STRUCTURAL = {*range(254, 267), 273, 274, *range(277, 285), *range(288, 294), 296, 301, *range(317, 348)}
_STRUCTURAL |= {*range(512, 533), 559, _XMP, 34377, _ICC, 50838, 50839}

# The tags that are read by themselves, and the resolution among them.
_RESOLUTION = {exif_block.X_RESOLUTION, exif_block.Y_RESOLUTION, exif_block.RESOLUTION_UNIT}
_READ = (274, *_RESOLUTION, _ICC, _XMP)
# What shows the picture as it was before it was restored, or in pixels that are no longer the same.
_STALE = {37724: "its Photoshop layers are", 50839: "its ImageJ overlays and channel names are"}
_STRUCTURAL |= {*_STALE}
_DNG_VERSION, _RAW_PHOTOMETRICS = 50706, (32803, 34892)
_MOST_SMALLER_PICTURES = 32  # a camera's raw file has five at most

# Its complaints about a file are ours to word; without a handler Python would print them.
logging.getLogger("tifffile").addHandler(logging.NullHandler())


def decode(data: bytes) -> tuple[Photo, int]:
    """A TIFF file's photo, not yet turned upright, and its orientation, 1 to 8.

    Raises:
        UnusableInputError: it is of a kind that is not read, or too large.
        Exception: anything else, if it is cut off or damaged; tifffile is not particular.
    """
    with TiffFile(io.BytesIO(data)) as file:
        page = file.pages.first
        _check_numbers(page)
        check_size(page.imagewidth, page.imagelength)
        _check_whole_picture(page)
        notes = _check_pages(file)
        _check_kind(page)
        _check_segments(page, len(data))
        nodata = _nodata(page)
        tags = {code: tag.value for code in _READ if (tag := page.tags.get(code)) is not None and _is_short(tag)}
        samples, alpha = split_alpha(_samples(page, nodata))
        dpi, orientation = _dpi(tags), tags.get(274, 1)
        block, more_notes = _lifted(data, big=file.is_bigtiff, unitless=dpi is None)
        more_notes += tuple(f"{what} not carried along" for code, what in _STALE.items() if code in page.tags)
    photo = Photo(
        samples,
        "TIFF",
        alpha=alpha,
        premultiplied=alpha is not None and 1 in page.extrasamples,
        icc_profile=_blob(tags.get(_ICC)),
        exif=block,
        xmp=_blob(tags.get(_XMP)),
        dpi=dpi,
        notes=notes + more_notes,
        nodata=nodata,
    )
    return photo, orientation if orientation in range(1, 9) else 1


def encode(photo: Photo) -> bytes:
    """A TIFF file, losslessly (Deflate), with everything that the photo carries."""
    order: Literal["<", ">"] = ">" if photo.exif is not None and photo.exif[:2] == b"MM" else "<"
    carried = exif_block.fields(photo.exif) if photo.exif is not None else ()
    left_out = _STRUCTURAL - (_RESOLUTION if photo.dpi is None else set())
    entries = [field for field in carried if field.tag not in left_out]
    if photo.xmp is not None:
        entries.append(Field(_XMP, 1, len(photo.xmp), photo.xmp))
    kind: Literal["assocalpha", "unassalpha"] = "assocalpha" if photo.premultiplied else "unassalpha"
    stream = io.BytesIO()
    imwrite(
        stream,
        join_alpha(photo.samples, photo.alpha),
        byteorder=order,
        photometric="minisblack" if photo.channels == 1 else "rgb",
        planarconfig="contig" if photo.channels > 1 or photo.alpha is not None else None,
        extrasamples=[kind] if photo.alpha is not None else None,
        compression="zlib",
        predictor=True,
        resolution=photo.dpi,
        resolutionunit="INCH" if photo.dpi is not None else None,
        iccprofile=photo.icc_profile,
        software=False,
        metadata=None,
        maxworkers=1,
    )
    return _with_entries(stream.getvalue(), entries, order) if entries else stream.getvalue()


def _is_short(tag: TiffTag) -> bool:
    """Whether a tag's value is short enough to be read, which a few bytes of directory may claim that it is not."""
    return tag.valuebytecount <= exif_block.MOST_METADATA


def _check_whole_picture(page: TiffPage) -> None:
    """The first picture is the picture, and no preview of one that lies elsewhere in the file."""
    if _DNG_VERSION in page.tags:
        raise UnusableInputError(RAW_PHOTO)
    offsets = page.subifds or ()
    if len(offsets) > _MOST_SMALLER_PICTURES:
        raise ValueError("there are too many pictures in the picture")
    for other in page.pages or () if offsets else ():
        if not isinstance(other, TiffPage):
            continue
        if other.photometric in _RAW_PHOTOMETRICS:
            raise UnusableInputError(RAW_PHOTO)
        if other.imagewidth * other.imagelength > page.imagewidth * page.imagelength:
            raise UnusableInputError(_PREVIEW)
    if page.subfiletype & 1:
        raise UnusableInputError(_PREVIEW)


def _check_pages(file: TiffFile) -> tuple[str, ...]:
    """Further pages are refused, unless they say of themselves that they are but a smaller copy or a mask."""
    for index in range(1, 10):
        try:
            page = file.pages[index]
        except IndexError:
            return ("its preview is not carried along",) if index > 1 else ()
        if not (isinstance(page, TiffPage) and page.subfiletype & 0b101):
            break
    raise UnusableInputError("holds several pages: save the one to restore as a file of its own")


def _check_numbers(page: TiffPage) -> None:
    """tifffile hands on a tag's value in whatever type and length the file gives it."""
    layout = (page.imagewidth, page.imagelength, page.samplesperpixel, page.bitspersample, page.rowsperstrip)
    if not all(isinstance(value, int) for value in (*layout, page.tilewidth, page.tilelength, page.sampleformat)):
        raise ValueError("the layout is damaged, or differs between the channels")


def _check_kind(page: TiffPage) -> None:
    bits = page.bitspersample
    name: str | None = None
    if page.photometric not in (0, 1, 2, _PALETTE):
        name = f"a {_PHOTOMETRICS.get(page.photometric, 'special-colour')} TIFF"
    elif page.compression not in _EXPANSIONS:
        name = f"a TIFF with {_COMPRESSIONS.get(page.compression, 'rare')} compression"
    elif (page.sampleformat, bits) not in {(1, 1), (1, 2), (1, 4), (1, 8), (1, 16), (3, 32)}:
        formats = {1: "unsigned", 2: "signed", 3: "float", 5: "complex", 6: "complex"}
        name = f"a TIFF of {bits}-bit {formats.get(int(page.sampleformat), 'untyped')} samples"
    elif page.imagedepth > 1:
        name = "a volume"
    elif page.samplesperpixel not in ((3, 4) if page.photometric == 2 else (1, 2)) or (
        page.photometric == _PALETTE and (page.samplesperpixel > 1 or bits > 8)
    ):
        name = f"a TIFF with {page.samplesperpixel} channels of an unknown meaning"
    if name is not None:
        raise UnusableInputError(f"is {name}, which is not supported: {_ADVICE}")


def _check_segments(page: TiffPage, file_size: int) -> None:
    """The strips or tiles are all there, inside of the file, and large enough for the pixels they stand for."""
    if page.is_tiled:
        width, height = page.tilewidth, page.tilelength
        expected = -(-page.imagewidth // width) * -(-page.imagelength // height)
        if width * height > _MAX_SEGMENT:
            raise ValueError("a tile is too large")
    else:
        expected = -(-page.imagelength // page.rowsperstrip)
    expected *= page.samplesperpixel if page.planarconfig == 2 else 1
    offsets, sizes = page.dataoffsets, page.databytecounts
    if not len(offsets) == len(sizes) == expected:
        raise ValueError("strips are missing")
    if any(at < 8 or size < 1 or at + size > file_size for at, size in zip(offsets, sizes, strict=True)):
        raise ValueError("a strip is missing")
    needed = page.imagewidth * page.imagelength * page.samplesperpixel * page.bitspersample // 8
    if sum(sizes) * _EXPANSIONS[page.compression] < needed:
        raise ValueError("there are too few data for the size")


def _nodata(page: TiffPage) -> float | None:
    """The sample value that a GeoTIFF declares to stand for no data, as GDAL writes it: a number in ASCII."""
    tag = page.tags.get(_GDAL_NODATA)
    if tag is None or not _is_short(tag) or page.photometric in (_WHITE_IS_ZERO, _PALETTE):
        return None
    try:
        return float(str(tag.value).strip("\0 "))
    except ValueError:
        return None


def _check_floats(array: Samples, nodata: float | None) -> None:
    values = array if nodata is None else array[~declared_empty(np.atleast_3d(array), nodata)]
    if values.size == 0:
        raise UnusableInputError("has no data: all of its pixels have its nodata value")
    if not np.isfinite(values).all() or values.min() < 0 or values.max() > 1:
        raise UnusableInputError("has float samples that are not all in 0 to 1 (or not numbers): scale them first")


def _samples(page: TiffPage, nodata: float | None) -> Samples:
    """(H, W) or (H, W, C) as uint8, uint16 or float32, black at zero."""
    array = page.asarray(maxworkers=1)
    if page.axes == "SYX":
        array = np.moveaxis(array, 0, -1)
    if page.photometric == _PALETTE:
        return _coloured(array, page.colormap)
    if array.dtype == np.float32:
        _check_floats(array, nodata)
        if page.photometric == _WHITE_IS_ZERO:
            raise UnusableInputError(f"is a float TIFF where white is zero, which is not supported: {_ADVICE}")
        return array
    if page.bitspersample < 8:
        array = array.astype(np.uint8) * np.uint8(255 // (2**page.bitspersample - 1))
    if page.photometric == _WHITE_IS_ZERO:
        grey = array if array.ndim == 2 else array[:, :, 0]
        np.subtract(np.iinfo(array.dtype).max, grey, out=grey)
    return array.astype(array.dtype.newbyteorder("="), copy=False)


def _coloured(indices: Samples, colormap: Samples | None) -> Samples:
    if colormap is None:
        raise ValueError("the palette is missing")
    palette = np.asarray(colormap, np.uint16).T
    if not (palette % 257).any() or not (palette % 256).any():  # 8 bits, spread over 16 in one way or the other
        palette = (palette >> 8).astype(np.uint8)
    return palette[indices]


def _lifted(data: bytes, *, big: bool, unitless: bool) -> tuple[bytes | None, tuple[str, ...]]:
    """The descriptive tags of a TIFF file as an EXIF block.

    Args:
        data: the file.
        big: whether it is a BigTIFF.
        unitless: whether the resolution is to be taken for such a tag. One in a unit of its own, such as ImageJ's
            micrometres, has no other place.
    """
    left_out = _STRUCTURAL - (_RESOLUTION if unitless else set())
    lost = ("its EXIF data could not be read and are not carried along",)
    if big:  # whose directories are of another shape
        return None, lost
    try:
        entries = list(exif_block.fields(data, lambda tag: tag not in left_out))
    except exif_block.TooMuchMetadataError:
        return None, ("its EXIF data are too large and are not carried along",)
    except ValueError:
        return None, lost
    return (exif_block.packed_block(entries, exif_block.byte_order(data)) if entries else None), ()


def _with_entries(data: bytes, entries: list[Field], order: str) -> bytes:
    """The file with more entries in its directory, which moves to the end: tifffile writes no EXIF directories."""
    start = len(data) + len(data) % 2
    replaced = {field.tag for field in entries}
    written = (field for field in exif_block.fields(data) if field.tag not in replaced)
    directory = exif_block.packed((*written, *entries), order, start=start)
    return data[:4] + struct.pack(order + "I", start) + data[8:].ljust(start - 8, b"\0") + directory


def _blob(value: object) -> bytes | None:
    return value if isinstance(value, bytes) and value else None


def _dpi(tags: dict[int, Any]) -> tuple[float, float] | None:
    x, y = (_number(tags.get(code, 0)) for code in (exif_block.X_RESOLUTION, exif_block.Y_RESOLUTION))
    unit = _number(tags.get(exif_block.RESOLUTION_UNIT, 2))
    return usable_dpi(x, y, per_inch={2: 1.0, 3: 2.54}.get(int(unit), 0.0))


def _number(value: object) -> float:
    """A tag's value as one number, whatever type the file gives it; 0 where it is none."""
    if isinstance(value, tuple) and len(value) == 2:
        over, under = (_number(part) for part in value)
        return over / under if under else 0.0
    return float(value) if isinstance(value, int | float) else 0.0
