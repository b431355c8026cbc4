"""Pure rules say no in words: to amounts, conditions, steps, tokens, certificates and keys that cannot be."""

from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from typing import Any

import msgspec
import pytest
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec, ed448, ed25519, rsa
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import NameOID

from wedsync.journeys import model as journeys
from wedsync.kit import identity, oauth
from wedsync.kit.errors import Refusal
from wedsync.kit.http import Failure, Reply, Timing
from wedsync.kit.identity import CHAIN_MAX, IdentityError
from wedsync.kit.oauth import LIFE_UNSAID_S, TokenError
from wedsync.operations.database import model as database
from wedsync.payments import model as payments
from wedsync.processes import registry
from wedsync.subscriptions.rules.conditions import LIST_MAX, Condition, compiled, fault
from wedsync.subscriptions.rules.fields import Fields

NOW = datetime(2027, 6, 1, tzinfo=UTC)
PAYMENT: dict[str, Any] = {
    "title": "Deposit",
    "note": "",
    "currency": "EUR",
    "due_on": date(2027, 5, 1),
    "amount_minor": 10_000,
    "status": "requested",
    "way": "",
    "outside_minor": 0,
    "received_minor": 0,
    "refunded_minor": 0,
    "disputed_minor": 0,
    "lost_minor": 0,
    "received_at": None,
    "reminded_at": NOW,
    "overdue_at": None,
}
CANCELLED = {**PAYMENT, "status": "cancelled"}
ONLINE = {**PAYMENT, "status": "part_paid", "received_minor": 6_000, "way": "online"}


@pytest.mark.parametrize(
    ("act", "code"),
    [
        (lambda: payments.settle({"currency": "XXQ"}), "invalid"),
        (lambda: payments.settle({"due_on": date(1900, 1, 1)}), "invalid"),
        (lambda: payments.settle({"due_on": date(2990, 1, 1)}), "invalid"),
        (lambda: payments.changed(CANCELLED, {"title": "Balance"}, is_open=False), "cancelled"),
        (lambda: payments.changed(ONLINE, {"amount_minor": 1}, is_open=False), "paid_already"),
        (lambda: payments.changed(PAYMENT, {"amount_minor": 1}, is_open=True), "being_paid"),
        (lambda: payments.cancelled(ONLINE, is_open=False), "paid_already"),
        (lambda: payments.cancelled(PAYMENT, is_open=True), "being_paid"),
        (lambda: payments.noted(CANCELLED, 1, NOW), "cancelled"),
        (lambda: payments.noted(PAYMENT, 10_001, NOW), "invalid"),
        (lambda: payments.noted(ONLINE, 4_001, NOW), "paid_already"),
    ],
)
def test_a_payment_is_not_changed_against_what_happened(act: Any, code: str) -> None:
    with pytest.raises(Refusal) as refused:
        act()
    assert refused.value.code == code


def test_a_payment_is_changed_by_what_differs_alone() -> None:
    assert payments.changed(CANCELLED, {"title": " Deposit "}, is_open=False) == {}
    assert payments.cancelled(CANCELLED, is_open=True) == {}
    assert payments.cancelled(PAYMENT, is_open=False) == {"status": "cancelled"}
    wanted = payments.changed(PAYMENT, {"due_on": date(2027, 7, 1), "note": PAYMENT["note"]}, is_open=True)
    assert wanted == {"due_on": date(2027, 7, 1), "reminded_at": None}, "another day is reminded of anew"
    assert payments.noted(ONLINE, 4_000, NOW)["status"] == "paid"


@pytest.mark.parametrize(
    ("operator", "value", "said"),
    [
        ("present", 1, "takes no value"),
        ("is", None, "needs one value"),
        ("is", ["a"], "needs one value"),
        ("contains", "", "needs some letters"),
        ("starts_with", 7, "needs some letters"),
        ("greater", True, "needs a number"),
        ("less", "", "needs a number"),
        ("one_of", "a", "needs at least one"),
        ("one_of", [], "needs at least one"),
        ("one_of", ["a"] * (LIST_MAX + 1), "takes at most"),
        ("one_of", ["a", "\0"], "holds a character"),
        ("is", float("inf"), "is not a number"),
        ("is", float("nan"), "is not a number"),
        ("is", 10**16, "is too large"),
        ("is", "a" * 501, "is too long"),
    ],
)
def test_a_condition_whose_value_cannot_be_is_told_apart(operator: Any, value: Any, said: str) -> None:
    found = fault(Condition(field="record.status", operator=operator, value=value))
    assert found.startswith(said)


def test_a_condition_without_its_value_is_not_compiled() -> None:
    with pytest.raises(ValueError, match="needs a value"):
        compiled([Condition(field="record.status", operator="is")])


@pytest.mark.parametrize(
    ("pattern", "field", "operator", "value", "where"),
    [
        ("rsvp.eaten", "record.status", "is", "x", "types[0]"),
        ("guest.*", "record.eaten", "is", "x", "conditions[0].field"),
        ("guest.*", "record.version.deep", "is", 1, "conditions[0].field"),
        ("guest.*", "record.version", "contains", "x", "conditions[0].operator"),
        ("guest.*", "record.version", "is", "x", "conditions[0].value"),
        ("*", "record.due_on", "is", 7, "conditions[0].value"),
        ("*", "record.is_published", "is", "x", "conditions[0].value"),
        ("*", "severity", "is", "low", "conditions[0].value"),
    ],
)
def test_a_rule_asks_what_its_events_have(pattern: str, field: str, operator: Any, value: Any, where: str) -> None:
    fields = Fields(registry.catalogue().types)
    with pytest.raises(Refusal) as refused:
        fields.check([pattern], [Condition(field=field, operator=operator, value=value)])
    assert refused.value.errors[0].field.startswith(where)


NO_TIME = Timing(resolve_ms=0.0, first_byte_ms=0.0, total_ms=0.0, address="")


def reply(body: Any, status: int = 200) -> Reply:
    return Reply(status=status, headers={}, body=msgspec.json.encode(body), ending="whole", timing=NO_TIME)


@pytest.mark.parametrize(
    ("said", "life_s"),
    [
        (3600, 3600.0),
        ("3600", 3600.0),
        ("²", LIFE_UNSAID_S),
        ("soon", LIFE_UNSAID_S),
        (None, LIFE_UNSAID_S),
        (True, LIFE_UNSAID_S),
        (-1, LIFE_UNSAID_S),
        (10**12, LIFE_UNSAID_S),
    ],
)
def test_a_token_lives_as_long_as_its_server_says(said: Any, life_s: float) -> None:
    told = {"access_token": "abc", "token_type": "Bearer", "expires_in": said}
    assert oauth.answered(reply(told)) == ("abc", life_s)


@pytest.mark.parametrize(
    ("answer", "is_passing"),
    [
        (reply({"access_token": "abc", "token_type": "mac"}), False),
        (reply({"access_token": "abc", "token_type": 7}), False),
        (reply({"access_token": "a b"}), False),
        (reply(["abc"]), False),
        (reply({"error": "invalid_client"}, 401), False),
        (reply({"error": "<b>"}, 503), True),
        (Failure(kind="refused", reason="no", may_have_arrived=False, timing=NO_TIME), False),
        (Failure(kind="timeout", reason="late", may_have_arrived=True, timing=NO_TIME), True),
    ],
)
def test_an_answer_without_a_token_is_told_in_words(answer: Any, is_passing: bool) -> None:
    with pytest.raises(TokenError) as refused:
        oauth.answered(answer)
    assert refused.value.is_passing is is_passing
    assert "<b>" not in str(refused.value)


def signed(key: Any) -> x509.Certificate:
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "carla")])
    built = x509.CertificateBuilder().subject_name(name).issuer_name(name).public_key(key.public_key())
    dated = built.serial_number(1).not_valid_before(NOW).not_valid_after(NOW + timedelta(days=9))
    return dated.sign(key, None if isinstance(key, ed25519.Ed25519PrivateKey) else SHA256())


def pem(key: Any) -> str:
    return str(key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode())


EC = ec.generate_private_key(ec.SECP256R1())


@pytest.mark.parametrize(
    "make", [lambda: EC, ed25519.Ed25519PrivateKey.generate, lambda: rsa.generate_private_key(65537, 2048)]
)
def test_a_certificate_with_its_key_is_read(make: Callable[[], Any]) -> None:
    key = make()
    made = identity.read(signed(key).public_bytes(Encoding.PEM).decode(), pem(key), now=NOW + timedelta(days=1))
    assert (made.subject, "PRIVATE" in repr(made)) == ("CN=carla", False)


@pytest.mark.parametrize(
    ("make", "chain", "days", "part"),
    [
        (lambda: rsa.generate_private_key(65537, 1024), 1, 1, "key"),
        (lambda: ec.generate_private_key(ec.SECP256K1()), 1, 1, "key"),
        (ed448.Ed448PrivateKey.generate, 1, 1, "key"),
        (ed25519.Ed25519PrivateKey.generate, 1, 1, "key"),
        (lambda: EC, CHAIN_MAX + 1, 1, "certificate"),
        (lambda: EC, 0, 1, "certificate"),
        (lambda: EC, 1, 10, "certificate"),
        (lambda: EC, 1, -1, "certificate"),
    ],
)
def test_a_certificate_that_would_fail_every_call_is_refused(
    make: Callable[[], Any], chain: int, days: int, part: str
) -> None:
    key = make()
    text = signed(EC).public_bytes(Encoding.PEM).decode() * chain
    with pytest.raises(IdentityError) as refused:
        identity.read(text, pem(key), now=NOW + timedelta(days=days))
    assert refused.value.part == part


SOUND = database.Server(
    version="18",
    is_standby=False,
    cache_hit_ratio=0.999,
    sees_everything=True,
    counts_statements=True,
    refuses_ddl=True,
    oldest_transaction_s=0.0,
    transaction_ids_used=0.0,
    archive_failures=0,
    archived_at=None,
)
SEASON = database.Season(peak_on=None, peak_weddings=0, most_so_far=0, connections_used=1, connections_max=100)


@pytest.mark.parametrize(
    ("changed", "lag_s", "said"),
    [
        ({}, 0.0, ""),
        ({"is_standby": True}, 0.0, "is a standby"),
        ({"oldest_transaction_s": 1e6}, 0.0, "has been open"),
        ({"transaction_ids_used": 0.99}, 0.0, "vacuum freeze is late"),
        ({"cache_hit_ratio": 0.1}, 0.0, "comes from memory"),
        ({"cache_hit_ratio": None}, 1e6, "is more than"),
    ],
)
def test_a_database_is_bad_only_where_weddings_are_due(changed: dict[str, Any], lag_s: float, said: str) -> None:
    replica = database.Replica(name="standby", state="streaming", sync_state="async", lag_s=lag_s, lag_bytes=0)
    server = msgspec.structs.replace(SOUND, **changed)
    for due in (0, 2):
        weddings = database.WeddingsDue(live=0, due=due, next_at=None)
        ready = database.readiness(weddings, server, [], [replica])
        assert ready.is_ready is not bool(said)
        assert all(said in reason for reason in ready.reasons)
        assert database.status(ready, [], SEASON) == ("good" if not said else "bad" if due else "look")


@pytest.mark.parametrize(
    ("fields", "where"),
    [
        ({"kind": "mail", "subject": "", "words": "Hello"}, "subject"),
        ({"kind": "mail", "subject": "Hello", "words": ""}, "words"),
        ({"kind": "mail", "subject": "Hello", "words": "In {days_to_go} days", "anchor": "end"}, "words"),
        ({"kind": "mail", "subject": "Hello", "words": "Dear {nobody}"}, "words"),
        ({"kind": "text", "words": ""}, "words"),
        ({"kind": "text", "words": "x" * 2000}, "words"),
        ({"kind": "text", "words": "Hello", "at": "23:00"}, "when"),
        ({"kind": "form"}, "form"),
        ({"kind": "form", "form": "form-1", "words": "x" * 5000}, "words"),
    ],
)
def test_a_step_that_cannot_be_taken_is_named(fields: dict[str, Any], where: str) -> None:
    given = dict(fields)
    when = {"anchor": given.pop("anchor", "wedding"), "days": 1, "at": given.pop("at", "")}
    step = msgspec.convert({"key": "a", "title": "A", "when": when, **given}, journeys.Step, strict=False)
    assert where in {field for field, _, _ in journeys._faults(step)}
