"""The secrets that a profile without a real wedding makes for itself, once, in `data_dir/secrets.json` (mode 0600)."""

import fcntl
import os
import secrets
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Final

import msgspec

from wedsync.kit.seal import KeyRing

MAKERS: Final[Mapping[str, Callable[[], str]]] = {
    "jwt_secret": lambda: secrets.token_urlsafe(48),
    "seal_keys": KeyRing.new_setting,
    "couples_webhook_secret": lambda: secrets.token_urlsafe(48),
}


def kept_secrets(data_dir: Path) -> dict[str, str]:
    """Every secret of MAKERS: read, or made and kept. Processes that start at the same instant agree."""
    return kept_values(data_dir, "secrets.json", MAKERS)


def kept_values(data_dir: Path, filename: str, makers: Mapping[str, Callable[[], str]]) -> dict[str, str]:
    """The values of one private file in the data folder; whatever is missing is made."""
    # 0711: the engines' own user may pass through to its folder, and nobody may list what else is here.
    data_dir.mkdir(parents=True, exist_ok=True, mode=0o711)
    path = data_dir / filename
    with _one_at_a_time(data_dir):
        kept = msgspec.json.decode(path.read_bytes(), type=dict[str, str]) if path.exists() else {}
        missing = {name: make() for name, make in makers.items() if name not in kept}
        if missing:
            kept |= missing
            write_private(path, msgspec.json.format(msgspec.json.encode(kept)) + b"\n")
    return kept


def write_private(path: Path, content: bytes) -> None:
    """Replace a file at one stroke; its owner alone may read it."""
    draft = path.with_name(f".{path.name}.{os.getpid()}")
    draft.unlink(missing_ok=True)
    with os.fdopen(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())
    draft.replace(path)


@contextmanager
def _one_at_a_time(folder: Path) -> Iterator[None]:
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield
    finally:
        os.close(descriptor)
