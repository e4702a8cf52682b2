"""The working range: the part of the range of the samples that a picture uses.

A 12-bit camera's picture in a 16-bit file ends at 4095 of 65535, and a calibrated float picture may end at 0.01. Seen
against the whole range such a picture is nearly black, its noise is below everything that counts, and whatever assumes
a picture between 0 and 1 treats it as next to nothing. So the part that is used is taken for black to white.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from pipcli.media.photo import Samples

# Few samples far above the others (stars, hot pixels, glints) are left out of the range where that narrows it much: a
# share of the samples, at most, and how many times narrower the range must become for it. Ours: each step leaves out
# more and asks for more, from two bits to five.
OUTLIERS = ((0.001, 4.0), (0.01, 8.0), (0.05, 32.0))
# So many samples, spread over all, tell what few are.
ENOUGH = 1 << 21
# Room for noise beyond the samples that decide, where others lie beyond them.
ROOM = 1.25
# How many times as bright a picture may become that was blurred: sharp edges swing, small lights gain more.
BRIGHTER = 2.0
# A range that does not begin at 0 must be this many times narrower than one that does: noise of photons is told by its
# growth from 0 on, and is nearly the same everywhere only in a narrow range.
NARROWER = 4.0


@dataclass(frozen=True)
class WorkingRange:
    """The values that are taken for black and white, as shares of the whole range of the samples.

    Attributes:
        low: taken for 0.
        high: taken for 1, above `low`.
    """

    low: float = 0.0
    high: float = 1.0

    @property
    def span(self) -> float:
        """Width as a share of the whole range."""
        return self.high - self.low

    def seen(self, samples: Samples) -> Samples:
        """Return samples of any shape and depth, over their whole range, as they look in this one, for drawings."""
        import numpy as np

        if self == WHOLE:
            return samples
        full = 1 if samples.dtype == np.float32 else np.iinfo(samples.dtype).max
        shares = np.nan_to_num(samples.astype(np.float32)) / np.float32(full)
        return ((shares - np.float32(self.low)) / np.float32(self.span)).clip(0, 1).astype(np.float32)


WHOLE = WorkingRange()


def range_used(samples: Samples, says: NDArray[np.bool_] | None, *, gathers_light: bool) -> WorkingRange:
    """Return the part of the range that a picture uses: all of it, unless a bit or more of each sample is unused.

    It begins at 0 and ends at a power of two (10, 12 and 14 bits in 16 are found as such), or lies around the samples
    where they are far from 0. Samples of 8 bits always have the whole range: their rounding is no finer.

    Args:
        samples: (H, W, C) uint8, uint16 or float32; finite where they say anything.
        says: (H, W) the pixels that have a say; None for all.
        gathers_light: whether the result may be brighter than the picture, as what was blurred: there is room for that,
            and few samples far above the others, which would become brighter still, have the whole range.
    """
    import numpy as np

    values = samples if says is None else samples[says]
    if samples.dtype == np.uint8 or values.size == 0:
        return WHOLE
    full = 1.0 if samples.dtype == np.float32 else float(np.iinfo(samples.dtype).max)
    low, high = _reach(values)
    if gathers_light and float(values.max()) > high:
        return WHOLE
    room = BRIGHTER if gathers_light else 1.0
    top = _next_power(room * high, full)
    span = _next_power(ROOM * room * (high - low), full)
    if low > 0 and high > low and span * NARROWER <= top:
        start = min(max(low - (span - (high - low)) / 2, 0.0), full - span)
        start = start if full == 1 else math.floor(start)
        return WorkingRange(start / full, (start + span) / full)
    return WorkingRange(0.0, top / full) if 0 < top < full else WHOLE


def _next_power(value: float, full: float) -> float:
    """Return the end of the narrowest range from 0 that holds a value: 2^n - 1 of whole numbers, 2^-n of floats."""
    if value <= 0:
        return 0.0
    if full == 1:
        return min(2.0 ** math.ceil(math.log2(value)), full)
    return min(2.0 ** math.ceil(math.log2(value + 1)) - 1, full)


def _reach(values: Samples) -> tuple[float, float]:
    """Return the least and the largest sample, but for outliers."""
    import numpy as np

    least, largest = float(values.min()), float(values.max())
    flat = values.ravel()
    flat = flat[:: max(1, flat.size // ENOUGH)]
    counts = [int(share * flat.size) for share, _ in OUTLIERS]
    places = sorted({place for count in counts for place in (count, flat.size - 1 - count)})
    ordered = np.partition(flat, places)
    low, high = least, largest
    for count, (_, factor) in zip(counts, OUTLIERS, strict=True):
        bottom, top = float(ordered[count]), float(ordered[flat.size - 1 - count])
        if top > bottom and high - bottom >= factor * (top - bottom):
            high = min(bottom + ROOM * (top - bottom), high)
    # Below, only as many as dead pixels are: black strokes on paper are no outliers.
    bottom = float(ordered[counts[0]])
    if high > bottom and high - low >= OUTLIERS[0][1] * (high - bottom):
        low = max(high - ROOM * (high - bottom), low)
    return low, high
