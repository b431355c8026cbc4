"""Commands about the platform as a whole: its freeze, its operators, what Friday asks, and drills."""

import asyncio
import sys
from pathlib import Path
from typing import Annotated, Literal
from uuid import UUID

from cyclopts import App, Parameter

from wedsync.processes.cli_options import LOCAL, DataDir, Json, Token, Url
from wedsync.processes.start import module, settings_with

drill = App(name="drill", help="Play what may go wrong, on a copy of the whole that is thrown away.")


@drill.command(name="saturday")
def drill_saturday(
    *,
    weddings: Annotated[int, Parameter(help="How many there are on that day.")] = 50,
    speed: Annotated[float, Parameter(help="How many minutes of the day pass in one of ours.")] = 60.0,
    begin: Annotated[str, Parameter(help="When the day begins.")] = "08:00",
    end: Annotated[str, Parameter(help="When it ends.")] = "23:00",
    rate: Annotated[float, Parameter(help="1: each wedding does or looks at something every ten minutes.")] = 1.0,
    fail: Annotated[
        list[str] | None,
        Parameter(help="What fails when: resend@14:05+10m, worker@14:30. Said once, only what is said fails."),
    ] = None,
    to: Annotated[Path, Parameter(help="Folder of the report.")] = Path("var/drill"),
    web_workers: Annotated[int, Parameter(help="Processes that answer pages and API.")] = 2,
) -> None:
    """Live through a Saturday in minutes, while providers fail and processes are killed; report what was lost."""
    saturday = module("drills.saturday")
    wanted = saturday.planned(weddings=weddings, speed=speed, begin=begin, end=end, rate=rate, fail=fail)
    sys.exit(asyncio.run(saturday.run(wanted, to=to, web_workers=web_workers)))


@drill.command(name="database-failover")
def drill_database_failover(
    *,
    weddings: Annotated[int, Parameter(help="How many are written to and listened to.")] = 10,
    writers: Annotated[int, Parameter(help="How many people write at once, one for each wedding at least.")] = 20,
    seconds: Annotated[float, Parameter(help="So long they write before the kill, and after the promotion.")] = 20.0,
    to: Annotated[Path, Parameter(help="Folder of the report.")] = Path("var/drill"),
    web_workers: Annotated[int, Parameter(help="Processes that answer pages and API.")] = 2,
) -> None:
    """Kill the database under load and let its standby take over; report what was lost, and for how long."""
    failover = module("drills.failover")
    wish = failover.Wish(weddings=weddings, writers=writers, seconds=seconds)
    sys.exit(asyncio.run(failover.run(wish, to=to, web_workers=web_workers)))


freeze = App(name="freeze", help="Tell whether the platform may be changed now, and override the freeze by two.")


@freeze.command(name="status")
def freeze_status(*, json: Json = False, data_dir: DataDir = None) -> None:
    """Tell whether the platform is frozen, why, and what is ahead."""
    settings = settings_with(process="freeze", options={"data_dir": data_dir})
    sys.exit(asyncio.run(module("freezing").status(settings, is_json=json)))


@freeze.command(name="check")
def freeze_check(*, json: Json = False, data_dir: DataDir = None) -> None:
    """For deployment gates: ends with 1, the reason and the next window while the platform is frozen."""
    settings = settings_with(process="freeze", options={"data_dir": data_dir})
    sys.exit(asyncio.run(module("freezing").check(settings, is_json=json)))


@freeze.command(name="override")
def freeze_override(
    *,
    because: Annotated[str, Parameter(help="What must be changed now, and why; it is kept.")],
    minutes: Annotated[int, Parameter(help="So long it holds once it is confirmed; 5 to 240.")] = 60,
    url: Url = LOCAL,
    token: Token = "",
) -> None:
    """Ask for an override, as an operator; nothing comes of it until another one confirms."""
    sys.exit(asyncio.run(module("freezing").ask(url=url, token=token, because=because, minutes=minutes)))


@freeze.command(name="confirm")
def freeze_confirm(
    override: Annotated[UUID, Parameter(help="The id of the override that another operator asked for.")],
    *,
    url: Url = LOCAL,
    token: Token = "",
) -> None:
    """Confirm another operator's override: from now on it is in force for its minutes."""
    sys.exit(asyncio.run(module("freezing").confirm(url=url, token=token, override=override)))


mode = App(name="mode", help="Say what does not work for a while: read-only mode, or that things come late.")


@mode.command(name="status")
def mode_status(*, json: Json = False, url: Url = LOCAL, token: Token = "") -> None:
    """Tell what is in force, as an operator, and who entered what in the last 30 days."""
    sys.exit(asyncio.run(module("modes_command").status(url=url, token=token, is_json=json)))


@mode.command(name="enter")
def mode_enter(
    kind: Annotated[Literal["read_only", "late"], Parameter(help="read_only: nothing can be changed.")],
    *,
    because: Annotated[str, Parameter(help="Why; it is kept.")],
    minutes: Annotated[int, Parameter(help="It ends by itself after so many, 720 at most. Said again it goes on.")],
    url: Url = LOCAL,
    token: Token = "",
) -> None:
    """Enter a mode, as an operator: it is in force within a second, and near weddings are told."""
    asked = {"kind": kind, "reason": because, "minutes": minutes}
    sys.exit(asyncio.run(module("modes_command").enter(asked, url=url, token=token)))


@mode.command(name="leave")
def mode_leave(
    kind: Annotated[Literal["read_only", "late"], Parameter(help="Which.")], *, url: Url = LOCAL, token: Token = ""
) -> None:
    """Leave a mode before its time."""
    sys.exit(asyncio.run(module("modes_command").leave(kind, url=url, token=token)))


standby = App(name="standby", help="The second PostgreSQL that `wedsync up --standby` keeps in step.")


@standby.command(name="status")
def standby_status(*, json: Json = False, data_dir: DataDir = None) -> None:
    """Tell how it stands; ends with 0 where every answered change is in both."""
    settings = settings_with(process="standby", options={"data_dir": data_dir})
    sys.exit(module("standby").status(settings, is_json=json))


@standby.command(name="promote")
def standby_promote(*, data_dir: DataDir = None) -> None:
    """End the primary and let the standby take changes; refused where it does not have everything."""
    settings = settings_with(process="standby", options={"data_dir": data_dir})
    sys.exit(module("standby").promote(settings))


operator = App(name="operator", help="Who operates the platform: sees its pages, is told of alerts, overrides by two.")


@operator.command(name="add")
def operator_add(email: Annotated[str, Parameter(help="By which they sign in.")], *, data_dir: DataDir = None) -> None:
    """Make an operator of somebody who has signed in before; it is kept who did, and when."""
    settings = settings_with(process="operator", options={"data_dir": data_dir})
    sys.exit(asyncio.run(module("operators").add(settings, email=email)))


@operator.command(name="remove")
def operator_remove(
    email: Annotated[str, Parameter(help="By which they sign in.")], *, data_dir: DataDir = None
) -> None:
    """They are no operator from their next request on. The last one stays."""
    settings = settings_with(process="operator", options={"data_dir": data_dir})
    sys.exit(asyncio.run(module("operators").remove(settings, email=email)))


@operator.command(name="list")
def operator_list(*, data_dir: DataDir = None) -> None:
    """Show every operator, and when they were here last."""
    settings = settings_with(process="operator", options={"data_dir": data_dir})
    sys.exit(asyncio.run(module("operators").show(settings)))


def preflight(
    *,
    tell: Annotated[
        bool, Parameter(negative="", help="Also mail the operators, as the clock does by itself each Friday.")
    ] = False,
    json: Json = False,
    data_dir: DataDir = None,
) -> None:
    """Look at everything that the weddings of the next days need; ends with 1 where something must be done."""
    settings = settings_with(process="preflight", options={"data_dir": data_dir})
    sys.exit(asyncio.run(module("preflight").run(settings, is_json=json, tells=tell)))


def backtest(
    *, seed: Annotated[int, Parameter(help="Another one plays other series.")] = 2027, json: Json = False
) -> None:
    """Play series whose end is known against alerts and predictions; print precision, recall and false alarms."""
    sys.exit(module("backtest").run(seed=seed, is_json=json))
