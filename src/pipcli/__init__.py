"""pip-restore: restore a degraded photo or clip with an untrained network that is fitted to that file alone."""

__version__ = "0.2.0"
