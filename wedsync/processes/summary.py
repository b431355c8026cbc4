"""What `wedsync up` tells a person when everything answers: where to look, and links that sign in."""

from collections.abc import Iterable, Mapping
from typing import Any

from rich.console import Console
from rich.table import Table

from wedsync.kit.config import Settings

PEOPLE = ("couple", "partner", "helper", "photographer", "caterer", "venue", "operator")


def show(settings: Settings, demo: Mapping[str, Any] | None, *, notes: Iterable[str], took_s: float) -> None:
    """Print it; on something that is no terminal it is plain text."""
    console = Console(highlight=False, soft_wrap=True)
    console.print(f"\n[bold]WedSync is ready[/] in {took_s:.1f} s, profile {settings.env}.\n")
    console.print(_addresses(settings))
    if demo is not None:
        console.print("\n[bold]Sign in to the demo as[/]")
        console.print(_people(demo))
    for note in notes:
        console.print(f"\n{note}")
    console.print("\nCtrl-C stops everything.\n")
    # Into a file it would otherwise come when everything is over.
    console.file.flush()


def _addresses(settings: Settings) -> Table:
    table = _table()
    table.add_row("Pages and API", settings.public_url)
    table.add_row("Realtime", f"{settings.gateway_url}/realtime/v1")
    if settings.is_play:
        table.add_row("Sandbox, mailbox", settings.sandbox_url)
    if settings.log_to == "folder":
        table.add_row("Logs", str(settings.data_dir / "log"))
    return table


def _people(demo: Mapping[str, Any]) -> Table:
    table = _table()
    for who in PEOPLE:
        link = demo.get(who, {}).get("login_url")
        if link:
            table.add_row(who, link)
    if "rsvp_url" in demo:
        table.add_row("a guest", demo["rsvp_url"])
    return table


def _table() -> Table:
    # Links are copied from here, so no line of one may be folded.
    table = Table(box=None, show_header=False, pad_edge=False, padding=(0, 2))
    table.add_column(style="cyan", no_wrap=True)
    table.add_column(overflow="ignore", no_wrap=True)
    return table
