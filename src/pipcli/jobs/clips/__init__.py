"""Tasks on clips."""
