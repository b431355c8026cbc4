"""What a connector says about itself in manifest.toml: from it come its settings page, limits, docs and fake.

Connectors are found by looking for manifests, so no list has to be kept: add a folder and it is there.
"""

import tomllib
from importlib import import_module
from importlib.resources import files
from types import ModuleType
from typing import Literal

import msgspec

PACKAGE = "wedsync.connectors"

Status = Literal["verified", "documented, untested live", "needs partner credentials", "import only"]
Ability = Literal["delivers"]


class Value(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One value of a connection, as its settings page asks for it."""

    name: str
    title: str
    description: str


class Limits(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What the engine keeps to for each destination. `live_timeout_s` counts while the wedding is live."""

    timeout_s: float
    live_timeout_s: float
    in_flight_max: int
    rate_per_minute: int


class FakeNote(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Where the sandbox shows this connector's fake, and what a visitor finds there.

    `kind` is the heading of its group; what has calendars needs none.
    """

    title: str
    path: str
    description: str
    kind: str = ""


class Manifest(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    name: str
    title: str
    summary: str
    status: Status
    does: tuple[Ability, ...]
    limits: Limits
    operator_settings: tuple[str, ...] = ()
    operator_secrets: tuple[str, ...] = ()
    settings: tuple[Value, ...] = ()
    secrets: tuple[Value, ...] = ()
    fake: FakeNote | None = None


def find(package: str = PACKAGE) -> dict[str, Manifest]:
    """Every connector's manifest by name. Raises ValueError naming the file that is wrong."""
    found: dict[str, Manifest] = {}
    for folder in sorted(files(package).iterdir(), key=lambda entry: entry.name):
        path = folder / "manifest.toml"
        if not path.is_file():
            continue
        try:
            manifest = msgspec.convert(tomllib.loads(path.read_text("utf-8")), Manifest)
        except (tomllib.TOMLDecodeError, msgspec.ValidationError) as cause:
            raise ValueError(f"{path}: {cause}") from cause
        if manifest.name != folder.name:
            raise ValueError(f"{path}: the name must be {folder.name!r}, as the folder is called.")
        found[manifest.name] = manifest
    return found


def module(name: str, part: str, package: str = PACKAGE) -> ModuleType:
    """A connector's `connector` or `fake` module: the one place where a connector is imported by name."""
    return import_module(f"{package}.{name}.{part}")
