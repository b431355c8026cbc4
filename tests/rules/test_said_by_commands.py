"""What commands and start-up say in words, for the cases that are seldom seen."""

from datetime import UTC, datetime, timedelta
from types import SimpleNamespace
from typing import Any
from uuid import UUID

import msgspec
import pytest

from wedsync.connections import manifest as manifests
from wedsync.connections.manifest import Manifest
from wedsync.events.catalogue import Catalogue
from wedsync.kit import config_checks
from wedsync.kit.config import Settings
from wedsync.kit.http import Failure, Reply, Timing
from wedsync.operations.freeze import model as freeze
from wedsync.operations.modes.model import PlatformModes, Shedding
from wedsync.operations.slo import scores
from wedsync.processes import doctor, forwarding, freezing, modes_command, registry, trigger
from wedsync.processes.demo_providers import pointed
from wedsync.processes.drills import report
from wedsync.processes.failures import CannotRun
from wedsync.web import respond
from wedsync.web.admission import WORDS

NOW = datetime(2027, 6, 1, 12, tzinfo=UTC)
NO_TIME = Timing(resolve_ms=0.0, first_byte_ms=0.0, total_ms=7.0, address="")


@pytest.mark.parametrize(
    ("url", "is_local"),
    [
        ("unix:///run/valkey.sock", True),
        ("postgresql:///x?host=/run/postgresql", True),
        ("postgresql://127.0.0.1/x", True),
        ("postgresql://db1,127.0.0.1/x", False),
    ],
)
def test_whether_an_address_stays_on_this_machine(url: str, is_local: bool) -> None:
    assert config_checks.is_local(url) is is_local


def test_a_word_that_is_no_day_is_named() -> None:
    settings = msgspec.structs.replace(Settings(), freeze_guarded=("saturday", "12-31", "someday", "13-45"))
    assert ["'someday'" in said or "'13-45'" in said for said in config_checks._days(settings)] == [True, True]


def test_the_demos_providers_are_the_sandbox_but_for_those_that_are_configured() -> None:
    own = {
        **{f"{name}_client_id": "ours" for name in OAUTH},
        "twilio_account_sid": "ours",
        "teams_hosts": "ours.example",
        "teams_graph_base_url": "https://ours.example",
        "icloud_calendar_base_url": "https://ours.example",
        "tave_base_url": "https://ours.example",
        "light_blue_base_url": "https://ours.example",
        "open_meteo_base_url": "https://ours.example",
    }
    configured = msgspec.structs.replace(Settings(), **own)
    assert pointed(configured) == configured
    bare = pointed(Settings())
    at = Settings().sandbox_url
    assert all(getattr(bare, f"{name}_token_url").startswith(at) for name in OAUTH if name != "stripe")
    assert bare.stripe_base_url == f"{at}/stripe"
    mixed = pointed(msgspec.structs.replace(Settings(), mailchimp_client_id="ours"))
    assert mixed.mailchimp_metadata_url == Settings().mailchimp_metadata_url
    assert mixed.slack_client_id == bare.slack_client_id


OAUTH = (
    "google_calendar",
    "outlook_calendar",
    "stripe",
    "honeybook",
    "tripleseat",
    "constant_contact",
    "mailchimp",
    "slack",
)


def test_when_a_frozen_platform_may_be_changed_again() -> None:
    def said(window: Any) -> str:
        verdict: Any = SimpleNamespace(next_window=window, at=NOW)
        return freezing._next(verdict)

    window = freeze.Window(starts_at=NOW, ends_at=NOW + timedelta(hours=3))
    assert "not known" in said(None)
    assert said(window).startswith("It may be changed now")
    later = msgspec.structs.replace(window, starts_at=NOW + timedelta(hours=1))
    assert said(later).startswith("It may be changed again from Tue 01 Jun 2027 13:00 UTC")


def test_the_modes_and_what_a_late_web_sends_away() -> None:
    calm = modes_command.told(PlatformModes(items=[]))
    assert calm == ["No mode was entered in the last 30 days.", "Nothing is sent away: the web is on time."]
    late = Shedding(process_id=UUID(int=1), level=2, since=NOW, total=41)
    _, line = modes_command.told(PlatformModes(items=[], shedding=[late]))
    assert line == f"shedding  since Tue 01 Jun 12:00 UTC, level 2, 41 sent away: {WORDS[2]}"


def test_figures_of_nothing() -> None:
    assert report.spread([]) == report.Spread(0, 0.0, 0.0, 0.0, 0.0)
    assert (scores.wilson(0, 0), scores.mean([None]), scores.component(0, 0)) == (0.0, None, None)


FENCES = dict.fromkeys(("is_built", "refuses_ddl", "sees_sessions", "counts_statements"), True)


def test_the_doctor_on_fences_and_ports() -> None:
    assert doctor.fences({**FENCES, "is_built": False}, Settings()) == []
    assert [one.level for one in doctor.fences(FENCES, Settings())] == ["fine"]
    live = msgspec.structs.replace(Settings(), env="production")
    assert [one.level for one in doctor.fences({**FENCES, "refuses_ddl": False}, live)] == ["warning"]
    nobody = msgspec.structs.replace(live, port=1, gateway_port=1)
    (found,) = doctor._ports(nobody, is_running=True)
    assert (found.level, "gateway, web" in found.text) == ("warning", True)
    unset = msgspec.structs.replace(live, port=0, gateway_port=0)
    assert [one.level for one in doctor._ports(unset, is_running=False)] == ["fine"]


def test_only_https_is_promised_for_a_year() -> None:
    plain = msgspec.structs.replace(Settings(), public_url="http://127.0.0.1:8000")
    safe = msgspec.structs.replace(Settings(), public_url="https://wedsync.example")
    promised = [
        "Strict-Transport-Security" in respond.standing(one.gateway_url, has_tls=one.has_tls) for one in (plain, safe)
    ]
    assert promised == [plain.has_tls, safe.has_tls]


def reply(status: int) -> Reply:
    return Reply(status=status, headers={}, body=b"", ending="whole", timing=NO_TIME)


def test_a_program_that_was_forwarded_to_answers_in_words() -> None:
    gone = Failure(kind="refused", reason="Nobody listens there.", may_have_arrived=False, timing=NO_TIME)
    assert forwarding.told(gone).startswith("Nobody listens there.")
    assert forwarding.told(reply(204)) == "204 in 7 ms"
    assert forwarding.told(reply(500)).startswith("500 in 7 ms. Your receiver failed")
    assert [forwarding.is_taken(one) for one in (gone, reply(204), reply(500))] == [False, True, False]
    for url in ("localhost:3000", "ftp://a.test", "http://"):
        with pytest.raises(CannotRun, match="is not an address"):
            forwarding.checked(url)


@pytest.mark.parametrize(
    ("delivery", "attempts", "taken", "said"),
    [
        ({"state": "pending"}, [], False, "Still on its way"),
        ({"state": "delivered"}, [{"status": 204, "total_ms": 7.0}], True, "-> 204 in 7 ms"),
        ({"state": "failed", "reason": "It answered 500."}, [{"status": 500, "detail": ""}], False, "It answered 500."),
        ({"state": "failed", "reason": "No such name."}, [], False, "No such name."),
    ],
)
def test_what_came_of_a_made_up_event(
    delivery: dict[str, Any], attempts: list[Any], taken: bool, said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    found = {"delivery": {"type": "rsvp.replied", "reason": "", **delivery}, "attempts": attempts}
    assert trigger._told(found) == (trigger.TAKEN if taken else trigger.NOT_TAKEN)
    assert said in capsys.readouterr().out


@pytest.mark.parametrize(
    ("asked", "said"),
    [
        ({}, "Name an endpoint"),
        ({"endpoint": "x", "forward": "http://a.test"}, "Name an endpoint"),
        ({"forward": "http://a.test", "name": "rsvp.replid"}, "Did you mean rsvp.replied"),
        ({"forward": "http://a.test"}, "Give the secret"),
        ({"forward": "http://a.test", "secret": "short"}, "--secret"),
        ({"endpoint": "x"}, "WEDSYNC_TOKEN"),
        ({"endpoint": "x", "token": "t"}, "is not an id"),
    ],
)
async def test_a_made_up_event_that_cannot_be_sent(asked: dict[str, str], said: str) -> None:
    given = {
        "name": "rsvp.replied",
        "endpoint": "",
        "forward": "",
        "secret": "",
        "url": "http://127.0.0.1:9",
        "token": "",
    }
    with pytest.raises(CannotRun, match=said):
        await trigger.run(**given | asked)


def test_a_catalogue_refuses_doubles_and_unknown_types() -> None:
    known = registry.catalogue()
    (kind, *_), (reaction, *_) = known.types.values(), known.reactions.values()
    wrong: tuple[Any, ...] = (([kind, kind], []), ([kind], [msgspec.structs.replace(reaction, types=("none.none",))]))
    for types, reactions in wrong:
        with pytest.raises(ValueError, match=r"twice|unknown"):
            Catalogue(types, reactions)


@pytest.mark.parametrize(
    "changed",
    [{"connect": {"way": "oauth2"}}, {"does": ["connects", "watches"]}, {"does": []}],
)
def test_a_manifest_that_contradicts_itself_is_refused(changed: dict[str, Any]) -> None:
    from_disk = msgspec.to_builtins(manifests.find()["slack"])
    with pytest.raises(msgspec.ValidationError):
        msgspec.convert(from_disk | changed, Manifest)
