"""Listening sockets that outlive the process that serves them: the supervisor holds them, web and gateway inherit them.

While a process is restarted, whoever connects waits in the socket's queue for the successor instead of being refused,
and what a killed process had not accepted is not lost with it. Each worker of web has a socket of its own, among which
the kernel shares out connections.
"""

import multiprocessing
import os
import socket
from collections.abc import Sequence
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
