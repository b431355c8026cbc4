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
RESUME: Final = "tests/contracts/test_gateway_resume.py"
MAILING: Final = "tests/contracts/test_mailing.py"
CALENDAR_ASKED: Final = (
    "tests/connectors/test_calendars.py::test_another_process_resumes_from_the_cursor_and_sees_only_what_changed"
)
RECORDS_ASKED: Final = (
    "tests/connectors/test_records.py::test_pages_are_followed_and_another_process_resumes_with_only_what_changed"
)


class Fallback(msgspec.Struct, frozen=True, kw_only=True):
    """One row of the table. `steps` in order; `now` is the one in use, as far as it is known here."""

    what: str
    steps: tuple[str, ...]
    when: str
    drills: Annotated[tuple[str, ...], Meta(description="The tests that play it, in the source.")]
    now: str | None = None


def table(settings: Settings, manifests: Mapping[str, Manifest]) -> list[Fallback]:
    """Every row, as if everything had been set up: what the reference shows."""
    return _rows(manifests, _mail([one.strip() for one in settings.mail_chain.split(",")], manifests, None))


def ladders(settings: Settings, manifests: Mapping[str, Manifest], facts: Facts | None = None) -> list[Fallback]:
    """Every row of this installation. With `facts` also what stands in at this moment."""
    return _rows(manifests, _mail(chain_of(settings, manifests), manifests, facts))


def _rows(manifests: Mapping[str, Manifest], mail: Fallback) -> list[Fallback]:
    return [
        mail,
        *_phones(manifests),
        *_chats(manifests),
        *_polls(manifests),
        Fallback(
            what="Live screens",
            steps=("socket", "catching up from the log", "the page asks"),
            when="A socket breaks: it comes back with its position, and misses nothing.",
            drills=(f"{RESUME}::test_a_client_that_lost_its_socket_gets_everything_it_missed",),
        ),
        Fallback(
            what="Word of a commit",
            steps=("Valkey", "polling PostgreSQL every 250 ms to 1 s"),
            when="Valkey is away: everything goes on, a little later.",
            drills=(
                f"{RESUME}::test_with_the_feed_down_the_log_is_polled",
                "tests/contracts/test_valkey.py::test_limits_hold_while_the_server_is_away_and_are_shared_again_after",
            ),
        ),
        Fallback(
            what="The clock and the workers",
            steps=("the one that leads", "another within seconds"),
            when="A process ends: its leases lapse within a minute and another takes its work.",
            drills=("tests/crash/test_worker_crashes.py::test_a_crash_at_each_place",),
        ),
        Fallback(
            what="The database",
            steps=("primary", "standby", "restore from the backup and the archived log"),
            when="The bundled one's standby (`wedsync up --standby`) takes over by itself; others' are promoted by "
            "whoever runs them, and found within seconds.",
            drills=(
                "tests/crash/test_failover.py::test_a_killed_primary_loses_nothing_that_was_answered",
                "tests/contracts/test_restore.py::test_a_backup_comes_back_at_a_moment_after_it_whole_and_of_a_new_epoch",
                "tests/crash/test_database_crashes.py::test_stops_at_once_while_facts_are_committed_lose_none",
            ),
        ),
    ]


def _mail(named: Sequence[str], manifests: Mapping[str, Manifest], facts: Facts | None) -> Fallback:
    well = [one.name for one in facts.mail if not one.is_down] if facts is not None else []
    return Fallback(
        what="E-mail",
        steps=(*(_title(manifests[name]) for name in named), IN_APP),
        when="A provider refuses, is silent for 2 s, or its breaker is open: the next one takes the same mail.",
        drills=(f"{MAILING}::test_a_black_hole_is_stood_in_for_within_its_time_and_the_mail_may_be_a_second_one",),
        now=_title(manifests[well[0]]) if well and well[0] in manifests else None,
    )


def _title(one: Manifest) -> str:
    """With the connector's name where the title does not say it."""
    return one.title if one.name in one.title.lower() else f"{one.title} ({one.name})"


def _phones(manifests: Mapping[str, Manifest]) -> list[Fallback]:
    return [
        Fallback(
            what=one.title,
            steps=("text", "call", MAIL, IN_APP),
            when="A text is refused or not answered in time: its notice climbs to the next channel.",
            drills=(
                "tests/contracts/test_texts.py::test_what_a_landline_does_not_read_is_said_and_confirmed_by_a_key",
                "tests/contracts/test_alerts.py::test_the_first_are_called_at_once_the_others_by_the_second",
            ),
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
            when="Each is told at once, whatever becomes of the others; what a channel missed waits until it is back.",
            drills=(
                "tests/contracts/test_chats.py::test_what_waits_for_a_workspace_is_posted_when_it_lets_us_in_again",
                "tests/contracts/test_notices.py::test_a_change_reaches_suppliers_once_in_the_product_and_by_mail",
            ),
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
                    drills=(CALENDAR_ASKED if one.calendars else RECORDS_ASKED,),
                )
            )
    return found


def _duration(seconds: int) -> str:
    return f"{seconds // 60} min" if seconds >= 60 else f"{seconds} s"
