"""The command line `wedsync`: reads settings and options, starts one process or one task, and tells problems plainly.

Modules are imported by the command that needs them, so that `--help` is quick and one broken part does not take the
others with it.
"""

import asyncio
import os
import sys
from pathlib import Path
from typing import Annotated

from cyclopts import App, Parameter

from wedsync.processes.start import fail, guarded, module, settings_with, start

app = App(name="wedsync", help="One live record for a wedding, shared by the couple and their suppliers.")

DataDir = Annotated[Path | None, Parameter(help="Folder for engines, secrets and logs (WEDSYNC_DATA_DIR).")]


def main() -> None:
    """Entry point of the program."""
    guarded(app)


@app.command
def up(
    *,
    demo: Annotated[
        bool, Parameter(negative="", help="Fill it with three weddings and print links to sign in.")
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
    asyncio.run(module("up").run(settings, with_demo=demo, ready_file=ready_file))


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
    *, data_dir: DataDir = None, plan: Annotated[bool, Parameter(negative="", help="Only tell.")] = False
) -> None:
    """Bring the database forward to this program's version."""
    settings = settings_with(process="migrate", options={"data_dir": data_dir})
    asyncio.run(module("migrate_command").run(settings, is_plan=plan))


@app.command
def doctor(*, data_dir: DataDir = None) -> None:
    """Say in plain words what is wrong with this installation."""
    settings = settings_with(process="doctor", options={"data_dir": data_dir})
    sys.exit(asyncio.run(module("doctor").run(settings)))


@app.command(name="import")
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


@app.command
def token(email: str, *, data_dir: DataDir = None) -> None:
    """Print an access token of a person, for trying the API."""
    settings = settings_with(process="token", options={"data_dir": data_dir})
    sys.exit(asyncio.run(module("tokens").run(settings, email=email)))


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
def replay(
    delivery: Annotated[str, Parameter(help="The id of one delivery; or name an endpoint.")] = "",
    *,
    endpoint: Annotated[str, Parameter(help="The id of an endpoint: all it was given up on, or --since.")] = "",
    since: Annotated[str, Parameter(help="Everything it missed since: 2027-06-05T14:30Z.")] = "",
    dry_run: Annotated[bool, Parameter(negative="", help="Only count.")] = False,
    url: Annotated[str, Parameter(help="Where WedSync answers.")] = "http://127.0.0.1:8000",
    token: Annotated[str, Parameter(help="An API key or an access token.", env_var="WEDSYNC_TOKEN")],
) -> None:
    """Send webhooks again: one delivery, or what an endpoint missed."""
    asked = {"delivery": delivery, "endpoint": endpoint, "since": since, "is_dry_run": dry_run}
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
def bench(*arguments: Annotated[str, Parameter(allow_leading_hyphen=True)]) -> None:
    """Measure the budgets; needs the source tree. Arguments are handed on."""
    folder = Path(__file__).parents[2] / "bench"
    if not folder.is_dir():
        fail(f"The benchmarks are in the source tree, and {folder} is not there. Clone the repository to run them.")
    os.chdir(folder.parent)
    os.execv(sys.executable, [sys.executable, "-m", "bench", *arguments])  # noqa: S606 -- our own interpreter


if __name__ == "__main__":
    main()
