"""`python -m pipcli` and the `pip-restore` script."""

import sys
from typing import NoReturn


def main() -> NoReturn:
    """Run the command line of this process."""
    try:
        from pipcli.cli import app
    except KeyboardInterrupt:
        # So early that the handlers, which are imported here, are not yet in place.
        sys.exit(130)
    app.main()


if __name__ == "__main__":
    main()
