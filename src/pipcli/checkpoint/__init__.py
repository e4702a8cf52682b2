"""Checkpoints of long work: files in a hidden folder, from which a later run continues.

A manifest names each file with its checksum, and what the work was asked to do: the folder serves that work alone. A
file is written whole or not at all, and counts from the moment that the manifest names it. Outputs, which lie
elsewhere, are named there before they get their names, so that work that goes on may replace its own. One process has
the folder at a time, by a lock that the system takes back when the process is gone, however it went.

The folder may have been put there by somebody else: it is ours only if its manifest says so and nothing else is in it,
no link is followed, nothing is removed that we could not have written, and what is read is looked at before it is used.
"""

from pipcli.checkpoint.kept import Kept
from pipcli.checkpoint.manifest import LOCK, MANIFEST, Identity
from pipcli.checkpoint.outputs import checksum, checksum_of, folder_beside, replaceable

__all__ = ["LOCK", "MANIFEST", "Identity", "Kept", "checksum", "checksum_of", "folder_beside", "replaceable"]
