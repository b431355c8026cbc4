"""The command line `wedsync`: reads settings and options, starts one process or one task, and tells problems plainly.

Modules are imported by the command that needs them, so that `--help` is quick and one broken part does not take the
others with it.
"""

import asyncio
import os
import sys
from pathlib import Path
from typing import Annotated

from cyclopts import App, CycloptsError, Parameter

from wedsync.processes.cli_options import LOCAL, DataDir, Token, Url
from wedsync.processes.cli_platform import backtest, drill, freeze, mode, operator, preflight
from wedsync.processes.cli_platform import standby as standby_commands
from wedsync.processes.start import ended, fail, guarded, module, settings_with, start

EXITS = {
    0: "it is done",
    1: "it could not be done, or what was checked is not right; a sentence says why",
    2: "the command was not understood",
    130: "it was interrupted",
}


def _misunderstood(error: CycloptsError) -> str:
    """One sentence, like every other problem."""
    command = " ".join(("wedsync", *(error.command_chain or ())))
    return f"wedsync: {str(error).strip()} `{command} --help` tells how."


app = App(
    name="wedsync",
    help="One live record for a wedding, shared by the couple and their suppliers.",
    help_epilogue="Exit status: " + "; ".join(f"{status} {words}" for status, words in EXITS.items()) + ".",
    error_formatter=_misunderstood,
)

app.command(drill)
app.command(freeze)
app.command(mode)
app.command(standby_commands)
app.command(operator)
app.command(preflight)
app.command(backtest)


def main() -> None:
    """Entry point of the program."""
    try:
        guarded(app)
    except SystemExit as asked:
        ended(asked.code)
    ended(0)


@app.command
def up(
    *,
    demo: Annotated[
        bool, Parameter(negative="", help="Fill it with three weddings and print links to sign in.")
    ] = False,
    standby: Annotated[
        bool, Parameter(negative="", help="Keep a second PostgreSQL in step, which takes over when the first one dies.")
    ] = False,
    data_dir: DataDir = None,
    port: Annotated[int | None, Parameter(help="Port of pages and API; 0 takes a free one.")] = None,
    gateway_port: Annotated[int | None, Parameter(help="Port of the realtime gateway.")] = None,
    sandbox_port: Annotated[int | None, Parameter(help="Port of the sandbox.")] = None,
    ready_file: Annotated[Path | None, Parameter(help="Written, for programs, when everything answers.")] = None,
    tls_cert: Annotated[Path | None, Parameter(help="Certificate chain (PEM): speak TLS 1.3.")] = None,
    tls_key: Annotated[Path | None, Parameter(help="Private key (PEM).")] = None,
) -> None:
    """Start everything: engines where no address is set, migrations, and every process under one supervisor."""
    options = {
        "data_dir": data_dir,
        "port": port,
        "gateway_port": gateway_port,
        "sandbox_port": sandbox_port,
        "tls_cert": tls_cert,
        "tls_key": tls_key,
    }
    settings = settings_with(process="up", options=options)
    asyncio.run(module("up").run(settings, with_demo=demo, with_standby=standby, ready_file=ready_file))


@app.command
def web(*, data_dir: DataDir = None) -> None:
    """Serve the pages, the API and the inbound hooks."""
    start("web", data_dir=data_dir)


@app.command
def gateway(*, data_dir: DataDir = None) -> None:
    """Serve the realtime sockets."""
    start("gateway", data_dir=data_dir)


@app.command
def worker(*, data_dir: DataDir = None) -> None:
    """Do what is owed: deliveries, notices, syncs, imports."""
    start("worker", data_dir=data_dir)


@app.command
def clock(*, data_dir: DataDir = None) -> None:
    """Fire what is due; any number may run and one leads."""
    start("clock", data_dir=data_dir)


@app.command
def sandbox(*, data_dir: DataDir = None) -> None:
    """Serve every connector's stand-in provider and a mailbox."""
    start("sandbox", data_dir=data_dir)


@app.command
def migrate(
    *,
    plan: Annotated[bool, Parameter(negative="", help="Only tell.")] = False,
    prepare: Annotated[
        bool,
        Parameter(negative="", help="First make roles and database, as the administrator WEDSYNC_ADMIN_DATABASE_URL."),
    ] = False,
    data_dir: DataDir = None,
) -> None:
    """Bring the database forward to this program's version."""
    settings = settings_with(process="migrate", options={"data_dir": data_dir})
    asyncio.run(module("migrate_command").run(settings, is_plan=plan, is_prepared=prepare))


@app.command
def rotate_keys(
    *,
    check: Annotated[bool, Parameter(negative="", help="Only tell what other keys than the first still hold.")] = False,
    pages: Annotated[int, Parameter(help="Pages of a table in one transaction; fewer are gentler.")] = 64,
    data_dir: DataDir = None,
) -> None:
    """Seal everything again with the first key of WEDSYNC_SEAL_KEYS; started again, it goes on where it stopped."""
    settings = settings_with(process="rotate-keys", options={"data_dir": data_dir})
    sys.exit(asyncio.run(module("rotate_keys").run(settings, is_check=check, pages=max(pages, 1))))


@app.command
def doctor(
    *,
    deep: Annotated[
        bool, Parameter(negative="", help="Also read all data: nothing lost, doubled or miscounted; takes its time.")
    ] = False,
    data_dir: DataDir = None,
) -> None:
    """Say in plain words what is wrong with this installation."""
    settings = settings_with(process="doctor", options={"data_dir": data_dir})
    sys.exit(asyncio.run(module("doctor").run(settings, is_deep=deep)))


@app.command
def backup(
    *,
    to: Annotated[Path | None, Parameter(help="Folder for backups; without it, `backups` in the data folder.")] = None,
    data_dir: DataDir = None,
) -> None:
    """Copy the bundled database while it runs, and verify the copy; older ones go by WEDSYNC_BACKUP_RETENTION_DAYS."""
    settings = settings_with(process="backup", options={"data_dir": data_dir})
    module("backup").run(settings, to=to)


@app.command
def restore(
    source: Annotated[
        Path | None, Parameter(name="FROM", help="A backup, or a folder of backups: then the newest that fits.")
    ] = None,
    /,
    *,
    at: Annotated[
        str, Parameter(help="Go on by the log to 2027-06-05T14:30:00Z, or latest; without it, to the backup's end.")
    ] = "",
    drill: Annotated[
        bool, Parameter(negative="", help="Restore a copy beside what runs, examine it and throw it away.")
    ] = False,
    despite_flaws: Annotated[bool, Parameter(negative="", help="Put it in place although flaws were found.")] = False,
    begin_epoch: Annotated[
        bool, Parameter(negative="", help="Only tell all clients to read anew: you restored the database yourself.")
    ] = False,
    data_dir: DataDir = None,
) -> None:
    """Bring the bundled database back from a backup, examine it, and put it in place; what stood there is kept."""
    settings = settings_with(process="restore", options={"data_dir": data_dir})
    made = module("restore")
    if begin_epoch:
        sys.exit(asyncio.run(made.begin_epoch(settings)))
    folder = source or settings.data_dir / "backups"
    wish = made.Wish(source=folder.absolute(), at=at, is_drill=drill, despite_flaws=despite_flaws)
    sys.exit(made.run(settings, wish))


imports = App(name="import", help="Import a guest list, or with `clients` the clients of a business.")
app.command(imports)


@imports.default
def import_(
    file: Path,
    *,
    wedding: Annotated[str, Parameter(help="The wedding's id.")],
    dry_run: Annotated[bool, Parameter(negative="", help="Tell what would happen; change nothing.")] = False,
    as_: Annotated[str, Parameter(name="--as", help="E-mail address of one of the couple.")] = "",
    token: Annotated[str, Parameter(help="An access token instead of --as.")] = "",
    data_dir: DataDir = None,
) -> None:
    """Import a guest list (CSV or XLSX) into a wedding."""
    settings = settings_with(process="import", options={"data_dir": data_dir})
    asked = {"wedding": wedding, "is_dry_run": dry_run, "email": as_, "token": token}
    sys.exit(asyncio.run(module("guest_import").run(settings, file=file, **asked)))


@imports.command(name="clients")
def import_clients(
    file: Path | None = None,
    *,
    supplier: Annotated[str, Parameter(help="The id of your business.")],
    watch: Annotated[
        Path | None, Parameter(help="A folder: every list that is put into it is imported, until Ctrl-C.")
    ] = None,
    choices: Annotated[str, Parameter(help='What to correct, as JSON: {"dates": "day_first"}')] = "",
    dry_run: Annotated[bool, Parameter(negative="", help="Tell what would happen; change nothing.")] = False,
    url: Url = LOCAL,
    token: Token = "",
) -> None:
    """Import a list of clients (CSV or XLSX of any CRM) into a business, or watch a folder for such lists."""
    asked = {"file": file, "watch": watch, "supplier": supplier, "choices": choices, "is_dry_run": dry_run}
    sys.exit(asyncio.run(module("client_import").run(**asked, url=url, token=token)))


@app.command
def token(email: str, *, data_dir: DataDir = None) -> None:
    """Print an access token of a person, for trying the API."""
    settings = settings_with(process="token", options={"data_dir": data_dir})
    sys.exit(asyncio.run(module("tokens").run(settings, email=email)))


@app.command
def plan(
    supplier: Annotated[str, Parameter(help="The id of a business.")] = "",
    *,
    give: Annotated[str, Parameter(help="free, starter, professional, studio; default takes its own plan away.")] = "",
    limit: Annotated[
        tuple[str, ...], Parameter(help="A limit of its own: seats=5, or weddings=none for no limit. Once for each.")
    ] = (),
    because: Annotated[str, Parameter(help="Why; the business reads it.")] = "",
    data_dir: DataDir = None,
) -> None:
    """Show the plans, or the plan of a business and what it uses; with --give, give it another."""
    settings = settings_with(process="plan", options={"data_dir": data_dir})
    asked = {"supplier": supplier, "give": give, "limits": limit, "because": because}
    sys.exit(asyncio.run(module("plans").run(settings, **asked)))


@app.command
def verify(
    file: Annotated[str, Parameter(help="The body exactly as it came; without it, standard input.")] = "-",
    *,
    secret: Annotated[str, Parameter(help="The endpoint's secret.", env_var="WEBHOOK_SECRET")],
    header: Annotated[
        tuple[str, ...], Parameter(help='A header of the request: "webhook-id: …". Once for each of the three.')
    ],
    any_time: Annotated[bool, Parameter(negative="", help="Take requests of any age.")] = False,
) -> None:
    """Check the signature of a webhook that came, and say exactly what is wrong with it."""
    sys.exit(module("verify").run(file=file, secret=secret, headers=header, any_time=any_time))


@app.command
def listen(
    *,
    forward: Annotated[str, Parameter(help="Your program: http://localhost:3000/hook")],
    wedding: Annotated[str, Parameter(help="The id of a wedding of yours.")] = "",
    supplier: Annotated[str, Parameter(help="The id of a business of yours.")] = "",
    endpoint: Annotated[str, Parameter(help="The id of an endpoint: what that one hears of.")] = "",
    events: Annotated[tuple[str, ...], Parameter(help="Only these types: rsvp.*. More than once for more.")] = (),
    secret: Annotated[str, Parameter(help="Sign with this one, not with a new one.", env_var="WEBHOOK_SECRET")] = "",
    url: Url = LOCAL,
    token: Token = "",
) -> None:
    """Hand on to a program on this machine what an endpoint would be sent, live and signed, until Ctrl-C."""
    asked = {"wedding": wedding, "supplier": supplier, "endpoint": endpoint, "events": events}
    sys.exit(asyncio.run(module("listen").run(forward=forward, asked=asked, secret=secret, url=url, token=token)))


@app.command
def trigger(
    type_: Annotated[str, Parameter(name="TYPE", help="A type of event: rsvp.replied")],
    /,
    *,
    endpoint: Annotated[str, Parameter(help="The id of the endpoint that WedSync sends it to.")] = "",
    forward: Annotated[str, Parameter(help="Or your program, to which it is sent from here.")] = "",
    secret: Annotated[str, Parameter(help="With --forward: what to sign with.", env_var="WEBHOOK_SECRET")] = "",
    url: Url = LOCAL,
    token: Token = "",
) -> None:
    """Send the documented example of an event, marked as a test; nothing changes in any wedding."""
    asked = {"name": type_, "endpoint": endpoint, "forward": forward, "secret": secret}
    sys.exit(asyncio.run(module("trigger").run(**asked, url=url, token=token)))


@app.command
def replay(
    delivery: Annotated[str, Parameter(help="The id of one delivery; or name an endpoint.")] = "",
    *,
    endpoint: Annotated[str, Parameter(help="The id of an endpoint: all it was given up on, or --since.")] = "",
    since: Annotated[str, Parameter(help="Everything it missed since: 2027-06-05T14:30Z.")] = "",
    dry_run: Annotated[bool, Parameter(negative="", help="Only count.")] = False,
    as_new: Annotated[
        bool, Parameter(negative="", help="Under other webhook-ids, so that no receiver skips them.")
    ] = False,
    url: Url = LOCAL,
    token: Token = "",
) -> None:
    """Send webhooks again: one delivery, or what an endpoint missed."""
    asked = {"delivery": delivery, "endpoint": endpoint, "since": since, "is_dry_run": dry_run, "as_new": as_new}
    sys.exit(asyncio.run(module("replay").run(url=url, token=token, **asked)))


@app.command
def security(
    *,
    since: Annotated[str, Parameter(help="How far back: 90m, 24h, 7d, or a time such as 2027-06-05T14:30Z.")] = "24h",
    kind: Annotated[
        str, Parameter(help="Only events of this kind: access.refused, or sign_in.* for all of a noun.")
    ] = "",
    address: Annotated[str, Parameter(help="Only from this address.")] = "",
    limit: Annotated[int, Parameter(help="At most so many, newest first.")] = 200,
    json: Annotated[bool, Parameter(negative="", help="A JSON object a line instead of a table.")] = False,
    data_dir: DataDir = None,
) -> None:
    """Show who was refused what, and who signed in."""
    settings = settings_with(process="security", options={"data_dir": data_dir})
    asked = {"since": since, "kind": kind, "address": address, "limit": limit, "is_json": json}
    sys.exit(asyncio.run(module("security").run(settings, **asked)))


@app.command
def commission(
    *,
    connector: Annotated[str, Parameter(help="The payment provider to be held against the ledger.")] = "stripe",
    json: Annotated[bool, Parameter(negative="", help="One JSON object instead of tables.")] = False,
    data_dir: DataDir = None,
) -> None:
    """Hold our ledger against the fees that the provider took; ends with 1 where they differ."""
    settings = settings_with(process="commission", options={"data_dir": data_dir})
    sys.exit(asyncio.run(module("commission").run(settings, connector=connector, is_json=json)))


@app.command
def bench(*arguments: Annotated[str, Parameter(allow_leading_hyphen=True)]) -> None:
    """Measure the budgets; needs the source tree. Arguments are handed on."""
    folder = Path(__file__).parents[2] / "bench"
    if not folder.is_dir():
        fail(f"The benchmarks are in the source tree, and {folder} is not there. Clone the repository to run them.")
    os.chdir(folder.parent)
    os.execv(sys.executable, [sys.executable, "-m", "bench", *arguments])  # noqa: S606 -- our own interpreter


if __name__ == "__main__":
    main()
