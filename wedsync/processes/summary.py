"""What `wedsync up` tells a person when everything answers: where to look, and links that sign in."""

from collections.abc import Iterable, Mapping
from typing import Any, Final

from rich.console import Console
from rich.text import Text

from wedsync.kit.config import Settings

PEOPLE: Final = ("couple", "partner", "helper", "photographer", "caterer", "venue", "operator")
NAMES_WIDTH: Final = 20


def show(
    settings: Settings,
    demo: Mapping[str, Any] | None,
    *,
    notes: Iterable[str],
    took_s: float,
    console: Console | None = None,
) -> None:
    """Print it. A link stands on one line, whatever the width, because it is copied from here."""
    console = console or Console(highlight=False)
    console.print(f"\n[bold]WedSync is ready[/] in {took_s:.1f} s, profile {settings.env}.\n")
    _lines(console, _addresses(settings))
    if demo is not None:
        console.print("\n[bold]Sign in to the demo as[/]")
        _lines(console, _people(demo))
        emails = [str(demo[who]["email"]) for who in PEOPLE if demo.get(who, {}).get("email")]
        if emails:
            console.print(Text(f"\nA token for the API: wedsync token {emails[-1]}"), soft_wrap=True)
            console.print(Text(f"or of {', '.join(emails[:-1])}"), soft_wrap=True)
    for note in notes:
        console.print(Text(f"\n{note}"), soft_wrap=True)
    console.print("\nCtrl-C stops everything.\n")
    # Into a file it would otherwise come when everything is over.
    console.file.flush()


def _addresses(settings: Settings) -> dict[str, str]:
    told = {"Pages and API": settings.public_url, "Realtime": f"{settings.gateway_url}/realtime/v1"}
    if settings.is_play:
        told["Sandbox, mailbox"] = settings.sandbox_url
    if settings.log_to == "folder":
        told["Logs"] = str(settings.data_dir / "log")
    return told


def _people(demo: Mapping[str, Any]) -> dict[str, str]:
    links = {who: demo.get(who, {}).get("login_url", "") for who in PEOPLE}
    links["a guest"] = demo.get("rsvp_url", "")
    return {who: link for who, link in links.items() if link}


def _lines(console: Console, told: Mapping[str, str]) -> None:
    for name, value in told.items():
        console.print(Text.assemble((f"{name:<{NAMES_WIDTH}}", "cyan"), value), soft_wrap=True)
