"""A DNS server over UDP whose answers a test writes, and how a resolver is pointed at it."""

import socket
import struct
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from ipaddress import IPv4Address

HEAD = struct.Struct(">HHHHHH")
ANSWER = struct.Struct(">HHHIH")
A, IN = 1, 1


class NameServer:
    """Each question takes the next list of addresses; the last one stays. No addresses: the name does not exist."""

    def __init__(self, answers: Sequence[Sequence[str]]) -> None:
        self.answers = [list(answer) for answer in answers]
        self.asked: list[str] = []
        self._socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self._socket.bind(("127.0.0.1", 0))
        self.port = self._socket.getsockname()[1]

    def serve(self) -> None:
        """Until the socket is shut."""
        while True:
            question, whence = self._socket.recvfrom(512)
            if not question:
                return
            self._socket.sendto(self._answered(question), whence)

    def close(self) -> None:
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as one:
            one.sendto(b"", ("127.0.0.1", self.port))

    def _answered(self, question: bytes) -> bytes:
        (id, *_), rest = HEAD.unpack_from(question), question[HEAD.size :]
        self.asked.append(".".join(labels(rest)))
        addresses = self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]
        head = HEAD.pack(id, 0x8180 if addresses else 0x8183, 1, len(addresses), 0, 0)
        # Each answer points back to the name of the question, and may be kept for no time at all.
        told = b"".join(ANSWER.pack(0xC00C, A, IN, 0, 4) + IPv4Address(a).packed for a in addresses)
        return head + rest[: rest.index(0) + 5] + told

    def ask(self, host: str) -> list[str]:
        """What `SystemResolver` does by the system, done by this server."""
        name = b"".join(bytes([len(label)]) + label.encode() for label in host.split(".")) + b"\0"
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as one:
            one.settimeout(5)
            one.sendto(HEAD.pack(7, 0x0100, 1, 0, 0, 0) + name + struct.pack(">HH", A, IN), ("127.0.0.1", self.port))
            told = one.recv(512)
        count = HEAD.unpack_from(told)[3]
        if not count:
            raise OSError(-2, "Name or service not known")
        start = HEAD.size + len(name) + 4
        size = ANSWER.size + 4
        return [str(IPv4Address(told[at + ANSWER.size : at + size])) for at in range(start, start + count * size, size)]


def labels(text: bytes) -> Iterator[str]:
    """Of a name as it is written on the wire."""
    while text[0]:
        yield text[1 : 1 + text[0]].decode()
        text = text[1 + text[0] :]


@contextmanager
def name_server(*answers: Sequence[str]) -> Iterator[NameServer]:
    """The server, while it runs in a thread of its own."""
    server = NameServer(answers)
    thread = threading.Thread(target=server.serve)
    thread.start()
    try:
        yield server
    finally:
        server.close()
        thread.join()
        server._socket.close()
