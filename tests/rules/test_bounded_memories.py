"""What a process remembers is bounded, and what it could not write it keeps until it can."""

import asyncio
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any
from uuid import UUID, uuid4

import msgspec
import pytest
import uvloop
from structlog.testing import capture_logs

from wedsync.events import completions, tokens
from wedsync.events.completions import Completions
from wedsync.events.jobs import Ending
from wedsync.kit import oauth, resolve, watch
from wedsync.kit.http import Failure, Reply, Timing, Wire
from wedsync.kit.oauth import Grant, TokenError, Tokens
from wedsync.kit.resolve import ResolveError, SystemResolver

NO_TIME = Timing(resolve_ms=0.0, first_byte_ms=0.0, total_ms=0.0, address="")


class Script(Wire):
    """A token server that gives one answer after the other, the last one for ever."""

    def __init__(self, *answers: Reply | Failure) -> None:
        super().__init__()
        self.answers, self.asked = list(answers), 0

    async def request(self, *args: Any, **named: Any) -> Reply | Failure:
        self.asked += 1
        return self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]


def given(token: str) -> Reply:
    body = msgspec.json.encode({"access_token": token, "expires_in": 3600})
    return Reply(status=200, headers={}, body=body, ending="whole", timing=NO_TIME)


GRANT = Grant(token_url="https://sign.example/token", client_id="ours", client_secret="tulip")
OUR_PROXY = Failure(kind="proxy", reason="The proxy is away.", may_have_arrived=False, timing=NO_TIME)
THEIRS = Failure(kind="timeout", reason="It took too long.", may_have_arrived=True, timing=NO_TIME)


async def test_only_what_the_token_server_itself_did_is_remembered_of_it() -> None:
    for answer, asked in ((OUR_PROXY, 2), (THEIRS, 1)):
        wire = Script(answer)
        kept = Tokens(wire, monotonic=lambda: 0.0)
        for _ in range(2):
            with pytest.raises(TokenError):
                await kept.get("e1", GRANT, timeout_s=5)
        assert wire.asked == asked, answer
        await wire.close()


async def test_tokens_are_held_for_so_many(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(oauth, "HELD_MAX", 2)
    wire = Script(given("a"), given("b"), given("c"), given("d"))
    kept = Tokens(wire, monotonic=lambda: 0.0)
    held = [await kept.get(holder, GRANT, timeout_s=5) for holder in ("e1", "e2", "e3", "e2", "e1")]
    assert held == ["a", "b", "c", "b", "d"]
    await wire.close()


async def test_names_are_remembered_for_so_many(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(resolve, "NAMES_MAX", 1)
    asked: list[str] = []

    def ask(host: str) -> list[str]:
        asked.append(host)
        if host == "none.example":
            raise OSError(-2, "Name or service not known")
        return ["192.0.2.1"]

    names = SystemResolver(monotonic=lambda: 0.0, ask=ask)
    for host in ("a.example", "a.example", "b.example", "a.example"):
        assert await names(host) == ["192.0.2.1"]
    assert asked == ["a.example", "b.example", "a.example"]
    for _ in range(2):
        with pytest.raises(ResolveError, match="not known"):
            await names("none.example")
    assert asked[-2:] == ["a.example", "none.example"], "what failed is remembered too"
    names.close()


async def test_sessions_that_have_ended_are_remembered_for_so_many(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tokens, "CACHE_MAX", 1)

    class Reader:
        async def sessions_alive(self, sids: Sequence[str]) -> frozenset[str]:
            return frozenset(sids)

    reader: Any = Reader()
    sessions = tokens.Sessions(reader, monotonic=lambda: 0.0)
    sessions.end("s1")
    assert not await sessions.is_alive("s1")
    sessions.end("s2")
    assert not await sessions.is_alive("s2")
    assert await sessions.is_alive("s1"), "of what is forgotten the database is asked"


async def test_reads_are_counted_for_so_many_and_kept_while_the_database_is_away(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(watch, "READS_MAX", 1)
    monkeypatch.setattr(watch, "FLUSH_S", 0.001)
    kept = watch.Watch(time=lambda: 0.0)
    with capture_logs() as logs:
        for link in ("l1", "l1", "l2"):
            kept.read("t1", link, 1, "page")
    assert [one["event"] for one in logs] == ["reads_not_counted"]
    stop, written = asyncio.Event(), list[str]()

    async def write(reads: str, notes: str) -> None:
        if not written:
            written.append("")
            raise ConnectionRefusedError
        if len(written) == 1:
            written.append("")
            raise ConnectionRefusedError
        written.append(reads)
        stop.set()

    with capture_logs() as logs:
        async with asyncio.timeout(5):
            await kept.keep(write, lambda error: isinstance(error, OSError), stop)
    assert [one["event"] for one in logs] == ["watch_not_written"], "said once"
    assert msgspec.json.decode(written[-1])[0]["link"] == "l1"
    kept.read("t1", "l1", 1, "page")
    with pytest.raises(ConnectionRefusedError):
        await kept.keep(_broken, lambda error: False, asyncio.Event())


async def _broken(reads: str, notes: str) -> None:
    raise ConnectionRefusedError


def ending(job: UUID) -> Ending:
    at = datetime(2027, 6, 1, tzinfo=UTC)
    given: dict[str, Any] = {"job": job, "lease": uuid4(), "kind": "delivery", "made_at": at, "tenant": job}
    given |= {"destination": job, "number": 1, "state": "delivered", "reason": "", "delay_s": 0.0}
    made: Any = {name: given.get(name) for name in Ending.__struct_fields__}
    return Ending(**made)


class Database:
    """Takes endings as a database does: it may be away, and one of them it never takes."""

    def __init__(self, *, away: int = 0, refuses: UUID | None = None) -> None:
        self.away, self.refuses, self.taken = away, refuses, list[UUID]()

    async def complete(self, batch: Sequence[Ending]) -> list[UUID]:
        if self.away:
            self.away -= 1
            raise ConnectionRefusedError("away")
        if any(one.job == self.refuses for one in batch):
            raise ValueError("never")
        self.taken += [one.job for one in batch]
        return [one.job for one in batch[:1]] if len(batch) == 1 else []


@pytest.mark.parametrize(("away", "has_bad"), [(0, False), (2, False), (0, True)])
async def test_endings_wait_for_the_database_and_a_bad_one_holds_back_none(
    monkeypatch: pytest.MonkeyPatch, away: int, has_bad: bool
) -> None:
    monkeypatch.setattr(completions, "PAUSES_S", (0.001,))
    monkeypatch.setattr(completions, "BATCH_MAX", 3)
    jobs = [uuid4() for _ in range(3)]
    database = Database(away=away, refuses=jobs[1] if has_bad else None)
    done: list[UUID] = []
    queue: Any = database
    writing = Completions(queue, lambda batch: done.extend(one.job for one in batch))
    with capture_logs() as logs:
        for job in jobs:
            writing.put(ending(job))
        await writing.drain()
    said = [one["event"] for one in logs]
    assert sorted(done) == sorted(jobs), "a place is freed for each"
    assert database.taken == [job for job in jobs if job != database.refuses]
    assert said.count("endings_wait") == (1 if away else 0), "said once"
    assert ("endings_refused" in said) is has_bad
    assert ("leases_lost" in said) is has_bad


async def test_an_ending_that_others_wait_behind_goes_at_once_while_others_are_gathered(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(completions, "FAST_PER_S", 0)
    monkeypatch.setattr(completions, "GATHER_BUSY_S", 3_600.0)
    queue: Any = Database()
    done, idle = asyncio.Event(), asyncio.Event()
    writing = Completions(queue, lambda batch: (done if len(queue.taken) == 5 else idle).set())
    async with asyncio.timeout(5):
        for _ in range(3):
            writing.put(ending(uuid4()))
        await idle.wait()
        writing.put(ending(uuid4()))
        assert len(queue.taken) == 3, "they come fast: this one waits for more"
        writing.put(ending(uuid4()), soon=True)
        await done.wait()
    assert len(queue.taken) == 5


def test_endings_that_wait_no_time_at_all_are_gathered_by_uvloop_as_well(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(completions, "GATHER_S", 0.0)
    queue: Any = Database()

    async def put() -> None:
        writing = Completions(queue, lambda batch: None)
        writing.put(ending(uuid4()))
        writing.put(ending(uuid4()))
        await writing.drain()

    uvloop.run(put())
    assert len(queue.taken) == 2
