"""pip-restore: restore one degraded picture with an untrained generator fitted to that picture alone."""

__version__ = "0.1.0"
