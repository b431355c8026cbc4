"""What stands in for what: the ladders of this installation, read from the connectors' manifests and the settings."""

from collections.abc import Mapping, Sequence
from typing import Annotated, Final

import msgspec
from msgspec import Meta

from wedsync.connections.mailing.chain import chain_of
from wedsync.connections.manifest import Manifest
from wedsync.kit.config import Settings
from wedsync.operations.health.model import Facts

IN_APP: Final = "in the app"
MAIL: Final = "e-mail"


class Fallback(msgspec.Struct, frozen=True, kw_only=True):
    """One row of the table. `steps` in order; `now` is the one in use, as far as it is known here."""

    what: str
    steps: tuple[str, ...]
    when: str
    drill: Annotated[str, Meta(description="The test that plays it, in the source.")]
    now: str | None = None


def ladders(settings: Settings, manifests: Mapping[str, Manifest], facts: Facts | None = None) -> list[Fallback]:
    """Every row. With `facts` also what stands in at this moment."""
    return [
        _mail(settings, manifests, facts),
        *_phones(manifests),
        *_chats(manifests),
        *_polls(manifests),
        Fallback(
            what="Live screens",
            steps=("socket", "catching up from the log", "the page asks"),
            when="A socket breaks: it comes back with its position, and misses nothing.",
            drill="tests/contracts/test_gateway_resume.py",
        ),
        Fallback(
            what="Word of a commit",
            steps=("Valkey", "polling PostgreSQL every 250 ms to 1 s"),
            when="Valkey is away: everything goes on, a little later.",
            drill="tests/contracts/test_valkey.py",
        ),
        Fallback(
            what="The clock and the workers",
            steps=("the one that leads", "another within seconds"),
            when="A process ends: its leases lapse within a minute and another takes its work.",
            drill="tests/crash/test_worker_crashes.py",
        ),
        Fallback(
            what="The database",
            steps=("primary", "standby", "restore from the backup and the archived log"),
            when="The bundled one's standby (`wedsync up --standby`) takes over by itself; others' are promoted by "
            "whoever runs them, and found within seconds.",
            drill="tests/crash/test_failover.py",
        ),
    ]


def _mail(settings: Settings, manifests: Mapping[str, Manifest], facts: Facts | None) -> Fallback:
    named = chain_of(settings, manifests)
    well = [one.name for one in facts.mail if not one.is_down] if facts is not None else []
    return Fallback(
        what="E-mail",
        steps=(*(manifests[name].title for name in named), IN_APP),
        when="A provider refuses, is silent for 2 s, or its breaker is open: the next one takes the same mail.",
        drill="tests/contracts/test_mailing.py",
        now=manifests[well[0]].title if well and well[0] in manifests else None,
    )


def _phones(manifests: Mapping[str, Manifest]) -> list[Fallback]:
    return [
        Fallback(
            what=f"Texts by {one.title}",
            steps=("text", "call", MAIL, IN_APP),
            when="A text is refused or not answered in time: its notice climbs to the next channel.",
            drill="tests/contracts/test_alerts.py",
        )
        for one in manifests.values()
        if one.phones is not None
    ]


def _chats(manifests: Mapping[str, Manifest]) -> Sequence[Fallback]:
    named = [one.title for one in manifests.values() if one.chats is not None]
    if not named:
        return ()
    return (
        Fallback(
            what="Chat",
            steps=(*named, MAIL, IN_APP),
            when="A channel is not there any more, or its account is to be connected again.",
            drill="tests/contracts/test_chats.py",
        ),
    )


def _polls(manifests: Mapping[str, Manifest]) -> Sequence[Fallback]:
    """What tells by itself, and is asked all the same in case it does not."""
    found = []
    for one in manifests.values():
        note = one.calendars or one.records
        if one.hooks is not None and note is not None:
            found.append(
                Fallback(
                    what=one.title,
                    steps=("its hooks", f"asked every {_duration(note.poll_s)}"),
                    when="Its hooks do not come: what changed is found when it is asked.",
                    drill=f"tests/connectors/test_{'calendars' if one.calendars else 'records'}.py",
                )
            )
    return found


def _duration(seconds: int) -> str:
    return f"{seconds // 60} min" if seconds >= 60 else f"{seconds} s"
