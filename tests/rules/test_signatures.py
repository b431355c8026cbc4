"""Webhook signatures are those of the specification: its vectors and two other libraries agree, nothing else passes."""

import base64
import json
from datetime import UTC, datetime

import pytest
import standardwebhooks
import svix.webhooks
from hypothesis import given, settings
from hypothesis import strategies as st

from wedsync.connections import signatures
from wedsync.connections.signatures import SignatureError, new_secret, shared_key, sign, verify

# standard-webhooks/libraries/python/tests/test_webhooks.py and svix worker.rs, test_asymmetric_key_signing.
SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
PRIVATE = "whsk_6Xb/dCcHpPea21PS1N9VY/NZW723CEc77N4rJCubMbfVKIDij2HKpMKkioLlX0dRqSKJp4AJ6p9lMicMFs6Kvg=="
PUBLIC = "whpk_1SiA4o9hyqTCpIqC5V9HUakiiaeACeqfZTInDBbOir4="
ID, AT, BODY = "msg_p5jXN8AQM9LWM0D4loKWxJek", 1614265330, b'{"test": 2432232314}'
V1 = "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="
V1A = "v1a,hnO3f9T8Ytu9HwrXslvumlUpqtNVqkhqw/enGzPCXe5BdqzCInXqYXFymVJaA7AZdpXwVLPo3mNl8EM+m7TBAg=="

bodies = st.one_of(st.binary(max_size=300), st.text(max_size=100).map(str.encode))


def headers(signature: str, *, at: int | str = AT, message_id: str = ID) -> dict[str, str]:
    return {"webhook-id": message_id, "webhook-timestamp": str(at), "webhook-signature": signature}


def is_accepted(signature: str, *, secrets: tuple[str, ...] = (SECRET,), now: float = AT, **kept: object) -> bool:
    try:
        return verify(secrets, headers(signature, **kept), BODY, now=now) == ID  # type: ignore[arg-type]
    except SignatureError:
        return False


def test_the_vectors_of_the_specification() -> None:
    assert sign([SECRET], message_id=ID, timestamp=AT, body=BODY) == V1
    assert sign([PRIVATE], message_id=ID, timestamp=AT, body=BODY) == V1A
    assert sign([SECRET, PRIVATE], message_id=ID, timestamp=AT, body=BODY) == f"{V1} {V1A}"
    assert is_accepted(V1)
    assert is_accepted(V1A, secrets=(PUBLIC,))


@pytest.mark.parametrize(
    "signature",
    [
        f"v1,{'A' * 43}= {V1}",
        f"v2,{'A' * 43}= v1a,abc= {V1}",
        f"{V1A} {V1}",
        f"nonsense {V1}",
        f"v1,not-base64! {V1}",
    ],
)
def test_any_matching_signature_is_enough_and_unknown_ones_are_skipped(signature: str) -> None:
    assert is_accepted(signature)


@pytest.mark.parametrize(
    "signature",
    ["v1,", "v1", ",", V1[:-4], V1.replace("v1,", "v2,"), V1.replace("v1,", ""), V1 + "A", "v1, " + V1[3:], V1A],
)
def test_what_does_not_match_is_refused(signature: str) -> None:
    assert not is_accepted(signature)


@pytest.mark.parametrize("public", [True, False])
def test_a_signature_never_passes_as_the_other_kind(public: bool) -> None:
    mixed = "v1," + V1A.partition(",")[2] if public else "v1a," + V1.partition(",")[2]
    assert not is_accepted(mixed, secrets=(PUBLIC, SECRET))


def test_secrets_are_read_with_and_without_prefix_and_padding() -> None:
    bare = SECRET.removeprefix("whsec_")
    for written in (SECRET, bare, bare + "==", base64.b64encode(base64.b64decode(bare)).decode().rstrip("=")):
        assert is_accepted(V1, secrets=(written,))


@pytest.mark.parametrize(("late", "accepted"), [(0, True), (300, True), (-300, True), (301, False), (-301, False)])
def test_a_request_is_good_for_five_minutes_either_way(late: int, accepted: bool) -> None:
    assert is_accepted(V1, now=AT + late) is accepted


@pytest.mark.parametrize(
    "at", ["", "soon", "-1614265330", "1614265330.5", "１６１４２６５３３０", "9" * 40, " 1614265330"]
)
def test_a_timestamp_that_is_no_number_is_refused(at: str) -> None:
    assert not is_accepted(V1, at=at)


@pytest.mark.parametrize("missing", ["webhook-id", "webhook-timestamp", "webhook-signature"])
def test_a_missing_header_is_named(missing: str) -> None:
    rest = {name: value for name, value in headers(V1).items() if name != missing}
    with pytest.raises(SignatureError, match=f"{missing} is missing"):
        verify([SECRET], rest, BODY, now=AT)


def test_svix_names_count_too() -> None:
    renamed = {name.replace("webhook", "svix"): value for name, value in headers(V1).items()}
    assert verify([SECRET], renamed, BODY, now=AT) == ID


@settings(deadline=None)
@given(body=bodies, rotated=st.booleans())
def test_both_public_libraries_accept_what_we_sign(body: bytes, rotated: bool) -> None:
    old, new = new_secret(), new_secret()
    at = int(datetime.now(UTC).timestamp())
    text = json.dumps({"data": body.hex()})
    signed = headers(sign([new, old] if rotated else [old], message_id=ID, timestamp=at, body=text.encode()), at=at)
    for secret in (old, new) if rotated else (old,):
        standardwebhooks.Webhook(secret).verify(text, signed)
        svix.webhooks.Webhook(secret).verify(text, signed)


@settings(deadline=None)
@given(body=bodies)
def test_we_accept_what_the_public_library_signs(body: bytes) -> None:
    secret, at = new_secret(), datetime.now(UTC)
    text = body.hex()
    signature = standardwebhooks.Webhook(secret).sign(ID, at, text)
    now = at.timestamp()
    assert verify([new_secret(), secret], headers(signature, at=int(now)), text.encode(), now=now) == ID


@given(body=bodies, other=bodies, name=st.text("abc_-123", min_size=1, max_size=20))
def test_a_signature_is_for_one_body_id_and_time(body: bytes, other: bytes, name: str) -> None:
    secret = new_secret()
    signature = sign([secret], message_id=name, timestamp=AT, body=body)
    assert verify([secret], headers(signature, message_id=name), body, now=AT) == name
    changed = [
        (headers(signature, message_id=name + "x"), body),
        (headers(signature, message_id=name, at=AT + 1), body),
        (headers(signature, message_id=name), body + b"x"),
    ]
    for their_headers, their_body in changed:
        with pytest.raises(SignatureError, match="no signature matches"):
            verify([secret], their_headers, their_body, now=AT)


@given(junk=st.dictionaries(st.sampled_from(["webhook-id", "webhook-timestamp", "webhook-signature"]), st.text()))
def test_junk_is_refused_and_never_crashes(junk: dict[str, str]) -> None:
    with pytest.raises(SignatureError):
        verify([SECRET, PUBLIC], junk, BODY, now=AT)


def test_a_secret_of_the_wrong_form_says_so() -> None:
    for secret in ("", "whsec_", "whsec_AAAA", "whsec_" + base64.b64encode(bytes(65)).decode()):
        with pytest.raises(ValueError, match="24 to 64 bytes"):
            shared_key(secret)
    with pytest.raises(ValueError, match="base64"):
        shared_key("whsec_not base64!")
    with pytest.raises(ValueError, match="at least one"):
        sign([], message_id=ID, timestamp=AT, body=BODY)
    with pytest.raises(ValueError, match="full stop"):
        sign([SECRET], message_id="a.b", timestamp=AT, body=BODY)
    assert len(shared_key(new_secret())) == signatures.SECRET_BYTES
