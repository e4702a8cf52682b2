"""pip-restore: restore a degraded photo or clip with an untrained network that is fitted to that file alone."""

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from pipcli.api import Restoration, restore

__version__ = "0.2.0"
__all__ = ["Restoration", "__version__", "restore"]


def __getattr__(name: str) -> Any:
    """Load the Python interface when it is asked for: the command's help does without numpy and torch."""
    if name in ("Restoration", "restore"):
        from pipcli import api

        return getattr(api, name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
