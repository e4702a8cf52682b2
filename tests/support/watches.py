"""Watches that ask for an end."""

from pipcli.watch import Progress, Unwatched


class Ending(Unwatched):
    """Asks for an end as soon as it has been asked more than so many times, and writes down what it is told."""

    def __init__(self, after: int = 0) -> None:
        self.after = after
        self.asked = 0
        self.told: list[Progress] = []

    def progress(self, progress: Progress) -> None:
        """Write the progress down."""
        self.told.append(progress)

    def must_end(self) -> bool:
        """Return whether to end now."""
        self.asked += 1
        return self.asked > self.after
