"""The embedded engines of one data folder: what is missing among the settings' addresses is started and filled in.

Ports, passwords and the cluster's folder are remembered in the data folder, so that every start finds the same ones.
One supervisor at a time holds a data folder; `reach` lets the other commands use the engines that it runs.
"""

import fcntl
import os
import secrets
import socket
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Final

import msgspec

from wedsync.kit.config import FIELDS, Settings, SettingsInvalid, variable
from wedsync.kit.config_secrets import kept_values, write_private
from wedsync.processes import swap
from wedsync.processes.children import Account
from wedsync.processes.engine_account import can_enter, engine_account, own, reachable_folder
from wedsync.processes.failures import EngineFailed, PortTaken
from wedsync.processes.postgres import Postgres
from wedsync.processes.valkey_server import ValkeyServer

ROLES: Final = ("user", "reader", "service", "owner")
ADDRESSES: Final = (*(f for f in FIELDS if f.endswith("database_url")), "valkey_url")
FIRST_PORTS: Final = {"postgres_port": 15432, "standby_port": 15532, "valkey_port": 16379}
"""Below the range that systems lend to outgoing connections, so that a remembered port stays free while we are off."""
PORT_TRIES: Final = 5
PASSWORDS: Final = (
    *("admin_password", "replicator_password"),
    *(f"{role}_password" for role in ROLES),
    "valkey_password",
)
CLUSTERS: Final = ("postgres", "standby")
"""Folders of the two clusters. Which of them is the primary is remembered: they change places at a promotion."""
STATE_FILE: Final = "engines.json"
RUNNING_FILE: Final = "running.json"


class Engines:
    """The engines that these settings lack. `start` returns the settings with their addresses.

    With a standby these lead to both clusters, and whoever connects finds the one that takes changes.
    """

    def __init__(self, settings: Settings, *, has_standby: bool = False) -> None:
        self.settings = settings
        self.has_standby = has_standby
        self.postgres: Postgres | None = None
        self.standby: Postgres | None = None
        self.valkey: ValkeyServer | None = None
        self.notes: list[str] = []
        """What its user should know of the start, in sentences."""
        self._state: dict[str, str] = {}

    @property
    def needs_postgres(self) -> bool:
        return not self.settings.database_url

    @property
    def needs_valkey(self) -> bool:
        return not self.settings.valkey_url

    @property
    def passwords(self) -> dict[str, str]:
        """Login role -> password, for the bootstrap of the embedded database."""
        return {f"wedsync_{role}": self._state[f"{role}_password"] for role in ROLES}

    def start(self) -> Settings:
        """Start what is missing, at once and in that order; EngineFailed says why it cannot."""
        folder = self.settings.data_dir
        self._state = kept_values(folder, STATE_FILE, dict.fromkeys(PASSWORDS, _made))
        log_folder(folder)
        filled: dict[str, str] = {}
        if self.needs_valkey:
            self._start_valkey()
        if self.needs_postgres:
            self._start_postgres()
        if self.valkey:
            filled["valkey_url"] = self.valkey.url
        if self.postgres:
            for role in ROLES:
                field = "database_url" if role == "user" else f"{role}_database_url"
                url = self.postgres.url(f"wedsync_{role}", self._state[f"{role}_password"])
                filled[field] = self._with_both(url) if self.has_standby else url
        return msgspec.structs.replace(self.settings, **filled)

    def stop(self) -> None:
        for engine in (self.valkey, self.postgres, self.standby):
            if engine is not None:
                engine.stop()

    @property
    def primary(self) -> str:
        """The name of the cluster that takes changes."""
        return self._state.get("primary", CLUSTERS[0])

    @property
    def other(self) -> str:
        """The name of the cluster that follows it, or would."""
        return CLUSTERS[1 - CLUSTERS.index(self.primary)]

    @property
    def replicator_password(self) -> str:
        return self._state["replicator_password"]

    @property
    def is_synchronous(self) -> bool:
        """Whether every commit that was answered is in the standby too."""
        return self._state.get("is_synchronous") == "yes"

    def note_synchronous(self, is_so: bool) -> None:
        """Remembered before commits stop waiting for the standby, and after they began to."""
        self._remember(is_synchronous="yes" if is_so else "")

    def note_primary(self, name: str) -> None:
        """From now on this one is the primary, also at the next start."""
        self._remember(primary=name, is_synchronous="")

    def cluster(self, name: str) -> Postgres:
        """One of the two, as it lies in the data folder; nothing is started or made."""
        folder, account = self.settings.data_dir, engine_account()
        wanted = folder / name
        place = reachable_folder(Path(self._state.get(f"{name}_folder") or wanted), account)
        if place != wanted and account:
            self.notes.append(
                f"PostgreSQL runs as the account {account.name!r}, which cannot enter {folder}: its data is in {place}."
            )
        # Only what lies elsewhere: a data folder that was moved or copied brings its cluster with it.
        self._remember(**{f"{name}_folder": "" if place == wanted else str(place)})
        return Postgres(
            folder=place,
            log=folder / "log" / f"{name}.log",
            account=account,
            admin_password=self._state["admin_password"],
            is_durable=self.settings.env != "test",
            archive=archive_folder(self.settings, account),
            keeps_commit_times=self.settings.env == "drill",
        )

    def port_of(self, name: str) -> int:
        """The remembered port of a cluster, else the next free one, which is remembered."""
        key = f"{name}_port"
        if key not in self._state:
            self._remember(**{key: str(next_free_port(FIRST_PORTS[key]))})
        return int(self._state[key])

    def _with_both(self, url: str) -> str:
        """The same address with the standby's beside the primary's."""
        hosts = f"127.0.0.1:{self.port_of(self.primary)}"
        return url.replace(hosts, f"{hosts},127.0.0.1:{self.port_of(self.other)}") + "?target_session_attrs=read-write"

    def _start_postgres(self) -> None:
        self.note_synchronous(False)
        self.postgres = self.cluster(self.primary)
        self.postgres.make()
        self.postgres.end_orphan()
        self._start_on_a_port(f"{self.primary}_port", self.postgres.start)
        if self.postgres.is_following:
            # A promotion was cut off: its predecessor is ended, and this one has all that was answered.
            self.postgres.promote()

    def _start_valkey(self) -> None:
        account = engine_account()
        self.valkey = ValkeyServer(
            folder=Path("/"),
            log=self.settings.data_dir / "log" / "valkey.log",
            account=account,
            password=self._state["valkey_password"],
        )
        self._start_on_a_port("valkey_port", self.valkey.start)

    def _start_on_a_port(self, name: str, start: Callable[[int], None]) -> None:
        """On the remembered port where it is free, else on the next free one from the first; then it is remembered."""
        port = int(self._state.get(name, FIRST_PORTS[name]))
        for _ in range(PORT_TRIES):
            if not is_free("127.0.0.1", port):
                port = next_free_port(FIRST_PORTS[name])
            try:
                start(port)
            except PortTaken:
                # Someone was faster; what is free is looked for again.
                continue
            self._remember(**{name: str(port)})
            return
        raise EngineFailed(f"Other programs took {PORT_TRIES} ports from under us, the last was {port}. Start again.")

    def _remember(self, **values: str) -> None:
        if any(self._state.get(name) != value for name, value in values.items()):
            self._state |= values
            write_private(self.settings.data_dir / STATE_FILE, msgspec.json.format(msgspec.json.encode(self._state)))


def archive_folder(settings: Settings, account: Account | None) -> Path | None:
    """Where the cluster's log is copied to, made for the account that copies; None where nobody asked for it."""
    wanted = settings.wal_archive_dir
    if wanted is None:
        return None
    wanted = wanted.absolute()
    wanted.mkdir(parents=True, exist_ok=True, mode=0o700)
    own(wanted, account)
    if account and not can_enter(wanted, account):
        raise EngineFailed(
            f"The account {account.name!r}, which PostgreSQL runs as, cannot enter {wanted}. Open the folders above it "
            "(`chmod o+x`), or choose another WEDSYNC_WAL_ARCHIVE_DIR."
        )
    return wanted


def log_folder(data_dir: Path) -> Path:
    folder = data_dir / "log"
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    return folder


@contextmanager
def held(data_dir: Path) -> Iterator[None]:
    """Hold the data folder as its one supervisor; EngineFailed names who already does. A killed one holds nothing.

    A restore whose process ended while it put its cluster in place is finished first.
    """
    data_dir.mkdir(parents=True, exist_ok=True, mode=0o711)
    path = data_dir / "lock"
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        holder = path.read_text().strip()
        os.close(descriptor)
        raise EngineFailed(
            f"Another wedsync (process {holder}) uses the data folder {data_dir}. "
            "Stop it, or pass another --data-dir and other ports to run a second one beside it."
        ) from None
    try:
        os.ftruncate(descriptor, 0)
        os.pwrite(descriptor, f"{os.getpid()}\n".encode(), 0)
        swap.finish(data_dir)
        yield
    finally:
        (data_dir / RUNNING_FILE).unlink(missing_ok=True)
        os.close(descriptor)


def publish(settings: Settings) -> None:
    """Tell later commands on this data folder where its engines are; for the eyes of its owner only."""
    values = {field: getattr(settings, field) for field in ADDRESSES}
    write_private(settings.data_dir / RUNNING_FILE, msgspec.json.format(msgspec.json.encode(values)))


def bundled(settings: Settings) -> Postgres | None:
    """The bundled cluster that a supervisor runs on this data folder, for its administrator's tools; None elsewhere."""
    if any(getattr(settings, field) for field in ADDRESSES if field != "valkey_url") or not is_held(settings.data_dir):
        return None
    state = kept_values(settings.data_dir, STATE_FILE, {})
    port = state.get(f"{state.get('primary', CLUSTERS[0])}_port")
    if port is None:
        return None
    postgres = Postgres(
        folder=cluster_folder(settings.data_dir),
        log=settings.data_dir / "log" / "postgres.log",
        account=engine_account(),
        admin_password=state["admin_password"],
    )
    postgres.port = int(port)
    return postgres


def passwords_of(data_dir: Path) -> dict[str, str]:
    """Of the administrator and of each login role, by the role's name; made where the data folder has none yet."""
    state = kept_values(data_dir, STATE_FILE, dict.fromkeys(PASSWORDS, _made))
    return {f"wedsync_{name.removesuffix('_password')}": value for name, value in state.items() if name in PASSWORDS}


def _made() -> str:
    return secrets.token_urlsafe(24)


def cluster_folder(data_dir: Path) -> Path:
    """Where the bundled cluster of a data folder lies, or would."""
    state = kept_values(data_dir, STATE_FILE, {})
    name = state.get("primary", CLUSTERS[0])
    return Path(state.get(f"{name}_folder") or reachable_folder(data_dir / name, engine_account()))


def reach(settings: Settings) -> Settings:
    """The settings with the addresses of engines that a supervisor runs on this data folder, where any are missing."""
    missing = [field for field in ADDRESSES if not getattr(settings, field)]
    if not missing or not is_held(settings.data_dir):
        return settings
    try:
        running: Mapping[str, str] = msgspec.json.decode(
            (settings.data_dir / RUNNING_FILE).read_bytes(), type=dict[str, str]
        )
    except (FileNotFoundError, PermissionError):
        return settings
    if any(getattr(settings, field) for field in ADDRESSES if field != "valkey_url"):
        # Its other doors must lead to the same database, so only Valkey's address may be borrowed.
        missing = [field for field in missing if field == "valkey_url"]
    return msgspec.structs.replace(settings, **{field: running[field] for field in missing})


def require(settings: Settings, *fields: str) -> None:
    """SettingsInvalid, with what to do, unless these addresses are known."""
    unknown = [variable(field) for field in fields if not getattr(settings, field)]
    if unknown:
        told = f"{' and '.join(unknown)} is not set and no `wedsync up` runs on {settings.data_dir}."
        raise SettingsInvalid([f"{told} Set it, or start one."])


def is_free(host: str, port: int) -> bool:
    with socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except OSError:
            return False
    return True


def free_port() -> int:
    """A port that nobody listens on now; the system hands them out in turn, so two calls do not collide."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def next_free_port(first: int) -> int:
    for port in range(first, first + 1000):
        if is_free("127.0.0.1", port):
            return port
    raise EngineFailed(f"No port from {first} to {first + 999} is free on this machine. End what holds them.")


def is_held(data_dir: Path) -> bool:
    try:
        descriptor = os.open(data_dir / "lock", os.O_RDWR)
    except OSError:
        return False
    try:
        fcntl.flock(descriptor, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    finally:
        os.close(descriptor)
    return False
