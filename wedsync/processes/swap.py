"""Puts a restored cluster in the place of the one that stands: two renames, which a crash may come between.

What is to be done is written down first, so that whoever holds the data folder next goes on with it. Without that the
next start would find no cluster, make an empty one, and nobody would miss the data before the couples do.
"""

import os
from pathlib import Path
from typing import Final

import msgspec
import structlog

from wedsync.kit.config_secrets import write_private
from wedsync.processes.failures import EngineFailed

log = structlog.get_logger("restore")
NOTE: Final = "restore-swap.json"
"""In the data folder, from before the first rename until after the second."""


class Swap(msgspec.Struct, frozen=True, kw_only=True):
    """Folders: `draft` goes to `place`; what stands there goes to `before`."""

    draft: str
    place: str
    before: str


def put(data_dir: Path, *, draft: Path, place: Path, before: Path) -> Path | None:
    """Put `draft` in place; returns where that is which stood there, None where nothing did."""
    plan(data_dir, draft=draft, place=place, before=before)
    finish(data_dir)
    return before if before.exists() else None


def plan(data_dir: Path, *, draft: Path, place: Path, before: Path) -> None:
    """From here on it is done, whatever happens to this process."""
    swap = Swap(draft=str(draft), place=str(place), before=str(before))
    write_private(data_dir / NOTE, msgspec.json.encode(swap) + b"\n")
    _kept(data_dir)


def finish(data_dir: Path) -> bool:
    """Do what is written down and not done yet; whether there was any. Raises EngineFailed where that cannot be."""
    try:
        swap = msgspec.json.decode((data_dir / NOTE).read_bytes(), type=Swap)
    except FileNotFoundError:
        return False
    draft, place, before = Path(swap.draft), Path(swap.place), Path(swap.before)
    try:
        if draft.exists():
            _cleared(place, before)
            draft.rename(place)
            _kept(place.parent)
    except OSError as problem:
        raise EngineFailed(
            f"A restored cluster lies in {draft} and could not be put in {place}: {problem}. Mend that and start "
            f"again, or remove {data_dir / NOTE} to go on with what lies in {place} (before it was in {before})."
        ) from problem
    (data_dir / NOTE).unlink()
    log.info("restore_in_place", place=place.name)
    return True


def _cleared(place: Path, before: Path) -> None:
    """An empty folder is none: whoever asks where the cluster lies makes it."""
    if not place.exists():
        return
    if any(place.iterdir()):
        place.rename(before)
    else:
        place.rmdir()


def _kept(folder: Path) -> None:
    """The names in it are on the disk."""
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
