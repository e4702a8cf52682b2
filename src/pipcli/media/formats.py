"""The picture formats: how each is recognised by its first bytes, which suffixes name it, and what it can hold."""

from __future__ import annotations

import os
import re
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path

from pipcli.errors import OutputRefusedError, UnusableInputError
from pipcli.media.photo import Photo

READABLE = "PNG, JPEG, WebP, TIFF, BMP and PNM"
RAW_PHOTO = "is a raw photo of a camera, which is not supported: develop it to 16-bit TIFF or PNG first"
_EXIF_IN_JPEG = 65_533 - 6  # a JPEG segment's length field has 16 bits, and "Exif\0\0" comes first
_XMP_IN_JPEG = 65_533 - 29  # likewise, after "http://ns.adobe.com/xap/1.0/\0"


@dataclass(frozen=True)
class Format:
    """What a format can hold without loss of anything but JPEG's rounding."""

    suffixes: tuple[str, ...]
    depths: tuple[int, ...] = (8,)
    channels: tuple[int, ...] = (1, 3)
    alpha: bool = False
    premultiplied: bool = False
    metadata: bool = False
    dpi: bool = False
    longest_side: int = 2**31 - 1


FORMATS = {
    "PNG": Format((".png",), depths=(8, 16), alpha=True, metadata=True, dpi=True),
    "JPEG": Format((".jpg", ".jpeg", ".jpe", ".jfif"), metadata=True, dpi=True, longest_side=65_500),
    "WebP": Format((".webp",), alpha=True, metadata=True, dpi=True, longest_side=16_383),
    "TIFF": Format((".tif", ".tiff"), depths=(8, 16, 32), alpha=True, premultiplied=True, metadata=True, dpi=True),
    "BMP": Format((".bmp", ".dib"), dpi=True),
    "PPM": Format((".ppm",), depths=(8, 16), channels=(3,)),
    "PGM": Format((".pgm",), depths=(8, 16), channels=(1,)),
    "PNM": Format((".pnm",), depths=(8, 16)),
}

_MAGIC = {
    "PNG": re.compile(rb"\x89PNG\r\n\x1a\n"),
    "JPEG": re.compile(rb"\xff\xd8\xff"),
    "WebP": re.compile(rb"RIFF....WEBP", re.DOTALL),
    "TIFF": re.compile(rb"II[*+]\0|MM\0[*+]"),
    # Text begins with these letters, too: a BMP has the size of a known header next, a PNM a number or a comment.
    "BMP": re.compile(rb"BM.{12}[\x0c\x10\x28\x34\x38\x40\x6c\x7c]\0\0\0", re.DOTALL),
    "PNM": re.compile(rb"P[1-6](\s+\d|\s*#)"),
}

_NOT_SUPPORTED = {
    "a GIF picture": re.compile(rb"GIF8"),
    "an AVIF or HEIC picture": re.compile(rb"....ftyp(avi|hei|hev|mif|msf)", re.DOTALL),
    "a JPEG 2000 picture": re.compile(rb"\0\0\0\x0cjP|\xff\x4f\xff\x51"),
    "a JPEG XL picture": re.compile(rb"\xff\x0a|\0\0\0\x0cJXL "),
    "a JPEG XR picture": re.compile(rb"II\xbc[\x00\x01]"),
    "a Photoshop document": re.compile(rb"8BPS"),
    "a GIMP document": re.compile(rb"gimp xcf"),
    "a PDF document": re.compile(rb"%PDF"),
    "a PostScript document": re.compile(rb"%!PS|\xc5\xd0\xd3\xc6"),
    "an SVG drawing": re.compile(
        rb"\s*(<\?xml[^>]*>\s*)?(<!--.{0,200}?-->\s*)?(<!DOCTYPE svg[^>]*>\s*)?<svg", re.DOTALL
    ),
    "a PAM or float PFM picture": re.compile(rb"P(7|F|f)\s"),
    "an MNG or JNG picture": re.compile(rb"\x8aMNG\r\n|\x8bJNG\r\n"),
    "an icon": re.compile(rb"\0\0[\x01\x02]\0[^\0]\0"),
    "an OpenEXR picture": re.compile(rb"\x76\x2f\x31\x01"),
    "a Radiance HDR picture": re.compile(rb"#\?(RADIANCE|RGBE)\s"),
    "a DDS picture": re.compile(rb"DDS "),
    "a QOI picture": re.compile(rb"qoif"),
    "a BPG picture": re.compile(rb"BPG\xfb"),
    "a FLIF picture": re.compile(rb"FLIF"),
    "a FITS picture": re.compile(rb"SIMPLE  ="),
    "a NumPy array": re.compile(rb"\x93NUMPY"),
}
_RAW_PHOTOS = re.compile(
    rb"FUJIFILMCCD-RAW|IIU\0|IIR[OS]|MMOR|FOVb|\0MRM|II\*\0.{4}CR\x02|....ftypcrx |II\x1a\0\0\0HEAPCCDR", re.DOTALL
)
_NO_PICTURES = {
    "a video": re.compile(rb"....ftyp|\x1aE\xdf\xa3|RIFF....AVI ", re.DOTALL),
    "a web page": re.compile(rb"\s*<(!DOCTYPE html|html|head|body)", re.IGNORECASE),
    "an archive": re.compile(rb"PK\x03\x04|\x1f\x8b|7z\xbc\xaf|Rar!|BZh[1-9]|\xfd7zXZ"),
}


def sniff(data: bytes, name: str) -> str:
    """The format of a file by its first bytes, never by its name.

    Args:
        data: the file, or at least its first 132 bytes.
        name: what to call it in messages.

    Raises:
        UnusableInputError: it is empty or of no format that is read here; the message names the format if it is known.
    """
    if not data:
        raise UnusableInputError(f"{name} is empty: give a picture that opens in a viewer")
    if _RAW_PHOTOS.match(data):  # of which some begin as a TIFF does
        raise UnusableInputError(f"{name} {RAW_PHOTO}")
    for file_format, magic in _MAGIC.items():
        if magic.match(data):
            return file_format
    for description, magic in _NOT_SUPPORTED.items():
        if magic.match(data):
            raise UnusableInputError(f"{name} is {description}, which is not supported: convert it to PNG")
    for description, magic in _NO_PICTURES.items():
        if magic.match(data):
            raise UnusableInputError(f"{name} is {description}, not a picture: {READABLE} are read")
    if data[128:132] == b"DICM":
        raise UnusableInputError(f"{name} is a DICOM file, which is not supported: convert it to 16-bit PNG")
    raise UnusableInputError(f"{name} is not a picture in a known format: {READABLE} are read")


def format_for(path: str | os.PathLike[str]) -> str:
    """The format to write that a file name asks for by its suffix.

    Raises:
        OutputRefusedError: the suffix names none; the message lists those that do.
    """
    suffix = Path(path).suffix.lower()
    for file_format, traits in FORMATS.items():
        if suffix in traits.suffixes:
            return file_format
    known = " ".join(traits.suffixes[0] for traits in FORMATS.values())
    asked = ascii(suffix)[1:-1] or "no suffix"
    raise OutputRefusedError(f"the output's suffix must name a format that is written ({known}), not {asked}")


def check_format(photo: Photo, file_format: str, *, scale: int | Fraction = 1) -> None:
    """Refuse a format that cannot hold what a photo carries; to be called before the work, not after.

    Args:
        photo: the input.
        file_format: what it is to be written as, from `format_for`.
        scale: how many times larger each side will be.

    Raises:
        OutputRefusedError: something would be lost; the message says what, and which formats lose nothing.
    """
    losses = _losses(photo, file_format, scale)
    if not losses:
        return
    fitting = [FORMATS[name].suffixes[0] for name in ("PNG", "TIFF", "WebP", "JPEG") if not _losses(photo, name, scale)]
    advice = f"choose {' or '.join(fitting)}" if fitting else "remove it from the input first"
    raise OutputRefusedError(f"{file_format} cannot hold {' and '.join(losses)} of this picture: {advice}")


def _losses(photo: Photo, file_format: str, scale: int | Fraction) -> list[str]:
    traits = FORMATS[file_format]
    grey_profile = photo.icc_profile is not None and photo.icc_profile[16:20] == b"GRAY"
    exif_size = len(photo.exif or b"")
    checks = {
        f"the {photo.bit_depth}-bit samples": photo.bit_depth not in traits.depths,
        "the colour": photo.channels == 3 and 3 not in traits.channels,
        "the one grey channel": photo.channels == 1 and 1 not in traits.channels,
        "the alpha": photo.alpha is not None and not traits.alpha,
        "the premultiplied alpha": photo.premultiplied and traits.alpha and not traits.premultiplied,
        "the ICC profile": photo.icc_profile is not None and not traits.metadata,
        "the grey ICC profile": grey_profile and file_format == "WebP",  # WebP stores every picture as colour
        "the EXIF data": exif_size > 0 and not traits.metadata,
        "the long EXIF data": exif_size > _EXIF_IN_JPEG and file_format == "JPEG",
        "the long XMP data": len(photo.xmp or b"") > _XMP_IN_JPEG and file_format == "JPEG",
        "the XMP data": photo.xmp is not None and not traits.metadata,
        "the DPI": photo.dpi is not None and not traits.dpi,
        "the size": scale * max(photo.height, photo.width) > traits.longest_side,
    }
    return [what for what, lost in checks.items() if lost]
