"""Mutate photos of every kind that is read, and judge what the reading code makes of each.

A mutated file is read, or refused on one line: no other exception, nothing on stderr from a codec, no more than 5 s of
processor time and 1 GiB of memory. What was read is prepared for the formats that carry metadata, which tries their
encoders. The files are made in memory, from a seed; those that break a rule can be kept.

    python benchmarks/fuzz_photos.py --count 5000 --json benchmarks/results/fuzz-photos.json
"""

import argparse
import io
import itertools
import json
import random
import resource
import struct
import subprocess
import sys
import time
import zlib
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import tifffile
from PIL import Image

from pipcli.errors import PipRestoreError
from pipcli.media import carried_over, decode_photo, prepared

MOST_SECONDS, MOST_MEBIBYTES = 5.0, 1024
# Files that one process judges. One that a file brings down costs the rest of its files a process of their own.
BATCH = 250
PATIENCE = 600
FORMATS = ("PNG", "TIFF", "JPEG", "WebP")
PNG_SIGNATURE = b"\x89PNG\r\n\x1a\n"
LONGS = (0, 1, 2, 0x7F, 0xFF, 0x7FFF, 0xFFFF, 0x7FFFFFFF, 0x80000000, 0xFFFFFFFE, 0xFFFFFFFF)


def sources() -> dict[str, bytes]:
    """Return small sound files by their kind."""
    y, x = np.mgrid[0:24, 0:20]
    colour = np.stack([x * 12, y * 10, (x + y) * 5], axis=-1).astype(np.uint8)
    grey, deep = colour[:, :, 0], (colour.astype(np.uint16) << 8 | 0x5A)
    with_alpha = np.dstack([colour, 255 - grey])
    palette = Image.fromarray(colour).quantize(16)
    profile, xmp = b"\0" * 16 + b"RGB " + bytes(range(108)), b'<x tiff:XResolution="72/1" exif:PixelXDimension="20"/>'
    exif = _exif_block()
    return {
        **_png_and_webp(colour, grey, deep, with_alpha, palette, exif, profile, xmp),
        **_jpeg(colour, grey, exif, profile, xmp),
        **_tiff(colour, grey, deep, with_alpha, profile),
        "BMP": _saved(colour, "BMP"),
        "BMP of a palette": _saved(palette, "BMP"),
        "BMP of 1 bit": _saved(Image.fromarray(grey > 100), "BMP"),
        "PNM": b"P6\n20 24\n255\n" + colour.tobytes(),
        "PNM of 16 bits": b"P5 20 24 65535\n" + deep[:, :, 0].astype(">u2").tobytes(),
        "PNM of text": b"P2 #c\n20 24 255\n" + b" ".join(b"%d" % value for value in grey.ravel()),
        "PBM": b"P4 20 24\n" + bytes(72),
    }


def _png_and_webp(*parts: Any) -> dict[str, bytes]:
    colour, grey, deep, with_alpha, palette, exif, profile, xmp = parts
    described = {"exif": b"Exif\0\0" + exif, "icc_profile": profile}
    png = _saved(colour, "PNG", dpi=(300, 300), **described)
    packet = _chunk(b"iTXt", b"XML:com.adobe.xmp\0\1\0\0\0" + zlib.compress(xmp))
    return {
        "PNG": png[:33] + packet + _chunk(b"sCAL", b"\x010.5\x000.5") + png[33:],
        "PNG of 16 bits": _deep_png(deep),
        "PNG of a palette": _saved(palette, "PNG", transparency=3),
        "PNG with alpha": _saved(with_alpha, "PNG"),
        "PNG of 1 bit": _saved(Image.fromarray(grey > 100), "PNG"),
        "WebP": _saved(colour, "WEBP", lossless=True, xmp=xmp, **described),
        "lossy WebP with alpha": _saved(with_alpha, "WEBP", quality=70),
    }


def _jpeg(colour: Any, grey: Any, exif: bytes, profile: bytes, xmp: bytes) -> dict[str, bytes]:
    described = {"exif": b"Exif\0\0" + exif, "icc_profile": profile, "xmp": xmp, "dpi": (300, 300)}
    return {
        "JPEG": _saved(colour, "JPEG", quality=85, **described),
        "progressive JPEG": _saved(colour, "JPEG", quality=85, progressive=True),
        "JPEG with restarts": _saved(colour, "JPEG", quality=95, restart_marker_blocks=1),
        "grey JPEG": _saved(grey, "JPEG", optimize=True),
    }


def _tiff(colour: Any, grey: Any, deep: Any, with_alpha: Any, profile: bytes) -> dict[str, bytes]:
    map_tags = [(33550, "d", 3, (10.0, 10.0, 0.0), True), (33922, "d", 6, (0.0,) * 6, True), (42113, "s", 2, "0", True)]
    return {
        "TIFF": _tiff_of(colour, photometric="rgb", resolution=(300, 300), iccprofile=profile, rowsperstrip=5),
        "TIFF of tiles": _tiff_of(np.kron(grey, np.ones((2, 2), np.uint8)), tile=(16, 16), compression="zlib"),
        "TIFF of planes": _tiff_of(colour.transpose(2, 0, 1), photometric="rgb", planarconfig="separate"),
        "TIFF with LZW": _tiff_of(deep[:, :, 0], compression="lzw", predictor=True),
        "TIFF with PackBits": _tiff_of(grey, compression="packbits"),
        "TIFF with Zstandard": _tiff_of(grey, compression="zstd"),
        "TIFF with alpha": _tiff_of(with_alpha, photometric="rgb", extrasamples=["unassalpha"]),
        "float TIFF": _tiff_of((grey / 255).astype(np.float32)),
        "BigTIFF": _tiff_of(grey, bigtiff=True),
        "GeoTIFF": _tiff_of(deep[:, :, 0], extratags=map_tags),
        "OME-TIFF": _tiff_of(grey, ome=True, metadata={"PhysicalSizeX": 0.3}),
        "ImageJ TIFF": _tiff_of(deep[:, :, 0], imagej=True, resolution=(3, 3), metadata={"unit": "um"}),
        "TIFF of Pillow": _saved(colour, "TIFF", compression="tiff_lzw", dpi=(300, 300)),
    }


def _exif_block() -> bytes:
    """Return a block with a directory below, an orientation, resolutions and a text."""
    top = [(271, 2, 8, 200), (274, 3, 1, 6), (282, 5, 1, 208), (283, 5, 1, 208), (296, 3, 1, 2), (34665, 4, 1, 100)]
    below = [(36867, 2, 20, 180), (40962, 3, 1, 20), (40963, 3, 1, 24)]
    block = b"II*\0" + struct.pack("<I", 8)
    for entries, end in ((top, 100), (below, 180)):
        block += struct.pack("<H", len(entries)) + b"".join(struct.pack("<HHII", *entry) for entry in entries)
        block = block.ljust(end, b"\0")
    return block + b"2020:01:01 10:00:00\0" + b"Acme\0\0\0\0" + struct.pack("<II", 300, 1)


def _saved(picture: Any, plugin: str, **options: Any) -> bytes:
    stream = io.BytesIO()
    (picture if isinstance(picture, Image.Image) else Image.fromarray(picture)).save(stream, plugin, **options)
    return stream.getvalue()


def _tiff_of(array: Any, **options: Any) -> bytes:
    stream = io.BytesIO()
    tifffile.imwrite(stream, array, **options)
    return stream.getvalue()


def _deep_png(array: Any) -> bytes:
    rows = b"".join(b"\0" + row.tobytes() for row in array.astype(">u2").reshape(len(array), -1))
    header = struct.pack(">IIBBBBB", array.shape[1], array.shape[0], 16, 2, 0, 0, 0)
    return PNG_SIGNATURE + _chunk(b"IHDR", header) + _chunk(b"IDAT", zlib.compress(rows)) + _chunk(b"IEND", b"")


def _chunk(kind: bytes, content: bytes) -> bytes:
    return struct.pack(">I", len(content)) + kind + content + struct.pack(">I", zlib.crc32(kind + content))


def mutated(count: int, seed: int) -> Iterator[tuple[str, bytes]]:
    """Yield (name, file) so many times, over all kinds by turns: one to eight changes each."""
    files = sources()
    for index, kind in zip(range(count), itertools.cycle(files)):
        rng = random.Random(f"{seed} {index}")
        data = bytearray(files[kind])
        for _ in range(rng.choice((1, 1, 2, 3, 8))):
            data = _changed(data, rng, files)
        is_put_right = data.startswith(PNG_SIGNATURE) and rng.random() < 0.7
        yield f"{kind} #{index}", _with_checksums(bytes(data)) if is_put_right else bytes(data)


def _changed(data: bytearray, rng: random.Random, files: dict[str, bytes]) -> bytearray:
    """Return the file with one change: of bits, numbers, or parts; half of them where the headers are."""
    if len(data) < 8:
        return data
    reach = len(data) if rng.random() < 0.5 else min(len(data), 300)
    at, length = rng.randrange(reach), rng.choice((1, 2, 4, 12, 40))
    kind = rng.randrange(9)
    if kind < 3:
        data[at] ^= 1 << rng.randrange(8)
    elif kind == 3:
        data[at : at + length] = rng.randbytes(length)
    elif kind == 4:
        data[at : at + 4] = struct.pack(rng.choice("<>") + "I", rng.choice(LONGS))
    elif kind == 5:
        del data[at : at + length]
    elif kind == 6:
        data[at:at] = data[at : at + length] * rng.choice((1, 1, 50))
    elif kind == 7:
        del data[rng.randrange(len(data)) :]
    else:
        other = rng.choice(list(files.values()))
        start = rng.randrange(len(other))
        data[at : at + length] = other[start : start + length]
    return data


def _with_checksums(data: bytes) -> bytes:
    """Return a PNG with its checksums put right, so that the damage gets past them."""
    at, fixed = len(PNG_SIGNATURE), PNG_SIGNATURE
    while at + 12 <= len(data):
        (length,) = struct.unpack_from(">I", data, at)
        if at + 12 + length > len(data):
            return fixed + data[at:]
        fixed += _chunk(data[at + 4 : at + 8], data[at + 8 : at + 8 + length])
        at += 12 + length
    return fixed


def judged(data: bytes, name: str) -> dict[str, Any]:
    """Return what becomes of a file: read or refused, or the exception that none should be; seconds and memory."""
    began = time.process_time()
    outcome = "read"
    try:
        photo = decode_photo(data, name)
        prepared(photo).worked()
        for file_format in FORMATS:
            try:
                carried_over(photo, file_format, (2 * photo.height, 2 * photo.width))
            except PipRestoreError as error:
                outcome = "read" if "\n" not in str(error) else f"several lines: {error}"
    except PipRestoreError as error:
        outcome = "refused" if "\n" not in str(error) else f"several lines: {error}"
    except Exception as error:
        outcome = f"{type(error).__name__}: {error}"
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss >> 10
    return {"name": name, "outcome": outcome, "seconds": time.process_time() - began, "mebibytes": peak}


def judge_part(seed: int, start: int, stop: int) -> None:
    """Judge the files of some numbers, a line of JSON each on stdout."""
    for name, data in itertools.islice(mutated(stop, seed), start, None):
        print(json.dumps(judged(data, name)), flush=True)


def judge_all(count: int, seed: int) -> Iterator[dict[str, Any]]:
    """Yield what becomes of each file, judged by processes of their own."""
    start = 0
    while start < count:
        stop = min(start + BATCH, count)
        words = [sys.executable, __file__, "--part", str(start), str(stop), "--seed", str(seed)]
        run = subprocess.run(words, capture_output=True, text=True, timeout=PATIENCE, check=False)
        results = [json.loads(line) for line in run.stdout.splitlines()]
        if run.stderr and results:
            results[-1]["outcome"] = f"stderr within the last {len(results)} files: {run.stderr[-300:]}"
        yield from results
        start += len(results)
        if start < stop and run.returncode:
            yield {"name": f"#{start}", "outcome": f"exit code {run.returncode}", "seconds": 0.0, "mebibytes": 0}
            start += 1


def main() -> None:
    """Judge as many files as asked, print a summary and write it."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--count", type=int, default=5000, help="how many files")
    parser.add_argument("--seed", type=int, default=0, help="of the mutations")
    parser.add_argument("--json", type=Path, help="where to write the result")
    parser.add_argument("--part", type=int, nargs=2, help=argparse.SUPPRESS)
    words = parser.parse_args()
    if words.part:
        judge_part(words.seed, *words.part)
        return
    from common.about import about

    results = list(judge_all(words.count, words.seed))
    kinds = {kind: Counter[str]() for kind in sources()}
    for result in results:
        kinds.get(result["name"].rsplit(" #", 1)[0], Counter())[result["outcome"]] += 1
    broken = [
        result
        for result in results
        if result["outcome"] not in ("read", "refused")
        or result["seconds"] > MOST_SECONDS
        or result["mebibytes"] > MOST_MEBIBYTES
    ]
    summary = {
        **about("cpu"),
        "files": len(results),
        "seed": words.seed,
        "read": sum(result["outcome"] == "read" for result in results),
        "refused": sum(result["outcome"] == "refused" for result in results),
        "most_seconds": round(max(result["seconds"] for result in results), 3),
        "most_mebibytes": max(result["mebibytes"] for result in results),
        "broken": broken,
        "kinds": {kind: dict(outcomes) for kind, outcomes in kinds.items()},
    }
    print(json.dumps(summary, indent=1))
    if words.json:
        words.json.write_text(json.dumps(summary, indent=1) + "\n")


if __name__ == "__main__":
    main()
