"""What can be refused about a clip and its outputs before anything is decoded, which takes long."""

from __future__ import annotations

from pathlib import Path

from pipcli.media.clips.containers import examine, kind_for
from pipcli.media.publishing import check_output, check_output_folder


def check_clip(path: Path) -> None:
    """Refuse what is not a clip, as its first bytes tell; a folder is looked at later.

    Raises:
        UnusableInputError: it cannot be read, is no clip, or is cut off.
    """
    if not path.is_dir():
        examine(path)


def check_clip_output(output: Path, source: Path, *, overwrite: bool) -> None:
    """Refuse an output, a file or a folder of pictures, that could not be published whatever is in it.

    Args:
        output: whose suffix names the container.
        source: the input.
        overwrite: whether what exists already may be replaced.

    Raises:
        OutputRefusedError: the message says why, and what would be right.
    """
    if kind_for(output) == "folder":
        check_output_folder(output, source, None, overwrite=overwrite)
    else:
        check_output(output, source, overwrite=overwrite)
