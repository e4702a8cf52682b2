"""The file format of a finished window of frames; what is read is validated before use."""

import dataclasses
import io
import json
import zipfile
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from pipcli.errors import UnusableInputError
from pipcli.jobs.clips.reading import Frame
from pipcli.media import decode_photo
from pipcli.restoration.window import WindowReport

FACTS = "facts.json"


@dataclass(frozen=True)
class Piece:
    """A finished window as it is kept.

    Attributes:
        facts: how it came about.
        pictures: 16-bit PNG files, by the numbers of the frames of the result.
    """

    facts: WindowReport
    pictures: dict[int, bytes]

    def written(self) -> bytes:
        """Return the file."""
        buffer = io.BytesIO()
        with zipfile.ZipFile(buffer, "w", zipfile.ZIP_STORED) as archive:
            archive.writestr(FACTS, json.dumps(dataclasses.asdict(self.facts)))
            for number, data in self.pictures.items():
                archive.writestr(f"{number}.png", data)
        return buffer.getvalue()

    @classmethod
    def read(cls, data: bytes, numbers: Sequence[int]) -> "Piece":
        """Return the piece of a file that `written` made.

        Args:
            data: the file.
            numbers: of its frames.

        Raises:
            ValueError: it is something else.
        """
        try:
            with zipfile.ZipFile(io.BytesIO(data)) as archive:
                parts = archive.infolist()
                if [part.filename for part in parts] != [FACTS, *(f"{number}.png" for number in numbers)]:
                    raise ValueError("other parts than a window has")
                # As `written` stores them: what is packed could unfold to any size.
                packed = any(part.compress_type != zipfile.ZIP_STORED for part in parts)
                if packed or sum(part.file_size for part in parts) > len(data):
                    raise ValueError("the parts of a window are not packed")
                facts = WindowReport.read(json.loads(archive.read(FACTS)))
                return cls(facts, {number: archive.read(f"{number}.png") for number in numbers})
        except Exception as error:
            # A broad handler: on bytes that are not what they claim to be, the reader raises whatever it trips over.
            raise ValueError("no kept window") from error

    def frame(self, number: int, shape: tuple[int, int, int]) -> Frame:
        """Return the samples of a frame.

        Args:
            number: of the frame.
            shape: (H, W, C), as it must be.

        Raises:
            ValueError: it is of another shape, or no picture.
        """
        try:
            samples: Frame = decode_photo(self.pictures[number], "a kept frame").samples
        except UnusableInputError as error:
            raise ValueError("no kept frame") from error
        if samples.shape != shape or samples.dtype != np.uint16:
            raise ValueError("a kept frame of another shape")
        return samples
