"""What the runs of `quality.py` come to: means, the worst, and how far seeds differ. Loads nothing that is slow."""

from collections.abc import Iterable
from typing import Any

Row = dict[str, Any]


def means(rows: list[Row]) -> list[Row]:
    """Return the means over pictures and seeds of each kind, level and method, with the worst of them."""
    groups: dict[tuple[str, float, str], list[Row]] = {}
    for row in rows:
        groups.setdefault((row["noise"], row["level"], row["method"]), []).append(row)
    return [
        dict(zip(("noise", "level", "method"), group, strict=True)) | summary(same) for group, same in groups.items()
    ]


def summary(rows: list[Row]) -> Row:
    """Return the means of rows of one kind, level and method; None where no row has a number."""
    gains = [row["psnr"] - row["psnr_input"] for row in rows]
    losses = [row["loss"] for row in rows if row.get("loss") is not None]
    return {
        "runs": len(rows),
        "pictures": len({row["picture"] for row in rows}),
        "seeds": len({row["seed"] for row in rows}),
        "psnr": mean(row["psnr"] for row in rows),
        "ssim": mean(row["ssim"] for row in rows),
        "psnr_prior": mean(row.get("psnr_prior") for row in rows),
        "gain": mean(gains),
        "worst_gain": min(gains),
        "loss": mean(losses),
        "worst_loss": max(losses, default=None),
        "seed_range": seed_range(rows),
        "seconds": mean(row["seconds"] for row in rows),
    }


def mean(values: Iterable[float | None]) -> float | None:
    """Return the mean of the numbers among some values; None where there is none."""
    numbers = [value for value in values if value is not None]
    return sum(numbers) / len(numbers) if numbers else None


def seed_range(rows: list[Row]) -> float | None:
    """Return by how many dB the seeds of one picture differ at most; None where each has one seed."""
    by_picture: dict[str, list[float]] = {}
    for row in rows:
        by_picture.setdefault(row["picture"], []).append(row["psnr"])
    return max((max(values) - min(values) for values in by_picture.values() if len(values) > 1), default=None)
