"""Listening sockets that outlive the process that serves them: the supervisor holds them, web and gateway inherit them.

While a process is restarted, whoever connects waits in the socket's queue for the successor instead of being refused,
and what a killed process had not accepted is not lost with it. Each worker of web has a socket of its own, among which
the kernel shares out connections.
"""

import multiprocessing
import os
import socket
import stat
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import Final

from wedsync.processes.children import IS_LINUX

VARIABLE: Final = "WEDSYNC_LISTENING"
"""The inherited file descriptors, by commas."""
BACKLOG: Final = 1024


def can_be_held() -> bool:
    """Whether workers of web can inherit: they do where they are forked, and only Linux shares out connections."""
    return IS_LINUX and multiprocessing.get_start_method() == "fork"


def hold(host: str, port: int, *, count: int = 1) -> tuple[socket.socket, ...]:
    """So many sockets that listen on one address; empty where they could not be handed over."""
    if not can_be_held():
        return ()
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    made = tuple(
        socket.create_server((host, port), family=family, backlog=BACKLOG, reuse_port=True) for _ in range(count)
    )
    for one in made:
        one.setblocking(False)
    return made


def environ(sockets: Sequence[socket.socket]) -> dict[str, str]:
    """What tells a child of them."""
    return {VARIABLE: ",".join(str(one.fileno()) for one in sockets)} if sockets else {}


def inherited() -> list[socket.socket]:
    """Those that this process was started with."""
    return [socket.socket(fileno=int(number)) for number in os.environ.get(VARIABLE, "").split(",") if number]


def let_go() -> None:
    """Accept nothing more from the inherited sockets; what waits there is the successor's.

    A server that is told to stop closes connections it has accepted and not heard from, whose requests are then lost.
    To close the sockets would not do: other processes hold them too, so the kernel would go on telling this one of
    connections. Under each number a socket is laid that nobody can reach, and there is never anything to accept.
    """
    if not os.environ.get(VARIABLE):
        return
    with socket.socket() as nobody:
        nobody.setblocking(False)
        nobody.bind(("127.0.0.1", 0))
        nobody.listen(1)
        for number in [int(entry.name) for entry in Path("/proc/self/fd").iterdir()]:
            if number != nobody.fileno() and _is_listening(number):
                os.dup2(nobody.fileno(), number, inheritable=False)


def _is_listening(number: int) -> bool:
    # One may have been closed since they were listed.
    with suppress(OSError):
        if stat.S_ISSOCK(os.fstat(number).st_mode):
            with socket.socket(fileno=os.dup(number)) as one:
                return one.getsockopt(socket.SOL_SOCKET, socket.SO_ACCEPTCONN) == 1
    return False
