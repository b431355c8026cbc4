"""The host opens what was sealed for one connector only, keeps secrets out of the log, and answers in five words."""

import asyncio
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from types import SimpleNamespace
from uuid import UUID, uuid4

import msgspec
import pytest

from wedsync.connections import manifest as manifests
from wedsync.connections import signatures
from wedsync.connections.contract import (
    Attempt,
    Connection,
    Delivered,
    Delivery,
    Outcome,
    ReconnectNeeded,
    Rejected,
    RetryLater,
    Unknown,
    word,
)
from wedsync.connections.host import Host, Job, Sealed, open_host
from wedsync.connections.stage import serving
from wedsync.connectors.smtp.fake import Mailbox
from wedsync.connectors.webhook.fake import Hooks
from wedsync.kit.http import Wire
from wedsync.kit.seal import KeyRing

TENANT = UUID("01970000-0000-7000-8000-00000000a001")
ENDPOINT = UUID("01970000-0000-7000-8000-00000000b001")
RING = KeyRing.from_setting(KeyRing.new_setting())
EVENT = {
    "id": str(uuid4()),
    "stream": f"wedding:{TENANT}",
    "epoch": 1,
    "seq": 1,
    "type": "wedding.date_changed",
    "scope": 1,
    "subject": {"table": "weddings", "id": str(TENANT)},
    "op": "UPDATE",
    "record": {},
    "old_record": {},
    "actor": {"kind": "person", "id": str(uuid4())},
    "occurred_at": "2026-06-13T14:00:00Z",
}


def sealed(text: str, *, name: str = "secret", tenant: UUID = TENANT, row: UUID = ENDPOINT) -> Sealed:
    place = {"table": "endpoints", "column": "secret_sealed", "row": row}
    return Sealed(name=name, value=RING.seal(text.encode(), tenant=tenant, **place), **place)  # type: ignore[arg-type]


def job(**changes: object) -> Job:
    plain = Job(connector="acme", delivery_id=uuid4(), tenant=TENANT, connection_id=ENDPOINT, event=EVENT)
    return msgspec.structs.replace(plain, **changes)


class Acme:
    """A connector that does what a test tells it to."""

    def __init__(self, answer: Callable[[Delivery, Connection], Outcome]) -> None:
        self.answer = answer
        self.given: list[tuple[Delivery, Connection]] = []

    async def deliver(self, delivery: Delivery, connection: Connection) -> Outcome:
        self.given.append((delivery, connection))
        if delivery.attempt == 99:
            await asyncio.Event().wait()
        return self.answer(delivery, connection)

    async def close(self) -> None: ...


def host_of(acme: Acme, *, timeout_s: float = 5.0, masked: tuple[str, ...] = ()) -> Host:
    limits = manifests.Limits(timeout_s=timeout_s, live_timeout_s=2.0, in_flight_max=1, rate_per_minute=100)
    manifest = manifests.Manifest(
        name="acme", title="Acme", summary="", status="verified", does=("delivers",), limits=limits
    )
    return Host(connectors={"acme": acme}, found={"acme": manifest}, ring=RING, masked=masked)


async def test_a_connector_gets_its_secrets_open_and_its_message_read() -> None:
    acme = Acme(lambda delivery, connection: Delivered(remote_id="7"))
    mail = {"to": "carla@example.com", "subject": "Hi"}
    outcome = await host_of(acme).send(
        job(
            secrets=(sealed("first-secret"), sealed("second-secret"), sealed("token-1", name="token")),
            message=sealed(msgspec.json.encode(mail).decode(), name="message"),
            settings={"url": "https://example.com/"},
            previous_seq=4,
        )
    )
    assert isinstance(outcome, Delivered)
    ((delivery, connection),) = acme.given
    assert connection.secrets == {"secret": ("first-secret", "second-secret"), "token": ("token-1",)}
    assert connection.settings == {"url": "https://example.com/"}
    assert (delivery.message, delivery.previous_seq, delivery.timeout_s) == (mail, 4, 5.0)
    assert "first-secret" not in repr(connection)
    await host_of(acme).send(job(is_live=True))
    assert acme.given[1][0].timeout_s == 2.0


@pytest.mark.parametrize("wrong", [{"tenant": uuid4()}, {"row": uuid4()}])
async def test_a_secret_of_another_tenant_or_row_stops_the_delivery(wrong: dict[str, UUID]) -> None:
    acme = Acme(lambda delivery, connection: Delivered())
    moved = sealed("not yours", **wrong)
    outcome = await host_of(acme).send(job(secrets=(msgspec.structs.replace(moved, row=ENDPOINT),)))
    assert isinstance(outcome, ReconnectNeeded)
    assert "cannot be opened" in outcome.reason
    assert not acme.given


async def test_a_connector_that_is_not_here_parks_its_deliveries() -> None:
    outcome = await host_of(Acme(lambda delivery, connection: Delivered())).send(job(connector="gone"))
    assert isinstance(outcome, ReconnectNeeded)
    assert "'gone'" in outcome.reason


async def test_a_connector_that_does_not_end_is_cut_off(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("wedsync.connections.host.GRACE_S", 0.0)
    acme = Acme(lambda delivery, connection: Delivered())
    outcome = await host_of(acme, timeout_s=0.05).send(job(attempt=99))
    assert isinstance(outcome, Unknown)
    assert not outcome.repeat_is_safe


@pytest.mark.parametrize("kind", [Delivered, RetryLater, ReconnectNeeded, Rejected, Unknown])
async def test_no_secret_survives_in_what_is_logged(kind: type[Outcome]) -> None:
    secret, operator = signatures.new_secret(), "hunter2-of-the-operator"

    def answer(delivery: Delivery, connection: Connection) -> Outcome:
        leak = f"said {secret} and {operator} and https://user:pass@example.com/ and whsec_{'A' * 44}"
        attempt = Attempt(
            status=500,
            detail=leak,
            response_head=leak + "x" * 20_000,
            request_headers={"Authorization": "Bearer abc", "webhook-signature": "v1,abc", "x-note": leak},
        )
        return kind(attempt=attempt) if kind is Delivered else kind(reason=leak, attempt=attempt)  # type: ignore[call-arg]

    outcome = await host_of(Acme(answer), masked=(operator,)).send(job(secrets=(sealed(secret),)))
    assert type(outcome) is kind
    logged = msgspec.json.encode(outcome).decode()
    for leaked in (secret, operator, "user:pass", "Bearer abc", "v1,abc", "A" * 44):
        assert leaked not in logged
    assert "•••" in outcome.attempt.response_head
    assert len(outcome.attempt.response_head) <= 8192
    assert outcome.attempt.total_ms is not None


def test_the_five_words_are_written_as_the_ledger_knows_them() -> None:
    said = [Delivered(), RetryLater(reason=""), ReconnectNeeded(reason=""), Rejected(reason=""), Unknown(reason="")]
    assert [word(one) for one in said] == ["delivered", "retry_later", "reconnect_needed", "rejected", "unknown"]


@pytest.mark.parametrize(
    ("text", "says"),
    [("name = ", "broken/manifest.toml: Invalid"), ('name = "broken"', "missing required"), (None, "must be 'broken'")],
)
def test_a_wrong_manifest_is_named(
    text: str | None, says: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    package = f"some_connectors_{abs(hash(says))}"
    folder = tmp_path / package / "broken"
    folder.mkdir(parents=True)
    (tmp_path / package / "__init__.py").touch()
    good = Path(manifests.module("webhook", "connector").__file__ or "").with_name("manifest.toml").read_text()
    (folder / "manifest.toml").write_text(good if text is None else text)
    monkeypatch.syspath_prepend(str(tmp_path))
    with pytest.raises(ValueError, match=says):
        manifests.find(package)


def test_every_connector_here_has_an_honest_manifest_and_its_files() -> None:
    found = manifests.find()
    assert {"webhook", "smtp"} <= set(found)
    for name in found:
        folder = Path(manifests.module(name, "connector").__file__ or "").parent
        for part in ("manifest.toml", "connector.py", "fake.py", "README.md", "tests"):
            assert (folder / part).exists(), f"{folder} lacks {part}"
        assert len((folder / "connector.py").read_text().splitlines()) <= 150


@pytest.fixture
async def world() -> AsyncIterator[SimpleNamespace]:
    """Both connectors as a worker has them, with their fakes on stage."""
    hooks, mailbox, wire = Hooks(), Mailbox(), Wire(allow=("127.0.0.0/8",))
    async with serving([hooks, mailbox]) as address:
        settings = SimpleNamespace(
            mail_from="WedSync <no-reply@wedsync.example>",
            smtp_url=mailbox.address,
            seal_keys="",
            connector_environ={},
        )
        host = open_host(settings, wire=wire, ring=RING)
        yield SimpleNamespace(hooks=hooks, mailbox=mailbox, host=host, address=address)
        await host.close()
    await wire.close()


async def test_both_connectors_deliver_through_the_host(world: SimpleNamespace) -> None:
    secret = signatures.new_secret()
    world.hooks.receiver("demo").secrets = (secret,)
    settings = {"url": f"{world.address}/hooks/demo"}
    hook = job(connector="webhook", secrets=(sealed(secret),), settings=settings)
    outcome = await world.host.send(hook)
    assert isinstance(outcome, Delivered)
    assert outcome.attempt.request_headers["webhook-signature"] == "•••"
    assert [received.verified for received in world.hooks.of("demo")] == [True]

    delivery = uuid4()
    mail = msgspec.json.encode({"to": "carla@example.com", "subject": "Hello", "text": "Hello Carla\n"})
    place = {"table": "deliveries", "column": "sealed", "row": delivery}
    message = Sealed(name="message", value=RING.seal(mail, tenant=TENANT, **place), **place)  # type: ignore[arg-type]
    sent = await world.host.send(job(connector="smtp", delivery_id=delivery, message=message, event=None))
    assert isinstance(sent, Delivered)
    assert [stored.text for stored in world.mailbox.mails] == ["Hello Carla\n"]
