"""How JPEG coded a picture: what a file says of it, and what its noise is made of."""

from dataclasses import dataclass

BLOCK = 8

Steps = tuple[tuple[int, ...], ...]


@dataclass(frozen=True)
class Plane:
    """How one component (luma, or one of the two of chroma) was coded.

    Attributes:
        steps: 8 rows of 8 quantisation steps, vertical frequency by horizontal, in levels of 255.
        coarseness: rows and columns of pixels that a sample of the plane is the mean of.
    """

    steps: Steps
    coarseness: tuple[int, int] = (1, 1)


@dataclass(frozen=True)
class BlockCoding:
    """The coding of a picture as it stands upright.

    Attributes:
        planes: of a grey picture one, of a colour one luma, and blue and red chroma where they are known.
        before: rows and columns by which the picture begins after a corner of the grid of blocks, which it does when
            it was turned after it was coded.
    """

    planes: tuple[Plane, ...]
    before: tuple[int, int] = (0, 0)

    def turned(self, orientation: int, height: int, width: int) -> "BlockCoding":
        """Return the coding of the picture turned upright by an EXIF orientation, which gives it a height and width.

        A block that is flipped has the same coefficients up to their signs.
        """
        planes = self.planes
        if orientation > 4:
            planes = tuple(Plane(tuple(zip(*p.steps, strict=True)), p.coarseness[::-1]) for p in planes)
        # What was the grid's corner is then the far end.
        before = (-height if orientation in (3, 4, 7, 8) else 0, -width if orientation in (2, 3, 6, 7) else 0)
        return BlockCoding(planes, before)
