"""The words of lists of clients, from the TOML files beside this one: CRMs, headers, stages, kinds of jobs."""

import tomllib
from collections.abc import Mapping
from importlib import resources
from typing import Any, Final

import msgspec

from wedsync.clients.model import Stage
from wedsync.guests.importing.sheet import Subject
from wedsync.guests.importing.vocabulary import Source, Target, normal_word, spaceless


def _load(name: str) -> Any:
    return tomllib.loads(resources.files(__package__).joinpath(name).read_text("utf-8"))


_WORDS = _load("words.toml")
SOURCES: Final = msgspec.convert(_load("sources.toml")["source"], type=tuple[Source, ...])
LABELS: Final[Mapping[str, str]] = {one.name: one.label for one in SOURCES} | {"spreadsheet": "Spreadsheet"}
ALIASES: Final[Mapping[str, str]] = spaceless(
    (alias, target) for target, aliases in _WORDS["headers"].items() for alias in aliases
)
UNSURE: Final = frozenset(_WORDS["unsure"]["headers"])
STAGE_WORDS: Final[Mapping[str, Stage]] = msgspec.convert(
    {normal_word(word): stage for stage, words in _WORDS["stages"].items() for word in words}, type=dict[str, Stage]
)
WEDDING_WORDS: Final[tuple[str, ...]] = tuple(_WORDS["weddings"]["words"])
BETWEEN: Final[tuple[str, ...]] = tuple(_WORDS["couples"]["between"])
BESIDES: Final = frozenset(_WORDS["couples"]["besides"])
CLIENTS: Final = Subject(
    "client list",
    "client",
    "clients",
    frozenset(ALIASES) | {header for source in SOURCES for header in source.columns},
)
TARGETS: Final[Mapping[str, Target]] = {
    target.name: target
    for target in (
        Target("couple", "Names of both, in one cell"),
        Target("name", "Name"),
        Target("first_name", "First name"),
        Target("last_name", "Last name"),
        Target("partner_name", "Partner's name"),
        Target("partner_first_name", "Partner's first name"),
        Target("partner_last_name", "Partner's last name"),
        Target("email", "E-mail", many=True),
        Target("partner_email", "Partner's e-mail"),
        Target("phone", "Phone", many=True),
        Target("partner_phone", "Partner's phone"),
        Target("wedding_on", "Date of the wedding"),
        Target("venue", "Venue", many=True),
        Target("package", "Package"),
        Target("stage", "Stage"),
        Target("note", "Notes", many=True),
        Target("project", "Name of the job, where there are no names"),
        Target("job_type", "Kind of job: only weddings come in"),
        Target("external_id", "Number in your CRM"),
        Target("private", "Money: never brought in", many=True),
        Target("ignore", "Leave out", many=True),
    )
}
OUT: Final = frozenset({"ignore", "private"})
NAMES: Final = frozenset({"couple", "name", "first_name", "last_name", "partner_name", "partner_first_name", "project"})
