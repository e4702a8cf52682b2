"""Interlaced windows: the two fields are restored separately and woven again.

The top field of a frame is its lines 0, 2, 4, ..., the bottom field the others. Where something moves, neighbouring
lines of a frame do not belong together: the top fields of a window are a clip of their own, and so are the bottom ones.
Where nothing moves, and in progressive pictures that are only called interlaced, both fields are one picture and tell
of each other: such windows are restored whole.
"""

import dataclasses
import time
from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor

from pipcli.motion import are_combed
from pipcli.noise import Camera, Noise
from pipcli.restoration.frame_networks import UnusableWarmStateError
from pipcli.restoration.window import KeeperOf, Restored, Restoring, WindowInput, WindowReport

FIELDS = {"top": 0, "bottom": 1}  # the first line of each
WHOLE = "whole"


class FieldsApart:
    """Restores the two fields of the frames of a window as two windows of half the height, where they differ."""

    def __init__(self, restoring: Restoring, noise: Noise) -> None:
        """Take the way in which each field is restored, and the noise as it was read from fields."""
        self._restoring = restoring
        # How noise of neighbouring lines is correlated was read from fields too: it is not so in whole frames.
        self._always = isinstance(noise, Camera)
        self.leaves_warm = restoring.leaves_warm

    def __call__(self, shown: WindowInput, seconds: float | None, keeper_of: KeeperOf) -> Restored:
        """Restore one field after the other, of which the first gets half of the time, or the whole window."""
        began = time.perf_counter()
        restored: dict[str, Restored] = {}
        is_parted = self._always or are_combed(shown.observation)
        parts = fields_of(shown) if is_parted else {WHOLE: shown}
        for done, (name, part) in enumerate(parts.items()):
            left = None if seconds is None else max(0.0, seconds - (time.perf_counter() - began))
            share = None if left is None else left / (len(parts) - done)
            restored[name] = self._restoring(
                dataclasses.replace(part, warm=_warm_of(shown.warm, name)),
                share,
                lambda layout, name=name: keeper_of(f"{name}-{layout}"),  # type: ignore[misc]
            )
        frames = woven([one.frames for one in restored.values()])
        return Restored(frames, _facts_of([one.facts for one in restored.values()]), _joined_warm(restored))


def fields_of(shown: WindowInput) -> dict[str, WindowInput]:
    """Return the fields of a window by their names.

    One part, "whole", is all of the window where the fields cannot be told apart: of frames of one line, and of frames
    one of whose fields is hidden by the mask and can only be learned from the other.
    """
    fields = {
        name: dataclasses.replace(
            shown,
            observation=shown.observation[..., first::2, :].contiguous(),
            known=None if shown.known is None else shown.known[..., first::2, :].contiguous(),
        )
        for name, first in FIELDS.items()
    }
    if any(_is_empty(field) for field in fields.values()):
        return {WHOLE: shown}
    return fields


def _is_empty(field: WindowInput) -> bool:
    return field.observation.shape[-2] == 0 or (field.known is not None and not bool(field.known.any()))


def woven(fields: Sequence[Tensor]) -> Tensor:
    """Return (T, C, H, W) frames of (T, C, ceil(H / 2), W) top and (T, C, floor(H / 2), W) bottom fields.

    Of one field, itself.
    """
    if len(fields) == 1:
        return fields[0]
    height = sum(field.shape[-2] for field in fields)
    frames = torch.empty(*fields[0].shape[:-2], height, fields[0].shape[-1], dtype=fields[0].dtype)
    for first, field in enumerate(fields):
        frames[..., first::2, :] = field
    return frames


def _facts_of(facts: Sequence[WindowReport]) -> WindowReport:
    return WindowReport(
        outcome=facts[0].outcome,
        steps=[step for one in facts for step in one.steps],
        steps_done=[step for one in facts for step in one.steps_done],
        fitting_seconds=sum(one.fitting_seconds for one in facts),
        seconds=sum(one.seconds for one in facts),
        restarts=sum(one.restarts for one in facts),
    )


def _warm_of(warm: Any | None, name: str) -> Any | None:
    """Return what a part of the window before has left for the same part of this one; None for nothing."""
    if warm is None:
        return None
    tiles, states = warm["tile"], warm["state"]
    if not isinstance(tiles, dict) or tiles.keys() != states.keys():
        raise UnusableWarmStateError("what the window before has left is not of fields")
    return {"tile": tiles[name], "state": states[name]} if name in tiles else None


def _joined_warm(restored: dict[str, Restored]) -> Any | None:
    left = {name: one.warm for name, one in restored.items() if one.warm is not None}
    if not left:
        return None
    return {
        "tile": {name: warm["tile"] for name, warm in left.items()},
        "state": {name: warm["state"] for name, warm in left.items()},
    }
