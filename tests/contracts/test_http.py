"""The door to the network keeps its promises against receivers that are slow, endless, broken or hostile."""

import asyncio
import gzip
import time
from pathlib import Path

import pytest

from tests.contracts.certificates import Certificates
from tests.contracts.receivers import OK, Names, answering, head, never, receiver, wire
from wedsync.kit import http
from wedsync.kit.guard import TargetError
from wedsync.kit.http import Failure, Reply, Wire
from wedsync.kit.resolve import ResolveError, SystemResolver


async def test_a_call_is_answered_and_timed() -> None:
    seen: list[bytes] = []

    async def handler(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        seen.append(await head(reader) + await reader.readexactly(5))
        writer.write(b"HTTP/1.1 202 Accepted\r\nX-Said: yes\r\nX-Said: no\r\ncontent-length: 2\r\n\r\nok")
        await writer.drain()

    async with receiver(handler) as port, wire() as door:
        reply = await door.request(
            "POST", f"http://hooks.example:{port}/a?b=1#c", headers={"webhook-id": "1"}, body=b"hello"
        )
    assert isinstance(reply, Reply)
    assert (reply.status, reply.body, reply.ending, reply.headers["x-said"]) == (202, b"ok", "whole", "yes")
    assert reply.timing.address == "127.0.0.1"
    assert reply.timing.resolve_ms is not None
    assert reply.timing.first_byte_ms is not None
    assert reply.timing.resolve_ms <= reply.timing.first_byte_ms <= reply.timing.total_ms
    request = seen[0].lower()
    assert request.startswith(b"post /a?b=1 http/1.1\r\n")
    assert f"host: hooks.example:{port}".encode() in request
    assert b"webhook-id: 1" in request
    for unwanted in (b"accept-encoding", b"cookie", b"referer"):
        assert unwanted not in request


async def test_headers_that_never_come_end_at_the_deadline() -> None:
    async with receiver(never) as port, wire() as door:
        began = time.perf_counter()
        failure = await door.request("POST", f"http://slow.example:{port}/", body=b"x", timeout_s=0.2)
        took = time.perf_counter() - began
    assert isinstance(failure, Failure)
    assert (failure.kind, failure.may_have_arrived, failure.reason) == ("timeout", True, "No answer within 0.2 s.")
    assert took < 1.5


async def test_headers_that_trickle_do_not_stretch_the_deadline() -> None:
    async def handler(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await head(reader)
        writer.write(b"HTTP/1.1 200 OK\r\n")
        for number in range(100_000):
            writer.write(b"x-%d: y\r\n" % number)
            await writer.drain()
            await asyncio.wait({asyncio.create_task(asyncio.Event().wait())}, timeout=0.02)

    async with receiver(handler) as port, wire() as door:
        failure = await door.request("POST", f"http://slow.example:{port}/", timeout_s=0.2)
    assert isinstance(failure, Failure)
    assert failure.kind == "timeout"


async def test_an_endless_body_is_read_to_the_cap_and_the_connection_dropped() -> None:
    dropped = asyncio.Event()

    async def handler(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await head(reader)
        writer.write(b"HTTP/1.1 200 OK\r\n\r\n")
        try:
            while True:
                writer.write(b"x" * 8192)
                await writer.drain()
        finally:
            dropped.set()

    async with receiver(handler) as port, wire() as door:
        reply = await door.request("POST", f"http://endless.example:{port}/", timeout_s=5)
        await asyncio.wait_for(dropped.wait(), 5)
    assert isinstance(reply, Reply)
    assert (reply.ending, len(reply.body), len(reply.kept_body)) == ("capped", 64 * 1024, 8 * 1024)


@pytest.mark.parametrize("size", [0, 1, 64 * 1024])
async def test_a_body_up_to_the_cap_is_whole(size: int) -> None:
    data = b"HTTP/1.1 200 OK\r\ncontent-length: %d\r\n\r\n" % size + b"x" * size
    async with receiver(answering(data)) as port, wire() as door:
        reply = await door.request("GET", f"http://big.example:{port}/")
    assert isinstance(reply, Reply)
    assert (reply.ending, len(reply.body)) == ("whole", size)


@pytest.mark.parametrize("stalls", [True, False])
async def test_a_body_that_stalls_or_breaks_off_leaves_the_status_known(stalls: bool) -> None:
    async def handler(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await head(reader)
        writer.write(b"HTTP/1.1 200 OK\r\ncontent-length: 10\r\n\r\nab")
        await writer.drain()
        if stalls:
            await asyncio.Event().wait()

    async with receiver(handler) as port, wire() as door:
        reply = await door.request("POST", f"http://stall.example:{port}/", timeout_s=0.3)
    assert isinstance(reply, Reply)
    assert (reply.status, reply.body, reply.ending) == (200, b"ab", "cut")


async def test_a_redirect_is_an_answer_and_is_not_followed() -> None:
    async with receiver(answering(OK)) as secret_port:
        to = f"http://127.0.0.1:{secret_port}/admin".encode()
        data = b"HTTP/1.1 302 Found\r\nlocation: " + to + b"\r\ncontent-length: 0\r\n\r\n"
        async with receiver(answering(data)) as port, wire() as door:
            reply = await door.request("POST", f"http://moved.example:{port}/")
    assert isinstance(reply, Reply)
    assert (reply.status, reply.headers["location"]) == (302, to.decode())


async def test_a_gzip_bomb_stays_packed() -> None:
    bomb = gzip.compress(bytes(20_000_000))
    data = b"HTTP/1.1 200 OK\r\ncontent-encoding: gzip\r\ncontent-length: %d\r\n\r\n" % len(bomb) + bomb
    async with receiver(answering(data)) as port, wire() as door:
        reply = await door.request("POST", f"http://bomb.example:{port}/")
    assert isinstance(reply, Reply)
    assert reply.body == bomb[: 64 * 1024]


async def test_a_reset_connection_may_have_arrived() -> None:
    async def handler(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await head(reader)
        writer.transport.abort()

    async with receiver(handler) as port, wire() as door:
        failure = await door.request("POST", f"http://reset.example:{port}/", body=b"x")
    assert isinstance(failure, Failure)
    assert (failure.kind, failure.may_have_arrived) == ("broken", True)
    assert "reset.example" in failure.reason


@pytest.mark.parametrize(
    "data",
    [
        b"SSH-2.0-OpenSSH_9.6\r\n\r\n",
        b"HTTP/1.1 200 OK\r\n" + b"x: " + b"y" * 900_000 + b"\r\n\r\n",
        b"HTTP/1.1 200 OK\r\n" + b"a: b\r\n" * 500 + b"\r\n",
        b"HTTP/1.1 200 OK\r\ncontent-length: 1\r\ncontent-length: 2\r\n\r\nab",
    ],
)
async def test_what_is_not_http_is_a_failure_and_not_a_crash(data: bytes) -> None:
    async with receiver(answering(data)) as port, wire() as door:
        failure = await door.request("POST", f"http://odd.example:{port}/", timeout_s=2)
    assert isinstance(failure, Failure)
    assert failure.kind == "broken"


async def test_headers_of_any_bytes_and_size_are_kept_within_bounds() -> None:
    lines = b"".join(b"x-%d: %s\r\n" % (number, (b"a", b"\xe9")[number % 2] * 2000) for number in range(80))
    data = b"HTTP/1.1 200 OK\r\n" + lines + b"content-length: 0\r\n\r\n"
    async with receiver(answering(data)) as port, wire() as door:
        reply = await door.request("GET", f"http://odd.example:{port}/")
    assert isinstance(reply, Reply)
    assert reply.headers["x-1"] == "(not text)"
    assert len(reply.headers["x-0"]) == http.HEADER_KEPT_MAX_CHARACTERS
    assert len(reply.headers) == http.HEADERS_KEPT_MAX


async def test_a_closed_port_is_surely_not_reached() -> None:
    async with receiver(never) as port:
        pass
    async with wire() as door:
        failure = await door.request("POST", f"http://closed.example:{port}/")
    assert isinstance(failure, Failure)
    assert (failure.kind, failure.may_have_arrived) == ("connect", False)
    assert failure.reason == "Could not connect to closed.example: Connection refused."


async def test_the_next_address_is_tried_where_nothing_was_sent() -> None:
    async with receiver(answering(OK)) as port, wire(names=Names(["127.0.0.9", "127.0.0.1"])) as door:
        reply = await door.request("POST", f"http://two.example:{port}/")
    assert isinstance(reply, Reply)
    assert reply.timing.address == "127.0.0.1"


async def test_a_name_that_turns_inwards_after_it_was_saved_is_not_called() -> None:
    """DNS rebinding: public when vetted, private when called; each call judges what it will dial."""
    names = Names(["93.184.215.14"], ["10.0.0.5"])
    async with wire(names=names) as door:
        target = await door.vet("https://rebind.example/hooks")
        failure = await door.request("POST", target.url)
    assert isinstance(failure, Failure)
    assert (failure.kind, failure.may_have_arrived) == ("refused", False)
    assert "an address that is not public" in failure.reason
    assert "WEDSYNC_EGRESS_ALLOW" in failure.reason
    assert failure.timing.address is None


async def test_the_checked_address_is_dialled_and_the_name_is_not_asked_again() -> None:
    """The client itself would find nothing under this name: only the pinned answer leads anywhere."""
    names = Names(["127.0.0.1"])
    async with receiver(answering(OK)) as port, wire(names=names) as door:
        for host in ("pinned.invalid", "PINNED.invalid", "bücher.invalid"):
            assert isinstance(await door.request("POST", f"http://{host}:{port}/"), Reply)
    assert names.asked == ["pinned.invalid", "pinned.invalid", "xn--bcher-kva.invalid"]


async def test_one_private_answer_among_public_ones_is_enough_to_refuse() -> None:
    async with wire(names=Names(["93.184.215.14", "169.254.169.254"])) as door:
        failure = await door.request("GET", "https://mixed.example/")
    assert isinstance(failure, Failure)
    assert failure.kind == "refused"


async def test_without_an_opened_range_loopback_is_refused_and_the_operators_url_is_not() -> None:
    async with receiver(answering(OK)) as port, wire(allow=()) as door:
        url = f"http://127.0.0.1:{port}/"
        refused = await door.request("POST", url)
        trusted = await door.request("POST", url, trusted=True)
    assert isinstance(refused, Failure)
    assert "a loopback address" in refused.reason
    assert isinstance(trusted, Reply)


async def test_an_unknown_name_is_a_failure_in_plain_words() -> None:
    async with wire(names=Names([])) as door:
        failure = await door.request("POST", "https://nowhere.example/")
    assert isinstance(failure, Failure)
    assert (failure.kind, failure.may_have_arrived) == ("name", False)
    assert failure.reason == "nowhere.example could not be resolved: Name or service not known."


async def test_a_name_server_that_hangs_ends_at_the_deadline() -> None:
    async def hang(host: str) -> list[str]:
        await asyncio.Event().wait()
        return []

    door = Wire(resolver=hang)
    failure = await door.request("POST", "https://hang.example/", timeout_s=0.1)
    await door.close()
    assert isinstance(failure, Failure)
    assert (failure.kind, failure.may_have_arrived) == ("timeout", False)


async def test_saving_judges_what_dns_says_in_time_and_waits_for_nothing_else() -> None:
    async def hang(host: str) -> list[str]:
        await asyncio.Event().wait()
        return []

    async with wire(names=Names(["10.0.0.5"]), allow=()) as door:
        with pytest.raises(TargetError, match="leads to an address that is not public"):
            await door.vet("https://inward.example/")
        for url, says in (("http://inward.example/", "https"), ("https://127.0.0.1/", "loopback")):
            with pytest.raises(TargetError, match=says):
                await door.vet(url)
    async with wire(names=Names([]), allow=()) as door:
        assert (await door.vet("https://not-made-yet.example/")).host == "not-made-yet.example"
    door = Wire(resolver=hang)
    assert (await door.vet("https://slow.example/", timeout_s=0.05)).host == "slow.example"
    await door.close()


async def test_proxies_of_the_environment_are_not_used(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("http_proxy", "HTTP_PROXY", "all_proxy", "ALL_PROXY"):
        monkeypatch.setenv(name, "http://127.0.0.1:1")
    async with receiver(answering(OK)) as port, wire() as door:
        assert isinstance(await door.request("POST", f"http://direct.example:{port}/"), Reply)


async def test_connections_are_kept_and_clients_are_bounded() -> None:
    connections = 0

    async def handler(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        nonlocal connections
        connections += 1
        while await head(reader):
            writer.write(OK)
            await writer.drain()

    async with receiver(handler) as port, wire(clients_max=2) as door:
        for _ in range(5):
            assert isinstance(await door.request("POST", f"http://kept.example:{port}/"), Reply)
        assert connections == 1
        for number in range(5):
            assert isinstance(await door.request("POST", f"http://n{number}.example:{port}/"), Reply)
        assert len(door._clients) == 2


async def test_a_client_pushed_out_of_the_bounded_set_still_ends_its_call() -> None:
    arrived, go_on = asyncio.Event(), asyncio.Event()

    async def handler(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if b"first.example" in await head(reader):
            arrived.set()
            await go_on.wait()
        writer.write(OK)
        await writer.drain()

    async with receiver(handler) as port, wire(clients_max=1) as door:
        first = asyncio.create_task(door.request("POST", f"http://first.example:{port}/"))
        await arrived.wait()
        assert isinstance(await door.request("POST", f"http://second.example:{port}/"), Reply)
        go_on.set()
        assert isinstance(await first, Reply)


async def test_tls_is_verified_against_the_name_and_not_the_address(tmp_path: Path) -> None:
    authority = Certificates(tmp_path)
    context = authority.server("right.example")
    async with receiver(answering(OK), context) as port:
        async with wire(extra_roots_pem=authority.root_pem) as door:
            right = await door.request("POST", f"https://right.example:{port}/")
            wrong = await door.request("POST", f"https://wrong.example:{port}/")
        async with wire() as door:
            unknown = await door.request("POST", f"https://right.example:{port}/")
    assert isinstance(right, Reply)
    for failure in (wrong, unknown):
        assert isinstance(failure, Failure)
        assert (failure.kind, failure.may_have_arrived) == ("tls", False)
        assert "certificate" in failure.reason


async def test_the_system_is_asked_once_for_many_callers_and_its_answers_are_remembered() -> None:
    now = [0.0]
    resolver = SystemResolver(monotonic=lambda: now[0])
    first = await asyncio.gather(*(resolver("localhost") for _ in range(20)))
    assert set(first[0]) <= {"127.0.0.1", "::1"}
    assert all(answer is first[0] for answer in first)
    assert await resolver("localhost") is first[0]
    now[0] = 31.0
    assert await resolver("localhost") is not first[0]
    for _ in range(2):
        with pytest.raises(ResolveError, match=r"no-such-host\.invalid could not be resolved"):
            await resolver("no-such-host.invalid")
    resolver.close()
