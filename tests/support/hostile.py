"""Files that must be refused, or restored, but never end in a traceback: the corpus for the codecs and the command."""

import io
import os
import random
import stat
import struct
import zlib
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
from PIL import Image

from support import strange
from support.builders import PNG_SIGNATURE, jpeg_like_a_photo, pillow_file, png_chunk, png_of, samples, tiff_of

PIXEL_LIMIT = 89_478_485
MUTATIONS = 300


def sound_files() -> dict[str, bytes]:
    """Small files that are read without complaint, one of each kind that is mutated or cut off."""
    colour = samples(24, 20, 3, "uint8")
    return {
        "PNG": png_of(colour),
        "16-bit PNG": png_of(samples(12, 10, 4, "uint16")),
        "JPEG": jpeg_like_a_photo(),
        "progressive JPEG": jpeg_like_a_photo(progressive=True),
        "TIFF": tiff_of(colour, photometric="rgb", compression="zlib", predictor=True),
        "16-bit TIFF": tiff_of(samples(12, 10, 3, "uint16"), photometric="rgb"),
        "WebP": pillow_file(colour, "WEBP", lossless=True),
        "lossy WebP": pillow_file(colour, "WEBP", quality=80),
        "BMP": pillow_file(colour, "BMP"),
        "PNM": b"P6\n20 24\n255\n" + colour.tobytes(),
    }


def prefixes(data: bytes, *, step: int) -> Iterator[bytes]:
    """The first n bytes for every step-th n, and for all of the last 40, where the end marks are."""
    lengths = {*range(0, len(data), step), *range(max(0, len(data) - 40), len(data))}
    return (data[:length] for length in sorted(lengths))


def mutations(count: int = MUTATIONS, *, seed: int = 0) -> Iterator[tuple[str, bytes]]:
    """(name, file) with 1 to 16 flipped bits, over PNG, JPEG, TIFF and WebP; half of them in the first 200 bytes."""
    rng = random.Random(seed)
    kinds = [kind for kind in sound_files() if kind not in ("BMP", "PNM")]
    files = sound_files()
    for index in range(count):
        kind = kinds[index % len(kinds)]
        data = bytearray(files[kind])
        reach = min(200, len(data)) if index % 2 else len(data)
        for _ in range(rng.randint(1, 16)):
            data[rng.randrange(reach)] ^= 1 << rng.randrange(8)
        yield f"{kind} #{index}", bytes(_with_checksums(bytes(data)) if index % 3 == 0 else data)


def _with_checksums(data: bytes) -> bytes:
    """A mutated PNG with its checksums put right, so that the damage gets past them."""
    if not data.startswith(PNG_SIGNATURE):
        return data
    at, fixed = len(PNG_SIGNATURE), PNG_SIGNATURE
    while at + 12 <= len(data):
        (length,) = struct.unpack_from(">I", data, at)
        if at + 12 + length > len(data):
            return fixed + data[at:]
        fixed += png_chunk(data[at + 4 : at + 8], data[at + 8 : at + 8 + length])
        at += 12 + length
    return fixed


def deflated_zeros(count: int) -> bytes:
    """So many zeros as Deflate data, made without so much memory, which would hide what the decoder takes."""
    deflater, block = zlib.compressobj(6), bytes(1 << 20)
    parts = [deflater.compress(block) for _ in range(count >> 20)]
    return b"".join([*parts, deflater.compress(bytes(count % (1 << 20))), deflater.flush()])


def png_bomb(width: int, height: int, *, complete: bool = False) -> bytes:
    """A PNG file that claims a size; with pixel data for a row, or, complete, for a whole grey picture of zeros."""
    raw_size = (width + 1) * (height if complete else 1)
    header = struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 0)
    parts = [(b"IHDR", header), (b"IDAT", deflated_zeros(raw_size)), (b"IEND", b"")]
    return PNG_SIGNATURE + b"".join(png_chunk(*part) for part in parts)


def tiff_bomb(width: int, height: int) -> bytes:
    """A TIFF file of 272 bytes that claims a size, uncompressed RGB in one strip."""
    entries = [
        (256, 4, width),
        (257, 4, height),
        (258, 3, 8),
        (259, 3, 1),
        (262, 3, 2),
        (273, 4, 134),
        (277, 3, 3),
        (278, 4, height),
        (279, 4, min(width * height * 3, 2**32 - 1)),
        (284, 3, 1),
    ]
    directory = struct.pack("<H", len(entries)) + b"".join(struct.pack("<HHII", t, k, 1, v) for t, k, v in entries)
    return (b"II*\0" + struct.pack("<I", 8) + directory + bytes(4)).ljust(272, b"\0")


def bombs() -> dict[str, bytes]:
    """Small files with a picture of one, two and forty times the pixel limit, and some that lie within it."""
    files = {"272-byte TIFF of 60000x60000": tiff_bomb(60_000, 60_000)}
    for factor, side in ((1, 9_460), (2, 13_380), (40, 59_830)):
        assert side * side > factor * PIXEL_LIMIT
        files[f"PNG of {factor}x the limit"] = png_bomb(side, side)
        files[f"TIFF of {factor}x the limit"] = tiff_bomb(side, side)
    files["PNG of just the limit"] = png_bomb(5, PIXEL_LIMIT // 5)
    files["PNG within the limit without its data"] = png_bomb(9_000, 9_000)
    files["TIFF within the limit without its data"] = tiff_bomb(9_000, 9_000)
    files["PNG with a complete bomb"] = png_bomb(16_000, 6_000, complete=True)
    files["WebP of 16383x16383"] = _webp_header(16_383, 16_383)
    files["BMP of 50000x50000"] = pillow_file(samples(2, 2, 3, "uint8"), "BMP").replace(
        struct.pack("<ii", 2, 2), struct.pack("<ii", 50_000, 50_000)
    )
    files["PNM of 50000x50000"] = b"P6 50000 50000 255\n" + bytes(100)
    files["JPEG of 65500x65500"] = _resized_jpeg(65_500)
    files["TIFF with a strip that inflates too far"] = _inflating_tiff()
    files["PNG with a profile that inflates too far"] = png_of(
        samples(2, 2, 3, "uint8"), (b"iCCP", b"p\0\0" + deflated_zeros(100 << 20))
    )
    for kind in (b"iTXt", b"iCCP", b"zTXt"):
        files[f"PNG with many {kind.decode()} bombs"] = strange.png_with_metadata_bombs(kind, 200)
    files["TIFF with values that share their bytes"] = strange.tiff_with_shared_values(3000, 1 << 20)
    files["JPEG with EXIF directories that are one"] = strange.jpeg_with_exif(strange.nested_exif_block(1200, 28_000))
    files["JPEG of many scans"] = strange.jpeg_of_many_scans(4000, 150)
    files["WebP of metadata"] = strange.webp_of_little_picture(65 << 20)
    files["PNG with a chunk of 100 MiB"] = strange.sparse_chunk(100 << 20)
    return files


METADATA_BOMBS = {
    "TIFF with a strip that inflates too far",
    "PNG with a profile that inflates too far",
    "PNG with many iTXt bombs",
    "PNG with many iCCP bombs",
    "PNG with many zTXt bombs",
    "TIFF with values that share their bytes",
    "JPEG with EXIF directories that are one",
}
"""Those that are read up to the size that was promised, or whose picture is sound and whose metadata are left out."""


def _webp_header(width: int, height: int) -> bytes:
    body = b"WEBPVP8L" + struct.pack("<I", 5) + b"\x2f" + struct.pack("<I", width - 1 | height - 1 << 14) + b"\0"
    return b"RIFF" + struct.pack("<I", len(body)) + body


def _resized_jpeg(side: int) -> bytes:
    data = jpeg_like_a_photo()
    at = data.index(b"\xff\xc0")
    return data[: at + 5] + struct.pack(">HH", side, side) + data[at + 9 :]


def _inflating_tiff() -> bytes:
    """64x64 pixels by its header, and a strip of Deflate data for 100 million."""
    data = bytearray(tiff_of(np.zeros((64, 64), np.uint8), compression="zlib"))
    packed = deflated_zeros(100 << 20)
    for tag, value in ((273, len(data)), (279, len(packed))):
        at = data.index(struct.pack("<H", tag), 8)
        struct.pack_into("<HII", data, at + 2, 4, 1, value)
    return bytes(data) + packed


def bad_pictures() -> dict[str, tuple[bytes, str]]:
    """Whole files that are refused by name: (file, words that the message has to hold)."""
    grey = np.zeros((4, 4), np.float32)
    colour = samples(4, 4, 3, "uint8")
    frames = [Image.fromarray(samples(4, 4, 3, "uint8", seed=seed)) for seed in (1, 2)]
    return {
        "empty": (b"", "is empty"),
        "text": (b"this is no picture\n" * 9, "not a picture in a known format"),
        "GIF": (pillow_file(colour, "GIF"), "GIF"),
        "HEIC": (b"\0\0\0\x18ftypheic" + bytes(40), "HEIC"),
        "video": (b"\0\0\0\x18ftypisom" + bytes(40), "video"),
        "PDF": (b"%PDF-1.7\n" + bytes(40), "PDF"),
        "NaN TIFF": (tiff_of(grey + np.float32("nan")), "float samples"),
        "infinite TIFF": (tiff_of(grey + np.float32("inf")), "float samples"),
        "float TIFF beyond 1": (tiff_of(grey + np.float32(255)), "float samples"),
        "64-bit TIFF": (tiff_of(grey.astype(np.float64)), "64-bit float"),
        "32-bit integer TIFF": (tiff_of(grey.astype(np.uint32)), "32-bit unsigned"),
        "signed TIFF": (tiff_of(grey.astype(np.int16)), "16-bit signed"),
        "multi-page TIFF": (tiff_of(np.zeros((2, 4, 4), np.uint8), photometric="minisblack"), "several pages"),
        "CMYK TIFF": (tiff_of(np.zeros((4, 4, 4), np.uint8), photometric="separated"), "CMYK"),
        "Lab TIFF": (tiff_of(colour, photometric="cielab"), "CIE Lab"),
        "TIFF of five channels": (
            tiff_of(
                samples(4, 4, 5, "uint8"), photometric="rgb", extrasamples=["unspecified"] * 2, planarconfig="contig"
            ),
            "5 channels",
        ),
        "float TIFF where white is zero": (tiff_of(grey, photometric="miniswhite"), "white is zero"),
        "volume": (tiff_of(np.zeros((16, 16, 16), np.uint8), volumetric=True, tile=(16, 16, 16)), "a volume"),
        "JPEG in TIFF": (_saved(Image.fromarray(colour), "TIFF", compression="jpeg"), "JPEG compression"),
        "fax TIFF": (_saved(Image.new("1", (16, 16)), "TIFF", compression="group4"), "fax"),
        "CMYK JPEG": (_saved(Image.new("CMYK", (8, 8)), "JPEG"), "CMYK"),
        "12-bit JPEG": (jpeg_like_a_photo().replace(b"\xff\xc0\0\x11\x08", b"\xff\xc0\0\x11\x0c"), "12-bit JPEG"),
        "animated PNG": (_saved(frames[0], "PNG", save_all=True, append_images=frames[1:]), "animated PNG"),
        "animated WebP": (_saved(frames[0], "WEBP", save_all=True, append_images=frames[1:]), "animated WebP"),
        "PNG of no size": (png_bomb(0, 5), "no pixels"),
        "two PNM pictures": (b"P5 1 1 255\n\0" * 2, "several pictures"),
        "PNM beyond its maximum": (b"P5 1 1 15\n\xff", "damaged"),
        "PAM": (b"P7\nWIDTH 1\n", "PAM"),
        "text that begins as a BMP": (b"BMW cars are nice. " * 9, "not a picture in a known format"),
        "text that begins as a PNM": (b"P6 is a level of the course\n" * 9, "not a picture in a known format"),
        "web page": (b"<!DOCTYPE html><html>404</html>", "web page"),
        "SVG": (b"<?xml version='1.0'?>\n<svg xmlns='http://www.w3.org/2000/svg'/>", "an SVG drawing"),
        "CR3": (b"\0\0\0\x18ftypcrx " + bytes(40), "a raw photo"),
        "CR2": (b"II*\0\x10\0\0\0CR\2\0" + bytes(60), "a raw photo"),
        "RAF": (b"FUJIFILMCCD-RAW 0201" + bytes(40), "a raw photo"),
        "DNG": (strange.raw_photo(dng=True), "a raw photo"),
        "NEF": (strange.raw_photo(dng=False), "a raw photo"),
        "preview above its picture": (strange.preview_of_a_larger_tiff(below=True), "begins with a small preview"),
        "preview before its picture": (strange.preview_of_a_larger_tiff(below=False), "begins with a small preview"),
        "JPEG-LS": (jpeg_like_a_photo().replace(b"\xff\xc0", b"\xff\xf7"), "a JPEG-LS picture"),
        "hierarchical JPEG": (jpeg_like_a_photo().replace(b"\xff\xc0", b"\xff\xc5"), "a hierarchical JPEG"),
        "Apple's PNG": (strange.apple_png(), "CgBI"),
        "JPEG of half a scan": (strange.jpeg_of_half_a_scan(), "its scan ends before its picture"),
        "JPEG of half a first scan": (
            strange.jpeg_of_half_a_scan(progressive=True),
            "its scan ends before its picture",
        ),
        "JPEG without a restart": (strange.jpeg_without_a_restart(), "its scan ends before its picture"),
        "TIFF of short strips": (strange.tiff_of_short_strips(), "cut off or damaged"),
    }


def _saved(image: Image.Image, plugin: str, **options: object) -> bytes:
    stream = io.BytesIO()
    image.save(stream, plugin, **options)
    return stream.getvalue()


def bad_paths() -> dict[str, tuple[Callable[[Path], Path], str]]:
    """Paths that hold no picture: (what makes one in a folder, words that the message has to hold)."""
    return {
        "missing": (lambda folder: folder / "missing.png", "does not exist"),
        "folder": (lambda folder: folder, "a folder"),
        "below a file": (lambda folder: _file(folder, "a.png") / "b.png", "does not exist"),
        "FIFO": (_fifo, "a named pipe"),
        "device": (lambda _: Path("/dev/zero"), "a device"),
        "link to itself": (_loop, "symbolic link"),
        "long name": (lambda folder: folder / ("x" * 300 + ".png"), "too long"),
    }


def _file(folder: Path, name: str) -> Path:
    (folder / name).write_bytes(b"x")
    return folder / name


def _fifo(folder: Path) -> Path:
    os.mkfifo(folder / "pipe.png", stat.S_IRUSR | stat.S_IWUSR)
    return folder / "pipe.png"


def _loop(folder: Path) -> Path:
    (folder / "loop.png").symlink_to(folder / "loop.png")
    return folder / "loop.png"


AWKWARD_NAMES = [
    b"we\"ird 'quotes'.png",
    b"new\nline.png",
    b"-leading.png",
    b"--overwrite.png",
    b"not\xff\xfeutf8.png",
    b"$(touch x);&.png",
    "grüße 写真.png".encode(),
    b"%s{0}.png",
    b"trailing space .png",
]
