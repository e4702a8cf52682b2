"""`python -m pipcli` and the `pip-restore` script."""

from pipcli.cli.app import main

__all__ = ["main"]

if __name__ == "__main__":
    main()
