"""The bundled PostgreSQL's standby: copied, kept in step, waited for by every commit, and promoted when it must be.

Only the supervisor of the data folder decides, so there are never two primaries: the old one is ended before the new
one takes changes. Where the standby does not follow, commits stop waiting for it within seconds, which is told; then
it is not promoted either, for it would lack what was answered meanwhile.
"""

import asyncio
import shutil
import subprocess
import sys
import time
from contextlib import AbstractAsyncContextManager, AsyncExitStack, suppress
from datetime import datetime
from pathlib import Path
from typing import Any, Final, Literal

import msgspec
import structlog

from wedsync.kit import clock
from wedsync.kit.config import Settings
from wedsync.kit.config_secrets import write_private
from wedsync.kit.db_hosts import is_away
from wedsync.processes import migrate
from wedsync.processes.children import run as run_program
from wedsync.processes.engine_account import PLAIN_ENVIRON, own
from wedsync.processes.engines import Engines, is_held
from wedsync.processes.failures import CannotRun, EngineFailed
from wedsync.processes.postgres import ADMIN, REPLICATOR, STANDBY, Postgres, last_line
from wedsync.processes.supervisor import Supervisor

log = structlog.get_logger("standby")

LOOK_S: Final = 0.25
AWAY_S: Final = 3.0
"""So long commits wait for a standby that has gone away, before they go on without it."""
ANEW_S: Final = 30.0
"""One that has not followed for so long is copied anew: what it lacks is gone, or it is of another history."""
ASK_S: Final = 5.0
STATE_FILE: Final = "standby.json"
ASKED_FILE: Final = "promote"
ANSWER_S: Final = 60.0
FOLLOWING: Final = "select state, sync_state from pg_stat_replication where application_name = $1"
SLOTS: Final = """select pg_drop_replication_slot(slot_name) from pg_replication_slots
    where slot_name = $1 and not active"""
ROLE: Final = "select format('create role %I login replication', $1::text) where to_regrole($1) is null"
LOGIN: Final = "select format('alter role %I login replication password %L', $1::text, $2::text)"

State = Literal["copying", "catching up", "synchronous", "away"]


class Told(msgspec.Struct, frozen=True, kw_only=True):
    """What later commands and the drill are told. `primary` and `standby` are names of clusters in the data folder."""

    primary: str
    standby: str
    state: State
    promotions: int = 0
    promoted_at: datetime | None = None
    said: str = ""


class Keeper:
    """Keeps the standby of one supervisor's engines."""

    def __init__(self, engines: Engines, supervisor: Supervisor) -> None:
        self._engines = engines
        self._supervisor = supervisor
        self._folder = engines.settings.data_dir
        self._told: Told | None = None
        self._promotions = 0
        self._promoted_at: datetime | None = None
        self._asking = AsyncExitStack()
        self._asked: tuple[Postgres, Any] | None = None
        self._followed_at = time.monotonic()
        for left in (ASKED_FILE, STATE_FILE):
            (self._folder / left).unlink(missing_ok=True)

    def primary_ended(self) -> "subprocess.Popen[bytes] | None":
        """What runs in the place of a primary that has ended: its standby where that has everything, else itself."""
        primary, standby = self._engines.postgres, self._engines.standby
        if primary is None:
            return None
        if standby is None or not self._is_fit(standby):
            process = primary.restart()
            if primary.is_following:
                # Its promotion failed, or was cut off.
                primary.promote()
            return process
        return self._take_over(primary, standby)

    def _is_fit(self, standby: Postgres) -> bool:
        return self._engines.is_synchronous and standby.process is not None and standby.process.poll() is None

    def _take_over(self, primary: Postgres, standby: Postgres) -> "subprocess.Popen[bytes] | None":
        """The old one is ended and the new one remembered first: a stop in between loses nothing, and makes no two."""
        began = time.monotonic()
        old, new = self._engines.primary, self._engines.other
        primary.kill()
        self._engines.note_primary(new)
        self._engines.postgres, self._engines.standby = standby, None
        self._supervisor.forget("standby")
        standby.promote()
        self._promotions += 1
        self._promoted_at = clock.machine_now()
        self._followed_at = time.monotonic()
        log.warning("standby_promoted", now=new, was=old, took_s=round(time.monotonic() - began, 2))
        self._tell("away", f"{new} takes changes since the promotion; {old} is copied from it anew.")
        return standby.process

    async def keep(self) -> None:
        """For ever."""
        try:
            while True:
                try:
                    await self._look()
                except Exception as problem:
                    await self._hang_up()
                    is_plain = isinstance(problem, CannotRun) or is_away(problem)
                    log.warning("standby_not_kept", reason=str(problem), exc_info=None if is_plain else problem)
                    await asyncio.sleep(1.0)
                await asyncio.sleep(LOOK_S)
        finally:
            await self._hang_up()

    async def _look(self) -> None:
        if (self._folder / ASKED_FILE).exists():
            self._answer_asked()
        if self._engines.standby is None:
            await self._make()
        primary = self._engines.postgres
        state = None if primary is None else await self._state_of_standby(primary)
        if primary is None or primary is not self._engines.postgres:
            # The other one was promoted while this one was asked: its answer says nothing any more.
            return
        now = time.monotonic()
        if state is not None:
            self._followed_at = now
            self._follow(primary, state)
        elif now - self._followed_at > AWAY_S:
            self._go_on_without(primary)
            if now - self._followed_at > ANEW_S:
                await self._make()

    async def _state_of_standby(self, primary: Postgres) -> str | None:
        """`sync`, or another word while it follows and commits do not wait for it; None while it does not follow."""
        if self._asked is None or self._asked[0] is not primary:
            await self._hang_up()
            self._asked = (primary, await self._asking.enter_async_context(_connection(primary)))
        row = await self._asked[1].fetchrow(FOLLOWING, STANDBY, timeout=ASK_S)
        return str(row["sync_state"]) if row is not None and row["state"] == "streaming" else None

    def _follow(self, primary: Postgres, state: str) -> None:
        if not primary.synchronous:
            primary.wait_for(STANDBY)
        if state == "sync" and not self._engines.is_synchronous:
            self._engines.note_synchronous(True)
            log.info("standby_synchronous", cluster=self._engines.other)
        is_so = self._engines.is_synchronous
        self._tell("synchronous" if is_so else "catching up", "Every commit is in both." if is_so else "")

    def _go_on_without(self, primary: Postgres) -> None:
        """First it may not be promoted any more, then nobody waits for it."""
        if primary.synchronous:
            self._engines.note_synchronous(False)
            primary.wait_for("")
            log.warning("standby_away", cluster=self._engines.other)
        self._tell("away", "It does not follow, so commits do not wait for it. It is copied anew if that lasts.")

    async def _make(self) -> None:
        """Start the standby that is there, and copy the primary where there is none or it does not follow."""
        primary, name = self._engines.postgres, self._engines.other
        if primary is None:
            return
        self._go_on_without(primary)
        self._supervisor.forget("standby")
        standby = self._engines.standby or self._engines.cluster(name)
        is_new = self._engines.standby is not None or not standby.is_following
        standby.stop()
        standby.end_orphan()
        self._engines.standby = None
        await self._let_in(primary)
        if is_new:
            self._tell("copying", f"{name} is copied from {self._engines.primary}.")
            await asyncio.to_thread(_copy, primary, standby, self._engines.replicator_password)
        standby.follow(primary.port, self._engines.replicator_password)
        # It has a port of its own for ever: the addresses that the processes have name it.
        standby.start(self._engines.port_of(name))
        self._engines.standby = standby
        self._supervisor.watch("standby", standby.restart, standby.process)
        self._followed_at = time.monotonic()

    async def _let_in(self, primary: Postgres) -> None:
        async with _connection(primary) as connection:
            for statement in (
                await connection.fetchval(ROLE, REPLICATOR),
                await connection.fetchval(LOGIN, REPLICATOR, self._engines.replicator_password),
            ):
                if statement is not None:
                    await connection.execute(statement)

    def _answer_asked(self) -> None:
        """An operator wants the standby in the primary's place."""
        primary, standby = self._engines.postgres, self._engines.standby
        try:
            if primary is None or standby is None or not self._is_fit(standby):
                log.warning("promotion_refused", reason="the standby does not have everything")
                return
            self._supervisor.adopt("postgres", self._take_over(primary, standby))
        finally:
            (self._folder / ASKED_FILE).unlink(missing_ok=True)

    async def _hang_up(self) -> None:
        self._asked = None
        try:
            await self._asking.aclose()
        except Exception as error:
            if not is_away(error):
                raise

    def _tell(self, state: State, said: str) -> None:
        engines = self._engines
        told = Told(
            primary=engines.primary,
            standby=engines.other,
            state=state,
            promotions=self._promotions,
            promoted_at=self._promoted_at,
            said=said,
        )
        if told != self._told:
            self._told = told
            write_private(self._folder / STATE_FILE, msgspec.json.encode(told))


def _copy(primary: Postgres, standby: Postgres, password: str) -> None:
    """Copy the primary into the standby's folder; it appears there whole. What was there is gone then."""
    draft = standby.folder.with_name(f"{standby.folder.name}.new")
    shutil.rmtree(draft, ignore_errors=True)
    draft.mkdir(mode=0o700)
    command: list[str | Path] = [primary.bin / "pg_basebackup", f"--pgdata={draft}", "--format=plain"]
    command += ["--wal-method=stream", "--checkpoint=fast", "--no-password", f"--label={STANDBY}"]
    command += ["--create-slot", f"--slot={STANDBY}"]
    command += ["--host=127.0.0.1", f"--port={primary.port}", f"--username={REPLICATOR}"]
    if not primary.is_durable:
        command.append("--no-sync")
    asyncio.run(drop_slot(primary))
    said = run_program(command, environ=PLAIN_ENVIRON | {"PGPASSWORD": password}, folder=draft.parent, patience_s=None)
    if said.returncode != 0:
        shutil.rmtree(draft, ignore_errors=True)
        raise EngineFailed(f"The standby could not be copied: {last_line(said.stderr)}")
    own(draft, standby.account)
    shutil.rmtree(standby.folder, ignore_errors=True)
    draft.rename(standby.folder)


async def drop_slot(primary: Postgres) -> None:
    """Nothing is kept any more for a standby that is not there."""
    async with _connection(primary) as connection:
        await connection.fetch(SLOTS, STANDBY)


def _connection(postgres: Postgres) -> "AbstractAsyncContextManager[Any]":
    return migrate.connected(postgres.url(ADMIN, database="postgres"))


def told_of(settings: Settings) -> Told:
    """How the standby of this data folder stands. Raises CannotRun where nobody keeps one."""
    with suppress(FileNotFoundError):
        if is_held(settings.data_dir):
            return msgspec.json.decode((settings.data_dir / STATE_FILE).read_bytes(), type=Told)
    raise CannotRun(f"No `wedsync up --standby` runs on {settings.data_dir}.")


def status(settings: Settings, *, is_json: bool) -> int:
    """Say how it stands; 0 where every commit is in both clusters."""
    told = told_of(settings)
    words: Any = msgspec.json.encode(told).decode() if is_json else f"{told.state}: {told.primary} takes changes, "
    sys.stdout.write(words + ("" if is_json else f"{told.standby} follows. {told.said}") + "\n")
    return 0 if told.state == "synchronous" else 1


def promote(settings: Settings) -> int:
    """Have the supervisor end the primary and promote the standby; returns when it has. Raises CannotRun."""
    before = told_of(settings)
    asked = settings.data_dir / ASKED_FILE
    asked.touch(mode=0o600)
    give_up_at = time.monotonic() + ANSWER_S
    while asked.exists():
        if time.monotonic() > give_up_at:
            asked.unlink(missing_ok=True)
            raise CannotRun(f"The supervisor did not answer within {ANSWER_S:.0f} s. Look at its log.")
        time.sleep(LOOK_S / 5)
    after = told_of(settings)
    if after.promotions == before.promotions:
        raise CannotRun(
            f"Not promoted: the standby ({after.state}) does not have everything that was answered. It has when "
            "`wedsync standby status` says synchronous."
        )
    sys.stdout.write(f"{after.primary} takes changes now. {after.said}\n")
    return 0
