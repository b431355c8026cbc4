"""`wedsync verify` names the mistake, and `wedsync replay` asks for what its options say."""

import base64
import hmac
import sys
from io import BytesIO, TextIOWrapper
from pathlib import Path

import pytest

from wedsync.connections import signatures
from wedsync.processes import replay, verify
from wedsync.processes.failures import CannotRun

NOW = 1_800_000_000
BODY = b'{"type":"rsvp.replied"}'
SECRET = signatures.new_secret()
ID = "0198c0de-0000-7000-8000-000000000001"


def headers(body: bytes = BODY, *, secret: str = SECRET, at: int = NOW) -> dict[str, str]:
    signature = signatures.sign([secret], message_id="0198", timestamp=at, body=body)
    return {"webhook-id": "0198", "webhook-timestamp": str(at), "webhook-signature": signature}


def as_text(secret: str) -> dict[str, str]:
    """As somebody signs who does not decode the secret."""
    mac = hmac.digest(secret.encode(), b"0198.%d.%b" % (NOW, BODY), "sha256")
    return headers() | {"webhook-signature": "v1," + base64.b64encode(mac).decode()}


@pytest.mark.parametrize(
    ("given", "body", "said"),
    [
        (headers(), BODY, ""),
        ({k.replace("webhook-", "svix-"): v for k, v in headers().items()}, BODY, ""),
        ({k: v for k, v in headers().items() if k != "webhook-id"}, BODY, "webhook-id is missing"),
        (headers() | {"webhook-timestamp": "soon"}, BODY, "it reads 'soon'"),
        (headers(at=NOW - 400), BODY, "The signature is right, but its time is 400 s behind"),
        (headers(at=NOW + 400), b"x", "400 s ahead of this clock, more than 300 s. And: No signature matches"),
        (headers(), BODY + b"\n", "without the line break at its end"),
        (headers(BODY + b"\n"), BODY, "with a line break at its end"),
        (headers(), b'{"type": "rsvp.replied"}', "the same JSON without spaces"),
        (headers(), b"\xef\xbb\xbf" + BODY, "without the byte order mark"),
        (as_text(SECRET), BODY, "secret as text"),
        (as_text(SECRET.removeprefix("whsec_")), BODY, "secret as text"),
        (headers() | {"webhook-signature": "v2,abcd"}, BODY, "only v2; the secret is for v1"),
        (headers() | {"webhook-signature": "v1,abc"}, BODY, "is not whole"),
        (headers(secret=signatures.new_secret()), BODY, "another endpoint's or was rotated"),
    ],
)
def test_the_mistake_is_named(given: dict[str, str], body: bytes, said: str) -> None:
    found = verify.judge(SECRET, given, body, now=NOW)
    assert said in found
    assert bool(said) == bool(found)


def test_a_broken_secret_is_named_and_any_time_is_taken_when_asked() -> None:
    assert "from whsec_ to its end" in verify.judge("whsec_abcd", headers(), BODY, now=NOW)
    assert verify.judge(SECRET, headers(at=1), BODY, now=NOW, any_time=True) == ""


def test_the_body_comes_from_a_file_or_from_standard_input(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    lines = tuple(f"{name.title()}: {value}" for name, value in headers().items())
    file = tmp_path / "body.json"
    file.write_bytes(BODY)
    assert verify.run(file=str(file), secret=SECRET, headers=lines, any_time=True) == 0
    monkeypatch.setattr(sys, "stdin", TextIOWrapper(BytesIO(b"other")))
    assert verify.run(file="-", secret=SECRET, headers=lines, any_time=True) == 1
    assert capsys.readouterr().out.startswith("The signature is right.\nNo signature matches")
    for wrong in ({"file": str(tmp_path / "no"), "headers": lines}, {"file": str(file), "headers": ("webhook-id",)}):
        with pytest.raises(CannotRun):
            verify.run(secret=SECRET, any_time=False, **wrong)  # type: ignore[arg-type]


def test_replay_asks_for_what_its_options_say() -> None:
    plain = {"delivery": "", "endpoint": "", "since": "", "is_dry_run": False}

    def asked(**given: str | bool) -> tuple[str, object]:
        return replay.request_for(**(plain | given))  # type: ignore[arg-type]

    assert asked(delivery=ID) == (f"/api/v1/deliveries/{ID}/replay", {})
    path, body = asked(endpoint=ID, is_dry_run=True)
    assert path == f"/api/v1/endpoints/{ID}/recover"
    assert body == {"since": replay.BEGINNING, "dry_run": True, "states": ["dead"]}
    since = {"since": "2027-06-05T14:30:00+00:00", "dry_run": False}
    assert asked(endpoint=ID, since="2027-06-05T14:30")[1] == since
    for wrong in ({}, {"delivery": ID, "endpoint": ID}, {"delivery": "x"}, {"delivery": ID, "since": "2027-06-05"}):
        with pytest.raises(CannotRun):
            asked(**wrong)
    with pytest.raises(CannotRun, match="not a time"):
        asked(endpoint=ID, since="yesterday")
