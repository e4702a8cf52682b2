"""The way of tasks on clips."""
