"""Hints between workers: believed for moments, taken back, never trusted, and no worker is worse off without them."""

from uuid import UUID, uuid4

import pytest

from wedsync.events.breakers import HostStanding, Standing
from wedsync.events.hints import BELIEVED_S, KEPT_MAX, Hint, Hints
from wedsync.kit import clock

HOST = "example.com:443"
URL = "https://example.com/hook"


def standing(destination: UUID, *, open_until: float | None, since: float | None = None) -> Standing:
    return Standing(
        destination=destination,
        now_s=100.0,
        failures=0,
        open_until=open_until,
        openings=0,
        since=since,
        results=0,
        failed=0,
        slow=0,
    )


def host(open_until: float | None) -> HostStanding:
    return HostStanding(
        host=HOST,
        destinations=[],
        now_s=100.0,
        failures=0,
        open_until=open_until,
        openings=0,
        since=None,
        failing=[],
        well=[],
    )


def heard_by() -> tuple[Hints, Hints]:
    """Two workers; what the first tells, the second hears."""
    hearer = Hints()

    async def publish(_channel: str, message: bytes) -> bool:
        hearer.hear(message)
        return True

    return Hints(publish), hearer


async def test_what_opens_is_told_and_what_closes_is_taken_back() -> None:
    teller, hearer = heard_by()
    one, counting = uuid4(), uuid4()
    await teller.tell([standing(one, open_until=130.0), standing(counting, open_until=None, since=99.0)], [])
    assert hearer.shunned() == [one]
    assert teller.shunned() == []
    await teller.tell([standing(one, open_until=None)], [])
    assert hearer.shunned() == []


async def test_one_at_a_shunned_host_is_shunned_itself() -> None:
    teller, hearer = heard_by()
    await teller.tell([], [host(130.0)])
    one = uuid4()
    assert not hearer.is_shunned(one, None)
    assert not hearer.is_shunned(one, "https://example.org/hook")
    assert hearer.is_shunned(one, URL)
    assert hearer.shunned() == [one]
    await teller.tell([], [host(None)])
    assert not hearer.is_shunned(uuid4(), URL)


async def test_a_hint_is_believed_for_moments_only(monkeypatch: pytest.MonkeyPatch) -> None:
    now = 50.0
    monkeypatch.setattr(clock, "monotonic", lambda: now)
    hints, one = Hints(), uuid4()
    hints.believe(Hint(destinations={one: 900.0}, hosts={HOST: 900.0}))
    now += BELIEVED_S - 0.1
    assert hints.is_shunned(one, URL)
    now += 0.2
    assert not hints.is_shunned(one, URL)
    assert hints.shunned() == []


async def test_without_a_valkey_a_worker_goes_by_what_it_has_seen() -> None:
    async def publish(_channel: str, _message: bytes) -> bool:
        return False

    hints, one = Hints(publish), uuid4()
    await hints.tell([standing(one, open_until=130.0)], [])
    assert hints.is_shunned(one, URL)


@pytest.mark.parametrize("message", [b"", b"{", b'{"destinations": {"x": 1}}', b'{"hosts": {"a": "b"}}', b"\xff"])
def test_what_cannot_be_read_is_passed_over(message: bytes) -> None:
    hints = Hints()
    hints.hear(message)
    assert hints.shunned() == []


def test_a_flood_of_hints_is_bounded() -> None:
    hints = Hints()
    for _ in range(3):
        hints.believe(Hint(destinations={uuid4(): 60.0 for _ in range(KEPT_MAX)}))
    assert len(hints.shunned()) == KEPT_MAX
    assert clock.monotonic() > 0


def test_hosts_that_never_came_back_make_room_for_others(monkeypatch: pytest.MonkeyPatch) -> None:
    now = 50.0
    monkeypatch.setattr(clock, "monotonic", lambda: now)
    hints = Hints()
    hints.believe(Hint(hosts={f"gone-{n}.test:443": 60.0 for n in range(KEPT_MAX)}))
    hints.believe(Hint(hosts={HOST: 60.0}))
    assert not hints.is_shunned(uuid4(), URL)
    now += BELIEVED_S + 0.1
    hints.believe(Hint(hosts={HOST: 60.0}))
    assert hints.is_shunned(uuid4(), URL)


@pytest.mark.parametrize("url", ["", "nothing", "https://[", "https://a:99999/"])
def test_an_address_that_is_none_has_no_host(url: str) -> None:
    hints = Hints()
    hints.believe(Hint(hosts={HOST: 60.0}))
    assert not hints.is_shunned(uuid4(), url)
