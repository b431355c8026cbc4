"""The way out: names that change where they lead, an egress proxy, and clients that show a certificate."""

import asyncio
import socket
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from uuid import uuid4

import pytest

from tests.contracts.certificates import Certificates
from tests.contracts.name_server import name_server
from tests.contracts.receivers import OK, Names, answering, head, never, receiver, wire
from wedsync.connections import signatures
from wedsync.connections.contract import Connection, Delivered, Delivery, RetryLater, Tools
from wedsync.connectors.webhook.connector import connect
from wedsync.connectors.webhook.tests.staged import EVENT
from wedsync.kit import clock, credentials, identity
from wedsync.kit.credentials import Credentials, NewAuth
from wedsync.kit.guard import TargetError
from wedsync.kit.http import Failure, Reply, Wire
from wedsync.kit.resolve import SystemResolver

#: One address of the machine stands for the public internet: it alone is opened.
OUTSIDE = "127.0.0.2"


async def test_a_name_server_that_answers_outside_first_and_inside_next_is_refused_at_the_next_connection() -> None:
    calls: list[bytes] = []
    now = [0.0]

    async def handler(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        calls.append(await head(reader))
        writer.write(OK.replace(b"200 OK", b"200 OK\r\nconnection: close"))
        await writer.drain()

    with name_server([OUTSIDE], ["127.0.0.1"]) as names:
        server = await asyncio.start_server(handler, "0.0.0.0", 0)
        port = server.sockets[0].getsockname()[1]
        resolver = SystemResolver(monotonic=lambda: now[0], ask=names.ask)
        door = Wire(allow=(f"{OUTSIDE}/32",), resolver=resolver)
        url = f"http://rebind.example:{port}/hook"
        await door.vet(url)
        first = await door.request("POST", url)
        again = await door.request("POST", url)
        now[0] = 31.0
        inside = await door.request("POST", url)
        with pytest.raises(TargetError, match="not public"):
            await door.vet(url)
        await door.close()
        server.close()
    for reply in (first, again):
        assert isinstance(reply, Reply)
        assert reply.timing.address == OUTSIDE
    assert isinstance(inside, Failure)
    assert (inside.kind, inside.may_have_arrived, inside.timing.address) == ("refused", False, None)
    assert "leads to an address that is not public" in inside.reason
    assert "WEDSYNC_EGRESS_ALLOW" in inside.reason
    assert len(calls) == 2
    assert names.asked == ["rebind.example"] * 2, "new connections within half a minute go where the judged answer led"


async def test_a_name_server_that_mixes_inside_and_outside_is_refused() -> None:
    with name_server(["93.184.215.14", "169.254.169.254"]) as names:
        door = Wire(resolver=SystemResolver(ask=names.ask))
        failure = await door.request("POST", "https://mixed.example/")
        await door.close()
    assert isinstance(failure, Failure)
    assert failure.kind == "refused"
    assert "leads to an address that is not public" in failure.reason


async def test_a_name_that_does_not_exist_is_told_so_by_a_real_name_server() -> None:
    with name_server([]) as names:
        door = Wire(resolver=SystemResolver(ask=names.ask))
        failure = await door.request("POST", "https://nowhere.example/")
        await door.close()
    assert isinstance(failure, Failure)
    assert (failure.kind, failure.reason) == (
        "name",
        "nowhere.example could not be resolved: Name or service not known.",
    )


class Proxy:
    """A CONNECT proxy that leads every name to loopback, or answers something else."""

    def __init__(self, refusal: bytes = b"") -> None:
        self.refusal = refusal
        self.asked: list[bytes] = []

    async def __call__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        request = await head(reader)
        self.asked.append(request)
        if self.refusal:
            writer.write(self.refusal)
            await writer.drain()
            return
        port = int(request.split()[1].rpartition(b":")[2])
        try:
            far_reader, far_writer = await asyncio.open_connection("127.0.0.1", port)
        except OSError:
            writer.write(b"HTTP/1.1 502 Bad Gateway\r\ncontent-length: 0\r\n\r\n")
            await writer.drain()
            return
        writer.write(b"HTTP/1.1 200 OK\r\n\r\n")
        await asyncio.wait(
            {asyncio.create_task(_copy(reader, far_writer)), asyncio.create_task(_copy(far_reader, writer))},
            return_when=asyncio.FIRST_COMPLETED,
        )
        far_writer.close()


async def _copy(source: asyncio.StreamReader, target: asyncio.StreamWriter) -> None:
    try:
        while data := await source.read(4096):
            target.write(data)
            await target.drain()
    except ConnectionError:
        return


@asynccontextmanager
async def proxied(proxy: Proxy, **options: object) -> AsyncIterator[Wire]:
    async with receiver(proxy) as port, wire(proxy=f"http://ana:word@127.0.0.1:{port}", **options) as door:
        yield door


async def test_a_proxy_is_asked_for_the_name_after_it_was_judged_and_tls_goes_through(tmp_path: Path) -> None:
    authority, proxy = Certificates(tmp_path), Proxy()
    async with (
        receiver(answering(OK), authority.server("out.example")) as port,
        proxied(proxy, extra_roots_pem=authority.root_pem) as door,
    ):
        reply = await door.request("POST", f"https://out.example:{port}/hook", body=b"x")
        wrong = await door.request("POST", f"https://wrong.example:{port}/hook")
        direct = await door.request("POST", f"http://127.0.0.1:{port}/", trusted=True)
    assert isinstance(reply, Reply)
    assert (reply.status, reply.timing.address) == (200, None)
    assert proxy.asked[0].startswith(f"CONNECT out.example:{port} HTTP/1.1".encode())
    assert b"proxy-authorization: basic" in proxy.asked[0].lower()
    assert isinstance(wrong, Failure)
    assert (wrong.kind, wrong.may_have_arrived) == ("tls", False)
    assert isinstance(direct, Failure), "what the operator set is reached without the proxy; here it speaks TLS"
    assert len(proxy.asked) == 2


async def test_what_leads_inwards_is_refused_before_the_proxy_is_asked() -> None:
    proxy = Proxy()
    async with proxied(proxy, allow=(), names=Names(["10.0.0.5"])) as door:
        failure = await door.request("POST", "https://inward.example/")
    assert isinstance(failure, Failure)
    assert (failure.kind, proxy.asked) == ("refused", [])


@pytest.mark.parametrize(
    "refusal",
    [
        b"HTTP/1.1 403 Forbidden\r\ncontent-length: 0\r\n\r\n",
        b"HTTP/1.1 407 Proxy Authentication Required\r\ncontent-length: 0\r\n\r\n",
        b"HTTP/1.1 502 Bad Gateway\r\ncontent-length: 0\r\n\r\n",
        b"what?\r\n\r\n",
    ],
)
async def test_a_proxy_that_refuses_is_its_own_kind_of_failure(refusal: bytes) -> None:
    async with proxied(Proxy(refusal)) as door:
        failure = await door.request("POST", "https://out.example:9443/")
    assert isinstance(failure, Failure)
    assert (failure.kind, failure.may_have_arrived) == ("proxy", False)
    assert failure.reason.startswith("The operator's egress proxy did not reach out.example: ")
    assert "word" not in failure.reason


async def test_a_proxy_that_is_away_is_no_failure_of_the_destination() -> None:
    async with receiver(never) as port:
        pass
    async with wire(proxy=f"http://127.0.0.1:{port}") as door:
        failure = await door.request("POST", "https://out.example/")
    assert isinstance(failure, Failure)
    assert (failure.kind, failure.may_have_arrived) == ("proxy", False)


@asynccontextmanager
async def mutual(authority: Certificates) -> AsyncIterator[tuple[int, list[str]]]:
    """A server that takes only clients of this authority: its port, and who came."""
    came: list[str] = []

    async def handler(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        spoken: ssl.SSLObject = writer.get_extra_info("ssl_object")
        certificate = spoken.getpeercert() or {}
        came.append(dict(part[0] for part in certificate["subject"])["commonName"])  # type: ignore[misc, index]
        await head(reader)
        writer.write(OK)
        await writer.drain()

    async with receiver(handler, authority.server("mutual.example", wants_client=True)) as port:
        yield port, came


async def test_a_client_certificate_is_shown_and_each_holder_has_connections_of_its_own(tmp_path: Path) -> None:
    authority, stranger = Certificates(tmp_path), Certificates(tmp_path)
    holders = [identity.read(*authority.issued(name), now=clock.machine_now()).pem for name in ("one.test", "two.test")]
    foreign = identity.read(*stranger.issued("one.test"), now=clock.machine_now()).pem
    async with mutual(authority) as (port, came), wire(extra_roots_pem=authority.root_pem) as door:
        url = f"https://mutual.example:{port}/hook"
        for pem in (*holders, holders[0]):
            assert isinstance(await door.request("POST", url, identity=pem), Reply)
        refused = [await door.request("POST", url, identity=pem) for pem in (b"", foreign)]
        assert len(door._clients) == 4
        unreadable = await door.request("POST", url, identity=b"-----BEGIN NONSENSE-----")
    assert came == ["one.test", "two.test", "one.test"]
    for failure in (*refused, unreadable):
        assert isinstance(failure, Failure)
    assert unreadable.reason == "The client certificate cannot be used. Set it again, as PEM."


async def test_an_endpoint_shows_its_certificate_and_is_taken(tmp_path: Path) -> None:
    authority = Certificates(tmp_path)
    certificate, key = authority.issued("us.test")
    new = NewAuth(kind="mtls", certificate=certificate, key=key)
    _, auth = credentials.checked_auth(new, Credentials(), now=clock.machine_now())
    text = credentials.to_text(Credentials(kind="mtls", auth=auth))
    async with mutual(authority) as (port, came), wire(extra_roots_pem=authority.root_pem) as door:
        connector = connect(Tools(wire=door, machine_now=clock.machine_now))
        settings = {"url": f"https://mutual.example:{port}/hook"}
        for secrets, word in (({"credentials": (text,)}, Delivered), ({}, RetryLater)):
            held = {"secret": (signatures.new_secret(),), **secrets}
            outcome = await connector.deliver(
                Delivery(id=uuid4(), tenant=uuid4(), timeout_s=5, event=EVENT),
                Connection(id=uuid4(), settings=settings, secrets=held),
            )
            assert isinstance(outcome, word), outcome
    assert came == ["us.test"]


async def test_a_server_that_refuses_the_certificate_is_told_as_no_secure_connection(tmp_path: Path) -> None:
    authority = Certificates(tmp_path)
    context = authority.server("mutual.example", wants_client=True)
    with socket.create_server(("127.0.0.1", 0)) as listening:

        def refuse() -> None:
            one, _ = listening.accept()
            # A blocking handshake ends by its alert on the wire; asyncio's cuts the connection.
            with one, suppress(ssl.SSLError):
                context.wrap_socket(one, server_side=True)

        refusing = asyncio.create_task(asyncio.to_thread(refuse))
        async with wire(extra_roots_pem=authority.root_pem) as door:
            failure = await door.request("POST", f"https://mutual.example:{listening.getsockname()[1]}/", body=b"x")
        await refusing
    assert isinstance(failure, Failure)
    assert (failure.kind, failure.may_have_arrived) == ("tls", False)
    assert "alert" in failure.reason
