"""Whatever the bytes: a photo, or one refusal on one line, soon and in little memory, with nothing on stderr."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from pipcli.errors import UnusableInputError
from pipcli.media import decode_photo, read_photo
from support.hostile import METADATA_BOMBS, bad_paths, bad_pictures, bombs, mutations, prefixes, sound_files

# It runs in a process of its own, for its peak memory, and because the C libraries print past Python's stderr.
DECODE_ALL = """
import json, resource, sys, time
from support.hostile import bombs, mutations
from pipcli.errors import UnusableInputError
from pipcli.media import decode_photo
import pipcli.media.png, pipcli.media.pillow_formats, pipcli.media.tiff, pipcli.media.pnm

files = bombs() if sys.argv[1] == "bombs" else dict(mutations())
before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
results = {}
for name, data in files.items():
    start = time.process_time()
    try:
        decode_photo(data, name)
        message = None
    except UnusableInputError as error:
        message = str(error)
    results[name] = (message, time.process_time() - start)
after = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
print(json.dumps({"results": results, "kibibytes": after - before}))
"""


def decode_all(corpus: str) -> tuple[dict[str, tuple[str | None, float]], int]:
    """Decode a corpus in a fresh process: (message or None, seconds) of each file, and the growth of its memory."""
    run = subprocess.run(
        [sys.executable, "-c", DECODE_ALL, corpus],
        env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)},
        capture_output=True,
        text=True,
        timeout=120,
        check=True,
    )
    assert run.stderr == ""
    report = json.loads(run.stdout)
    return report["results"], report["kibibytes"] >> 10


@pytest.mark.parametrize("kind", sound_files())
def test_the_files_that_are_damaged_below_are_sound(kind: str) -> None:
    assert decode_photo(sound_files()[kind], "x").samples.size


@pytest.mark.parametrize("kind", sound_files())
def test_every_truncation_is_refused(kind: str) -> None:
    for data in prefixes(sound_files()[kind], step=7):
        with pytest.raises(UnusableInputError, match=r"^cut\.png "):
            decode_photo(data, "cut.png")


def test_bombs_are_refused_soon_and_in_little_memory() -> None:
    results, mebibytes = decode_all("bombs")
    assert results.keys() == bombs().keys()
    accepted = {name for name, (message, _) in results.items() if message is None}
    assert accepted <= METADATA_BOMBS
    assert max(seconds for _, seconds in results.values()) < 5
    assert mebibytes < 256
    message = results["272-byte TIFF of 60000x60000"][0]
    assert message is not None
    assert "60000x60000" in message
    assert "89,478,485" in message


def test_mutated_files_are_read_or_refused_on_one_line() -> None:
    results, mebibytes = decode_all("mutations")
    assert len(results) == 300
    refused = [message for message, _ in results.values() if message is not None]
    assert all("\n" not in message for message in refused)
    assert len(refused) > 100
    assert max(seconds for _, seconds in results.values()) < 5
    assert mebibytes < 512


def test_the_same_damage_has_the_same_outcome_each_time() -> None:
    def outcome(data: bytes) -> object:
        try:
            photo = decode_photo(data, "x")
            return photo.samples.tobytes()
        except UnusableInputError as error:
            return str(error)

    for _, data in mutations(40, seed=1):
        assert len({outcome(data) for _ in range(5)}) == 1


@pytest.mark.parametrize("name", bad_pictures())
def test_unsupported_pictures_are_refused_by_name(name: str) -> None:
    data, words = bad_pictures()[name]
    with pytest.raises(UnusableInputError) as refusal:
        decode_photo(data, "picture.png")
    assert str(refusal.value).startswith("picture.png ")
    assert words in str(refusal.value)
    assert "\n" not in str(refusal.value)


@pytest.mark.parametrize("name", bad_paths())
def test_paths_without_a_picture_are_refused_by_name(name: str, tmp_path: Path) -> None:
    make, words = bad_paths()[name]
    with pytest.raises(UnusableInputError, match=words):
        read_photo(make(tmp_path))
