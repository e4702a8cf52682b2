"""Interlaced clips: the lines of the two fields are of different times, so that each field is restored by itself.

Every second line of all frames is a clip of its own with even motion. In frames with both, what moves is a comb, which
neither a generator nor motion explains. Afterwards the lines are woven again.
"""

import dataclasses
from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor

from pipcli.cli.clip_restoring import Facts, KeeperOf, Restored, Restoring, Shown
from pipcli.restore import Keeper

FIELDS = 2
# Below as many lines a field has too few of its own to tell content from noise.
LEAST_LINES = 16


class FieldsApart:
    """Restores the two fields of a window one after the other, in a way for frames."""

    def __init__(self, restoring: Restoring) -> None:
        """Take the way to restore each."""
        self._restoring = restoring
        self.leaves_warm = restoring.leaves_warm

    def __call__(self, shown: Shown, seconds: float | None, keeper_of: KeeperOf) -> Restored:
        """Restore both fields, each in its part of the time, and weave their lines."""
        fields = [
            self._restored(shown, field, None if seconds is None else seconds / FIELDS, keeper_of)
            for field in range(FIELDS)
        ]
        warm = [field.warm for field in fields] if self.leaves_warm else None
        return Restored(_woven([field.frames for field in fields]), _together([field.facts for field in fields]), warm)

    def _restored(self, shown: Shown, field: int, seconds: float | None, keeper_of: KeeperOf) -> Restored:
        def keeper(layout: str) -> Keeper:
            return keeper_of(f"field{field}-{layout}")

        warm: Sequence[Any] | None = shown.warm
        lines = dataclasses.replace(
            shown,
            observation=_lines(shown.observation, field),
            known=None if shown.known is None else _lines(shown.known, field),
            warm=None if warm is None else warm[field],
        )
        return self._restoring(lines, seconds, keeper)


def _lines(frames: Tensor, field: int) -> Tensor:
    """Return every second line of frames (T, C, H, W)."""
    return frames[:, :, field::FIELDS].contiguous()


def _woven(fields: Sequence[Tensor]) -> Tensor:
    """Return frames of the lines of two fields, each (T, C, H / 2, W), the first with one more if H is odd."""
    count, channels, _, width = fields[0].shape
    frames = torch.empty(count, channels, sum(field.shape[2] for field in fields), width, dtype=fields[0].dtype)
    for number, field in enumerate(fields):
        frames[:, :, number::FIELDS] = field
    return frames


def _together(facts: Sequence[Facts]) -> Facts:
    return Facts(
        outcome=facts[0].outcome,
        steps=[step for one in facts for step in one.steps],
        steps_done=[step for one in facts for step in one.steps_done],
        fitting_seconds=sum(one.fitting_seconds for one in facts),
        seconds=sum(one.seconds for one in facts),
        restarts=sum(one.restarts for one in facts),
    )
