"""What is promised of Valkey, against the real server: messages arrive, outages are quiet, and limits are shared."""

import asyncio
import secrets
import time
from collections.abc import AsyncIterator
from contextlib import closing
from pathlib import Path

import pytest
import pytest_asyncio
import structlog
from structlog.testing import capture_logs

from wedsync.kit.limits import Bucket, Limits, Window
from wedsync.kit.valkey import CALL_TIMEOUT_S, Client, Outage, Publisher, Subscriber, connect
from wedsync.processes.engine_account import engine_account
from wedsync.processes.engines import free_port
from wedsync.processes.valkey_server import ValkeyServer

PATIENCE_S = 30


class Ear:
    """What a subscriber heard, and a way to wait for more of it."""

    def __init__(self) -> None:
        self.heard: asyncio.Queue[tuple[bytes, bytes]] = asyncio.Queue()
        self.connected = asyncio.Event()

    def __call__(self, channel: bytes, payload: bytes) -> None:
        self.heard.put_nowait((channel, payload))

    async def next(self) -> tuple[bytes, bytes]:
        return await asyncio.wait_for(self.heard.get(), PATIENCE_S)

    async def reconnected(self) -> None:
        await asyncio.wait_for(self.connected.wait(), PATIENCE_S)
        self.connected.clear()


@pytest.fixture(autouse=True)
def _fresh_loggers() -> None:
    structlog.reset_defaults()


@pytest_asyncio.fixture
async def server(tmp_path: Path) -> AsyncIterator[ValkeyServer]:
    """A Valkey that the test may stop and start."""
    server = ValkeyServer(
        folder=Path("/"), log=tmp_path / "log", account=engine_account(), password=secrets.token_hex(8)
    )
    server.start(free_port())
    yield server
    server.stop()


@pytest_asyncio.fixture
async def publisher(valkey_url: str) -> AsyncIterator[Publisher]:
    publisher = Publisher(valkey_url)
    yield publisher
    await publisher.close()


@pytest_asyncio.fixture
async def client(valkey_url: str) -> AsyncIterator[Client]:
    client = connect(valkey_url)
    yield client
    await client.aclose()


async def test_a_message_reaches_a_subscriber_of_its_channel_only(valkey_url: str, publisher: Publisher) -> None:
    ear = Ear()
    async with listening(valkey_url, ["one", "two"], ear):
        assert await publisher.publish("other", b"no")
        assert await publisher.publish("two", "yes")
        assert await ear.next() == (b"two", b"yes")
        assert ear.heard.empty()


async def test_ten_thousand_messages_arrive_whole_and_in_order(valkey_url: str, publisher: Publisher) -> None:
    ear = Ear()
    async with listening(valkey_url, ["many"], ear):
        client = connect(valkey_url)
        async with client.pipeline(transaction=False) as pipeline:
            for number in range(10_000):
                pipeline.publish("many", f"{number}:" + "x" * (number % 700))
            await pipeline.execute()
        await client.aclose()
        for number in range(10_000):
            _, payload = await ear.next()
            assert payload.startswith(b"%d:" % number)
            assert len(payload) == len(str(number)) + 1 + number % 700


async def test_what_gathers_during_a_publish_goes_as_one_array(valkey_url: str, publisher: Publisher) -> None:
    ear = Ear()
    async with listening(valkey_url, ["events"], ear):
        publisher.gather("events", b'{"n":1}')
        publisher.gather("events", b'{"n":2}', b'{"n":3}')
        assert await ear.next() == (b"events", b'[{"n":1},{"n":2},{"n":3}]')


async def test_a_publish_finds_that_its_connection_was_lost_and_goes_all_the_same(
    valkey_url: str, publisher: Publisher
) -> None:
    ear = Ear()
    async with listening(valkey_url, ["events"], ear):
        assert await publisher.publish("events", b"1")
        await ear.next()
        client = connect(valkey_url)
        await client.execute_command("CLIENT", "KILL", "TYPE", "normal", "SKIPME", "yes")
        with capture_logs() as logs:
            assert await publisher.publish("events", b"2")
        await client.aclose()
        assert await ear.next() == (b"events", b"2")
        assert logs == [], "and nobody is told of an outage"


async def test_what_gathers_does_not_wait_for_the_answer_to_what_went_before() -> None:
    """As in a worker with much to do, which comes to read that answer late: here it never comes."""
    taken: asyncio.Queue[bytes] = asyncio.Queue()

    async def take(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with closing(writer):
            while heading := await reader.readline():
                words = [(await reader.readline(), await reader.readline())[1].strip() for _ in range(int(heading[1:]))]
                if words[0] == b"PUBLISH":
                    taken.put_nowait(words[2])
                else:
                    writer.write(b"+OK\r\n")

    async with await asyncio.start_server(take, "127.0.0.1", 0) as slow:
        publisher = Publisher(f"valkey://127.0.0.1:{slow.sockets[0].getsockname()[1]}?protocol=2")
        began = time.monotonic()
        publisher.gather("events", b"1")
        assert await asyncio.wait_for(taken.get(), PATIENCE_S) == b"[1]"
        publisher.gather("events", b"2")
        publisher.gather("events", b"3")
        assert await asyncio.wait_for(taken.get(), PATIENCE_S) == b"[2,3]"
        assert time.monotonic() - began < CALL_TIMEOUT_S, "the answer is given up only then"
        await publisher.close()


async def test_who_waits_for_an_empty_array_hears_it_whatever_gathers_with_it(
    valkey_url: str, publisher: Publisher
) -> None:
    """It wakes the sweeps of hooks; among the facts of others a hook was left to the claims a second later."""
    ear = Ear()
    async with listening(valkey_url, ["events"], ear):
        publisher.gather("events", b'{"n":1}')
        publisher.gather("events")
        assert await ear.next() == (b"events", b'[{"n":1}]')
        assert await ear.next() == (b"events", b"[]")
        publisher.gather("events")
        publisher.gather("events")
        assert await ear.next() == (b"events", b"[]")
        publisher.gather("events", b'{"n":2}')
        assert await ear.next() == (b"events", b'[{"n":2}]')


async def test_a_subscriber_comes_back_by_itself_and_says_so(server: ValkeyServer) -> None:
    ear = Ear()
    async with listening(server.url, ["events"], ear):
        port = server.port
        with capture_logs() as lines:
            server.stop()
            server.start(port)
            await ear.reconnected()
        publisher = Publisher(server.url)
        assert await publisher.publish("events", b"again")
        assert await ear.next() == (b"events", b"again")
        await publisher.close()
    assert [line["event"] for line in lines if line.get("used_for") == "subscribe"] == ["valkey_away", "valkey_back"]


async def test_a_silent_connection_is_given_up() -> None:
    """A server that accepts, answers the greeting and then says nothing more: a cable was pulled."""
    greeted = asyncio.Queue[None]()

    async def mute(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"events\r\n")
        writer.write(b"*3\r\n$9\r\nsubscribe\r\n$6\r\nevents\r\n:1\r\n")
        greeted.put_nowait(None)
        await reader.read()
        writer.close()

    listener = await asyncio.start_server(mute, "127.0.0.1", free_port())
    port = listener.sockets[0].getsockname()[1]
    subscriber = Subscriber(f"valkey://127.0.0.1:{port}", ["events"], Ear(), heartbeat_s=0.05)
    running = asyncio.create_task(subscriber.run())
    for _ in range(3):
        await asyncio.wait_for(greeted.get(), PATIENCE_S)
    await cancelled(running)
    listener.close()


async def test_a_bug_in_a_listener_is_not_taken_for_an_outage(valkey_url: str, publisher: Publisher) -> None:
    def broken(_: bytes, payload: bytes) -> None:
        raise KeyError(payload)

    connected = asyncio.Event()
    running = asyncio.create_task(Subscriber(valkey_url, ["events"], broken, connected.set).run())
    await asyncio.wait_for(connected.wait(), PATIENCE_S)
    asyncio.get_running_loop().set_exception_handler(lambda *_: None)
    await publisher.publish("events", b"x")
    with pytest.raises(KeyError):
        await asyncio.wait_for(running, PATIENCE_S)
    asyncio.get_running_loop().set_exception_handler(None)


async def test_a_wrong_password_is_an_outage_with_its_reason(valkey_url: str) -> None:
    wrong = valkey_url.replace("@", "x@")
    with capture_logs() as lines:
        assert not await Publisher(wrong).publish("events", b"x")
    assert "invalid username-password pair" in lines[0]["reason"]


async def test_publishing_to_a_dead_server_is_one_warning_and_no_error(server: ValkeyServer) -> None:
    publisher, port = Publisher(server.url), server.port
    with capture_logs() as lines:
        assert await publisher.publish("events", b"1")
        server.stop()
        assert [await publisher.publish("events", b"2") for _ in range(50)] == [False] * 50
        assert publisher.is_away
        server.start(port)
        async with asyncio.timeout(PATIENCE_S):
            while not await publisher.publish("events", b"3"):
                await asyncio.sleep(0)
    assert [line["event"] for line in lines] == ["valkey_away", "valkey_back"]
    await publisher.close()


def test_after_a_failure_nothing_is_tried_for_a_while() -> None:
    outage = Outage("test")
    assert outage.may_try()
    outage.failed(OSError("gone"))
    assert not outage.may_try()
    outage.worked()
    assert outage.may_try()


async def test_a_window_is_shared_and_exact(client: Client, valkey_url: str) -> None:
    other = connect(valkey_url)
    mine, theirs = Limits(client), Limits(other)
    window = Window(secrets.token_hex(4), 5, 60)
    answers = [await limits.hit(window, "ana@example.com") for limits in (mine, theirs) * 4]
    assert [answer.is_allowed for answer in answers] == [True] * 5 + [False] * 3
    assert [answer.remaining for answer in answers] == [4, 3, 2, 1, 0, 0, 0, 0]
    assert 55 < answers[-1].reset_s <= 60
    assert (await mine.hit(window, "ben@example.com")).is_allowed
    keys = [key async for key in client.scan_iter()]
    assert keys
    assert not any(b"ana" in key for key in keys)
    await other.aclose()


async def test_a_window_opens_again_when_its_oldest_hit_has_passed(client: Client) -> None:
    limits, window = Limits(client), Window(secrets.token_hex(4), 2, 0.05)
    assert [(await limits.hit(window, "a")).is_allowed for _ in range(3)] == [True, True, False]
    async with asyncio.timeout(PATIENCE_S):
        while not (await limits.hit(window, "a")).is_allowed:
            await asyncio.sleep(0)


async def test_a_bucket_is_shared_and_refills(client: Client, valkey_url: str) -> None:
    other = connect(valkey_url)
    mine, theirs = Limits(client), Limits(other)
    bucket = Bucket(secrets.token_hex(4), per_s=0.02, burst=4)
    answers = [await limits.hit(bucket, "a") for limits in (mine, theirs) * 3]
    assert [answer.is_allowed for answer in answers] == [True] * 4 + [False] * 2
    assert [answer.remaining for answer in answers[:4]] == [3, 2, 1, 0]
    assert 0 < answers[-1].reset_s <= 50
    fast = Bucket(secrets.token_hex(4), per_s=200, burst=1)
    assert (await mine.hit(fast, "a")).is_allowed
    async with asyncio.timeout(PATIENCE_S):
        while not (await mine.hit(fast, "a")).is_allowed:
            await asyncio.sleep(0)
    await other.aclose()


async def test_a_flood_is_refused_without_asking_each_time(client: Client) -> None:
    """Of what is asked once a second a place that comes free is still seen in time."""
    now = 0.0
    limits, window = Limits(client, time=lambda: now), Window(secrets.token_hex(4), 1, 60)
    assert (await limits.hit(window, "a")).is_allowed
    before = await asked(client)
    refused = [await limits.hit(window, "a") for _ in range(50)]
    assert not any(one.is_allowed for one in refused)
    assert all(one.reset_s == refused[0].reset_s for one in refused)
    assert await asked(client) == before + 1
    assert (await limits.hit(window, "b")).is_allowed, "another's place is another matter"
    now = 1.0
    assert not (await limits.hit(window, "a")).is_allowed
    assert await asked(client) == before + 3


async def asked(client: Client) -> int:
    """How many scripts the server has run."""
    return int((await client.info("commandstats")).get("cmdstat_evalsha", {}).get("calls", 0))


async def test_many_at_once_never_get_more_than_the_limit(client: Client) -> None:
    limits, window = Limits(client), Window(secrets.token_hex(4), 25, 60)
    answers = await asyncio.gather(*(limits.hit(window, "a") for _ in range(12 * 8)))
    assert sum(answer.is_allowed for answer in answers) == 25


async def test_limits_hold_while_the_server_is_away_and_are_shared_again_after(server: ValkeyServer) -> None:
    client, window, port = connect(server.url), Window("w", 3, 60), server.port
    limits = Limits(client)
    server.stop()
    with capture_logs() as lines:
        answers = [await limits.hit(window, "a") for _ in range(5)]
    assert [answer.is_allowed for answer in answers] == [True, True, True, False, False]
    assert [line["event"] for line in lines] == ["valkey_away"]
    server.start(port)
    async with asyncio.timeout(PATIENCE_S):
        while not (await limits.hit(window, "a")).is_allowed:
            await asyncio.sleep(0)
    assert await client.keys("wedsync:limit:*")
    await client.aclose()


class listening:  # noqa: N801 -- used like a function
    """A subscriber that runs, and is subscribed, inside the block."""

    def __init__(self, url: str, channels: list[str], ear: Ear) -> None:
        self.ear = ear
        self.subscriber = Subscriber(url, channels, ear, ear.connected.set)

    async def __aenter__(self) -> Subscriber:
        self.running = asyncio.create_task(self.subscriber.run())
        await self.ear.reconnected()
        return self.subscriber

    async def __aexit__(self, *_: object) -> None:
        await cancelled(self.running)


async def cancelled(task: asyncio.Task[None]) -> None:
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
