"""The way of tasks on photos."""
