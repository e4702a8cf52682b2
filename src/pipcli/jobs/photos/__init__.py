"""Tasks on photos."""
