"""`wedsync import clients`: a list of a business's clients, or every list that a program puts into a folder.

It runs where the lists are (the photographer's own machine) and speaks to WedSync as any program does, with a key. What
was taken is remembered in the folder, by its bytes: a list is brought in once, whatever it is called and however often
this begins anew. A list that WedSync refuses is told and left alone until it changes.
"""

import asyncio
import hashlib
import os
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final
from urllib.parse import urlencode
from uuid import UUID

import msgspec

from wedsync.processes import remote
from wedsync.processes.failures import CannotRun
from wedsync.processes.remote import Away, Refused
from wedsync.processes.stopping import stop_on_signals

KEPT_IN: Final = ".wedsync-taken.json"
ENDINGS: Final = frozenset({".csv", ".tsv", ".txt", ".xlsx"})
BYTES_MAX: Final = 20 * 1024 * 1024
LOOK_S: Final = 5.0
KEPT_MAX: Final = 5000
ERRORS_SHOWN: Final = 20


class Look(msgspec.Struct, frozen=True):
    """A file as it stood: two looks that are alike tell that nobody writes it any more."""

    bytes: int
    changed_ns: int


class Watch(msgspec.Struct, kw_only=True):
    """A folder that is watched. `taken`: the digest of each list that came to an end, and which end; `ended`: how each
    file stood then, so that it is not read again every few seconds."""

    folder: Path
    business: UUID
    choices: str = ""
    seen: dict[str, Look] = {}
    ended: dict[str, Look] = {}
    taken: dict[str, str] = {}


async def run(
    *, file: Path | None, watch: Path | None, supplier: str, choices: str, is_dry_run: bool, url: str, token: str
) -> int:
    """0 when it is in (or would be), 1 when it was refused; a folder is watched until Ctrl-C. Raises CannotRun."""
    business = remote.id_of(supplier)
    if (file is None) == (watch is None):
        raise CannotRun("Name one list of clients, or a folder of them with --watch.")
    if choices:
        _check_choices(choices)
    async with remote.opened(url, token) as api:
        if watch is not None:
            return await _watched(api, opened(watch, business, choices))
        assert file is not None
        return await _one(api, business, file, choices, is_dry_run=is_dry_run)


def opened(folder: Path, business: UUID, choices: str = "") -> Watch:
    """Raises CannotRun where it is no folder, or what was remembered cannot be read."""
    if not folder.is_dir():
        raise CannotRun(f"{folder} is no folder. Name the one that your program puts its exports into.")
    kept = folder / KEPT_IN
    try:
        taken = msgspec.json.decode(kept.read_bytes(), type=dict[str, str]) if kept.exists() else {}
    except (OSError, msgspec.DecodeError) as error:
        raise CannotRun(
            f"{kept} cannot be read ({error}). Delete it; every list is then brought in once more."
        ) from error
    return Watch(folder=folder, business=business, choices=choices, taken=taken)


async def look(api: remote.Api, watch: Watch) -> list[str]:
    """Look once: bring in what is new and no longer written; returns what became of each, in words. Raises CannotRun
    where WedSync does not let us in: no later look would go better."""
    told: list[str] = []
    now = await asyncio.to_thread(_files, watch.folder)
    settled = [name for name, at in now.items() if watch.seen.get(name) == at and watch.ended.get(name) != at]
    watch.seen = now
    watch.ended = {name: at for name, at in watch.ended.items() if name in now}
    for name in settled:
        if now[name].bytes > BYTES_MAX:
            watch.ended[name] = now[name]
            told.append(f"{name}: it is larger than 20 MiB, and left alone until it changes.")
            continue
        data = await asyncio.to_thread(_read, watch.folder / name)
        if data is None:
            continue  # gone, or not ours to read yet: the next look tries again
        digest = hashlib.sha256(data).hexdigest()
        if digest in watch.taken:
            watch.ended[name] = now[name]
            continue
        try:
            words = _words(await _import(api, watch.business, name, data, watch.choices))
        except Away as error:
            # It is still there at the next look.
            watch.seen.pop(name, None)
            return [*told, f"{name}: {error} Trying again."]
        except Refused as error:
            if error.status in (401, 403, 404):
                raise
            words = str(error)
        watch.taken[digest], watch.ended[name] = words, now[name]
        await asyncio.to_thread(_keep, watch)
        told.append(f"{name}: {words}")
    return told


async def _watched(api: remote.Api, watch: Watch) -> int:
    stop = asyncio.Event()
    stop_on_signals(stop)
    sys.stdout.write(f"Watching {watch.folder} for lists of clients. Ctrl-C ends it.\n")
    while not stop.is_set():
        for line in await look(api, watch):
            sys.stdout.write(f"{line}\n")
        sys.stdout.flush()
        try:
            async with asyncio.timeout(LOOK_S):
                await stop.wait()
        except TimeoutError:
            continue
    return 0


async def _one(api: remote.Api, business: UUID, file: Path, choices: str, *, is_dry_run: bool) -> int:
    data = await asyncio.to_thread(_read, file)
    if data is None:
        raise CannotRun(f"{file} cannot be read, or is larger than 20 MiB. Check the path.")
    try:
        done = await _import(api, business, file.name, data, choices, is_dry_run=is_dry_run)
    except Refused as error:
        sys.stdout.write(f"{error}\n")
        return 1
    sys.stdout.write(f"{_words(done, would=is_dry_run)}\n")
    for issue in done["errors"][:ERRORS_SHOWN]:
        where = f"Row {issue['row']}, {issue['column']}" if issue["column"] else f"Row {issue['row']}"
        sys.stdout.write(f"  {where}: {issue['reason']}\n")
    return 0


async def _import(
    api: remote.Api, business: UUID, name: str, data: bytes, choices: str, *, is_dry_run: bool = False
) -> dict[str, Any]:
    query = {"filename": name[:255], **({"choices": choices} if choices else {})}
    query |= {"dry_run": "true"} if is_dry_run else {}
    path = f"/api/v1/suppliers/{business}/clients/import?{urlencode(query)}"
    return await api.send("POST", path, data, content_type="application/octet-stream")


def _words(done: Mapping[str, Any], *, would: bool = False) -> str:
    words = (
        f"{done['rows']} rows: {done['created']} new, {done['updated']} changed, {done['skipped']} as they are, "
        f"{done['rejected']} not read."
    )
    return f"{words} Nothing was changed." if would else words


def _check_choices(text: str) -> None:
    try:
        msgspec.json.decode(text, type=dict[str, Any])
    except msgspec.DecodeError as error:
        raise CannotRun('--choices is no JSON object. Write it like {"dates": "day_first"}.') from error


def _files(folder: Path) -> dict[str, Look]:
    """Lists by their names; what programs write beside them meanwhile begins with a dot or ~, or ends otherwise."""
    found: dict[str, Look] = {}
    with os.scandir(folder) as entries:
        for entry in entries:
            is_odd = entry.name.startswith((".", "~")) or Path(entry.name).suffix.lower() not in ENDINGS
            if not is_odd and entry.is_file(follow_symlinks=False):
                stands = entry.stat()
                found[entry.name] = Look(stands.st_size, stands.st_mtime_ns)
    return dict(sorted(found.items(), key=lambda one: (one[1].changed_ns, one[0])))


def _read(path: Path) -> bytes | None:
    """None where it is gone meanwhile, or larger than any list may be."""
    try:
        return path.read_bytes() if path.stat().st_size <= BYTES_MAX else None
    except OSError:
        return None


def _keep(watch: Watch) -> None:
    """All of it or nothing: a machine that is switched off just then remembers what it did before. Raises CannotRun
    where nothing can be written: without it every list would be brought in at each beginning."""
    newest = dict(list(watch.taken.items())[-KEPT_MAX:])
    kept = watch.folder / KEPT_IN
    beside = kept.with_name(f"{KEPT_IN}.new")
    try:
        beside.write_bytes(msgspec.json.encode(newest))
        beside.replace(kept)
    except OSError as error:
        raise CannotRun(f"{kept} cannot be written ({error}). Give WedSync the right to write there.") from error
