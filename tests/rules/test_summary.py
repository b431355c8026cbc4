"""The summary of `wedsync up`: every link whole, on a line of its own, and nothing that is not there."""

import io
from pathlib import Path

from rich.console import Console

from wedsync.kit.config import Settings
from wedsync.processes import summary

LINK = "http://127.0.0.1:8000/sign-in/" + "x" * 120
SETTINGS = Settings(
    data_dir=Path("/var/lib/wedsync"),
    public_url="http://127.0.0.1:8000",
    gateway_url="ws://127.0.0.1:8001",
    sandbox_url="http://127.0.0.1:8002",
)


def shown(settings: Settings = SETTINGS, demo: dict[str, object] | None = None, notes: tuple[str, ...] = ()) -> str:
    out = io.StringIO()
    summary.show(settings, demo, notes=notes, took_s=4.25, console=Console(file=out, width=40))
    return out.getvalue()


def test_a_link_is_whole_on_a_narrow_terminal() -> None:
    text = shown(demo={"couple": {"login_url": LINK}, "rsvp_url": LINK, "wedding_id": "1"})
    assert f"couple              {LINK}\n" in text
    assert f"a guest             {LINK}\n" in text
    assert "helper" not in text


def test_addresses_and_notes_are_told_and_no_demo_that_is_not() -> None:
    text = shown(notes=("Its data is in /var/lib/wedsync/postgres-[1a2b], for the account cannot enter here.",))
    assert "Pages and API       http://127.0.0.1:8000\n" in text
    assert "Realtime            ws://127.0.0.1:8001/realtime/v1\n" in text
    assert "Logs                /var/lib/wedsync/log\n" in text
    assert "postgres-[1a2b]" in text
    assert "Sign in" not in text


def test_a_real_profile_has_no_sandbox() -> None:
    live = Settings(env="production", log_to="terminal", public_url="https://w.example", gateway_url="wss://w.example")
    text = shown(live)
    assert "Sandbox" not in text
    assert "Logs" not in text
