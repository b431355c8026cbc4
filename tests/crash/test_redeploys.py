"""Redeploys under load: each process started anew alone, under 200 requests a second, also beside the release before.

No request may fail, sockets are back within five seconds with everything they missed, and every webhook arrives.
"""

import asyncio
import io
import subprocess
import tarfile
from collections.abc import AsyncIterator
from pathlib import Path

import httpx
import pytest
import pytest_asyncio

from tests.contracts.guest_house import GuestHouse, building
from tests.crash.follower import Follower
from tests.crash.receiver import Receiver, receiving
from tests.crash.stage import NAMES, Stage, staged
from tests.engines_fixture import RunningPostgres, clone, drop, settings_for
from tests.eventually import eventually, passes
from tests.ledger import admin_url
from wedsync.kit import clock
from wedsync.people.actions import digest
from wedsync.web import auth

ROOT = Path(__file__).parents[2]
PER_S = 200
CONNECTIONS = 20
WRITES = 10
"""One request in so many changes something."""
SETTLE_S = 1.0
BACK_MAX_S = 5.0
LOG_SEQS = "select seq, id::text, type from events where stream_id = $1 order by seq"
HEADER = (
    f"{'anew':8} {'the others':11} {'requests':>8} {'failed':>6} {'slowest ms':>10} {'sockets back s':>14}"
    f" {'missed':>6} {'webhooks lost':>13} {'twice':>5} {'tries burnt':>11}"
)


class Load:
    """So many requests a second by people who read guests and now and then answer; each connection is kept open."""

    def __init__(self, stage: Stage, house: GuestHouse, token: str, guests: list[str]) -> None:
        self.stage, self.house, self.token, self.guests = stage, house, token, guests
        self.took_s: list[float] = []
        self.failed: list[str] = []
        self._stop = asyncio.Event()
        self._tasks: list[asyncio.Task[None]] = []

    def start(self) -> None:
        self._tasks = [asyncio.create_task(self._connection(number)) for number in range(CONNECTIONS)]

    async def stop(self) -> None:
        self._stop.set()
        await asyncio.gather(*self._tasks)

    async def _connection(self, number: int) -> None:
        due, every_s = clock.monotonic() + number / PER_S, CONNECTIONS / PER_S
        headers = {"authorization": f"Bearer {self.token}"}
        async with httpx.AsyncClient(base_url=self.stage.web, headers=headers, timeout=30) as http:
            turn = number
            while not await passes(self._stop, max(0.0, due - clock.monotonic())):
                await self._ask(http, turn)
                turn += 1
                due = max(due + every_s, clock.monotonic())

    async def _ask(self, http: httpx.AsyncClient, turn: int) -> None:
        began = clock.monotonic()
        try:
            if turn % WRITES == 0:
                guest = self.guests[turn // WRITES % len(self.guests)]
                path = f"/api/v1/guests/{guest}/rsvps/{self.house.ceremony}"
                answer = await http.put(path, json={"status": ("accepted", "declined")[turn // WRITES % 2]})
            else:
                answer = await http.get(f"/api/v1/weddings/{self.house.id}")
        except httpx.TransportError as error:
            self.failed.append(f"{type(error).__name__}: {error}")
            return
        if answer.status_code != 200:
            self.failed.append(f"{answer.status_code} {answer.text[:200]}")
        self.took_s.append(clock.monotonic() - began)


class Redeploys:
    """The stage, one wedding under load, its sockets and its endpoint."""

    def __init__(self, stage: Stage, house: GuestHouse, receiver: Receiver) -> None:
        self.stage, self.house, self.receiver = stage, house, receiver
        self.token = ""
        self.guests: list[str] = []
        self.endpoint = ""

    async def lay(self) -> None:
        _, guests = await self.house.party(*(f"Guest No{number}" for number in range(8)))
        self.guests = [str(guest) for guest in guests]
        ana = self.house.wedding.ana
        session = await self.stage.admin.fetchval(
            "select app.issue_session($1, $2, 1)", ana.id, digest(str(self.house.id))
        )
        self.token = auth.mint(self.stage.settings.jwt_secret, person=ana.id, session=session, seconds=3600)
        path = f"{self.stage.web}/api/v1/weddings/{self.house.id}/endpoints"
        body = {"url": f"{self.receiver.url}/{self.house.id}", "events": ["rsvp.replied"]}
        async with httpx.AsyncClient(headers={"authorization": f"Bearer {self.token}"}) as http:
            made = await http.post(path, json=body)
        assert made.status_code == 201, made.text
        self.endpoint = made.json()["id"]

    async def under_load(self, name: str, others: str, **environ: str) -> str:
        """Start one process anew while the load runs; the line of the table. Nothing may be wrong in it."""
        followers = [Follower(self.stage.gateway, self.token, str(self.house.id), "1:0") for _ in range(5)]
        following = [asyncio.create_task(one.run()) for one in followers]
        await eventually(lambda: all(f.verdicts.total() for f in followers), within_s=60, what="sockets have joined")
        load = Load(self.stage, self.house, self.token, self.guests)
        load.start()
        try:
            await passes(asyncio.Event(), SETTLE_S)
            await self.stage.renew(name, **environ)
            await passes(asyncio.Event(), SETTLE_S)
        finally:
            await load.stop()
        line = await self._judged(name, others, load, followers)
        for task in following:
            task.cancel()
        await asyncio.wait(following)
        return line

    async def _judged(self, name: str, others: str, load: Load, followers: list[Follower]) -> str:
        admin = self.stage.admin
        assert load.failed == []
        quiet = "select count(*) = 0 from jobs where destination_id = $1"
        await eventually(lambda: admin.fetchval(quiet, self.endpoint), within_s=60, what="every webhook is sent")
        log = await admin.fetch(LOG_SEQS, self.house.id)
        seqs = {row["seq"] for row in log}
        await eventually(lambda: all(seqs <= f.got.keys() for f in followers), within_s=30, what="sockets have all")
        came = [one.webhook_id for one in self.receiver.requests if one.path == f"/{self.house.id}"]
        lost = {row["id"] for row in log if row["type"] == "rsvp.replied"} - set(came)
        gaps = [gap for follower in followers for gap in follower.gaps_s]
        burnt = await admin.fetchval(
            "select count(*) from deliveries where destination_id = $1 and attempts > 1", self.endpoint
        )
        twice = len(came) - len(set(came))
        missed = sum(len(seqs - f.got.keys()) for f in followers)
        assert (name == "gateway") == bool(gaps)
        assert max(gaps, default=0.0) <= BACK_MAX_S
        assert (len(lost), twice, burnt, missed) == (0, 0, 0, 0)
        slowest = max(load.took_s) * 1000
        return (
            f"{name:8} {others:11} {len(load.took_s):8} {len(load.failed):6} {slowest:10.0f}"
            f" {max(gaps, default=0.0):14.2f} {missed:6} {len(lost):13} {twice:5} {burnt:11}"
        )


@pytest_asyncio.fixture
async def redeploys(
    postgres: RunningPostgres, worker: str, valkey_url: str, tmp_path: Path
) -> AsyncIterator[Redeploys]:
    database = await clone(postgres, f"wedsync_{worker}_redeploys")
    settings = settings_for(tmp_path, database, valkey_url, WEDSYNC_DELIVERIES_PER_MIN="1000000")
    async with (
        receiving() as receiver,
        building(database, postgres, settings) as build,
        staged(settings, admin_url(postgres, database), tmp_path) as stage,
    ):
        made = Redeploys(stage, await build(), receiver)
        await made.lay()
        yield made
    await drop(postgres, database.name)


@pytest.mark.prove
@pytest.mark.timeout(600)
async def test_each_process_started_anew_alone_fails_no_request(redeploys: Redeploys) -> None:
    lines = [await redeploys.under_load(name, "this") for name in NAMES]
    print("\n" + "\n".join([HEADER, *lines]))


@pytest.mark.prove
@pytest.mark.timeout(900)
async def test_each_process_started_anew_beside_the_release_before(redeploys: Redeploys, tmp_path: Path) -> None:
    commit, why_not = release_before()
    if not commit:
        pytest.skip(why_not)
    old = {"PYTHONPATH": str(exported(commit, tmp_path / "before")), "PYTHONSAFEPATH": "1"}
    new = {"PYTHONPATH": str(ROOT), "PYTHONSAFEPATH": "1"}
    for name in NAMES:
        await redeploys.stage.renew(name, **old)
    lines = []
    for name in NAMES:
        lines.append(await redeploys.under_load(name, commit[:10], **new))
        await redeploys.stage.renew(name, **old)
    print("\n" + "\n".join([HEADER, *lines]))


def release_before() -> tuple[str, str]:
    """The newest commit before this one with the same schema and other code; "" and why where there is none."""
    try:
        commits = _git("rev-list", "--first-parent", "--max-count=50", "HEAD").split()[1:]
    except (OSError, subprocess.CalledProcessError):
        return "", "There is no history here (no git, or an exported folder), so there is no release before this one."
    for commit in commits:
        if _git("diff", "--name-only", commit, "--", "db"):
            return "", "The newest commits change the schema, and processes side by side are promised within one only."
        if _git("diff", "--name-only", commit, "--", "wedsync"):
            has_held_sockets = _git("ls-tree", "--name-only", commit, "wedsync/processes/listening.py")
            return (commit, "") if has_held_sockets else ("", f"{commit[:10]} cannot inherit a listening socket yet.")
    return "", "No earlier commit has the same schema and other code."


def exported(commit: str, folder: Path) -> Path:
    """A commit's files in a folder of their own."""
    archive = subprocess.run(["git", "archive", commit, "wedsync", "db"], cwd=ROOT, capture_output=True, check=True)
    with tarfile.open(fileobj=io.BytesIO(archive.stdout)) as files:
        files.extractall(folder, filter="data")
    return folder


def _git(*arguments: str) -> str:
    return subprocess.run(["git", *arguments], cwd=ROOT, capture_output=True, text=True, check=True).stdout.strip()
