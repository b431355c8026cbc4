"""Logging: structured lines in which no secret and nothing personal survives, whoever forgot to leave it out."""

import io
import json
import logging
from collections.abc import Iterator
from typing import Any

import pytest
import structlog
from hypothesis import given
from hypothesis import strategies as st

from wedsync.kit import log
from wedsync.kit.config import Settings
from wedsync.processes import web

CANARY = "canary-7d1f"


@pytest.fixture
def stream() -> Iterator[io.StringIO]:
    """What a process writes, with the logging of pytest put back afterwards."""
    root = logging.getLogger()
    before = root.handlers[:], root.level
    stream = io.StringIO()
    log.configure(process="web", level="info", stream=stream)
    yield stream
    root.handlers[:], level = before
    root.setLevel(level)
    structlog.reset_defaults()


def lines(stream: io.StringIO) -> list[dict[str, Any]]:
    return [json.loads(line) for line in stream.getvalue().splitlines()]


def test_the_application_leaves_the_logs_as_they_are(stream: io.StringIO) -> None:
    web.create(Settings())
    structlog.get_logger("web").error("unhandled", exc_info=LookupError(f"{CANARY}@example.com"), token=CANARY)
    (line,) = lines(stream)
    assert line["event"] == "unhandled"
    assert "LookupError" in line["exception"]
    assert CANARY not in stream.getvalue()


def test_a_line_is_json_with_its_process_level_and_time(stream: io.StringIO) -> None:
    structlog.get_logger().info("delivery_parked", delivery_id=7, reason="disabled")
    (line,) = lines(stream)
    assert line.pop("timestamp").endswith("Z")
    assert line == {
        "event": "delivery_parked",
        "delivery_id": 7,
        "reason": "disabled",
        "level": "info",
        "process": "web",
    }


def test_lines_below_the_level_are_not_written(stream: io.StringIO) -> None:
    structlog.get_logger().debug("detail")
    logging.getLogger("library").debug("detail")
    assert lines(stream) == []


def test_lines_of_libraries_come_the_same_way(stream: io.StringIO) -> None:
    logging.getLogger("library").warning("lost %s", "it", extra={"password": CANARY, "attempt": 2})
    (line,) = lines(stream)
    assert line["event"] == "lost it"
    assert (line["logger"], line["level"], line["attempt"]) == ("library", "warning", 2)
    assert CANARY not in stream.getvalue()


@pytest.mark.parametrize(
    "key",
    [*("token", "access_token", "secret", "client-secret", "password", "Authorization", "set_cookie", "email"),
     *("guest_email", "phone", "address", "body", "request_body", "to_address", "payload")],
)  # fmt: skip
def test_forbidden_keys_are_dropped_at_any_depth(stream: io.StringIO, key: str) -> None:
    structlog.get_logger().info("x", **{key: CANARY}, inner={"list": [{key: CANARY}]}, kept="yes")
    assert CANARY not in stream.getvalue()
    assert lines(stream)[0]["kept"] == "yes"


@pytest.mark.parametrize("key", ["tokens_left_count", "id", "bodyguard", "emailed_at", "status"])
def test_other_keys_are_kept(key: str) -> None:
    assert log.is_forbidden(key) is (key == "tokens_left_count")


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        (f"GET /rsvp?token={CANARY} 200", "GET /rsvp?… 200"),
        (f"https://x.example/a?k={CANARY}&b=1 failed", "https://x.example/a?… failed"),
        (f"postgresql://u:{CANARY}@db/w", "postgresql://…@db/w"),
        (f"no mailbox {CANARY}@example.com here", "no mailbox …@… here"),
        (f"eyJhbGciOiJIUzI1NiJ9.{CANARY}.x expired", "…jwt… expired"),
        (f"key wsk_{CANARY} revoked", "key wsk_… revoked"),
        (f"duplicate\nDETAIL: Key (email)=({CANARY}) exists.", "duplicate\nDETAIL: …"),
        ("is this all?", "is this all?"),
    ],
)
def test_what_looks_like_a_secret_or_a_person_is_scrubbed(text: str, shown: str) -> None:
    assert log.scrub(text) == shown


def test_an_exception_is_told_without_its_secrets(stream: io.StringIO) -> None:
    try:
        raise ValueError(f"cannot reach https://u:{CANARY}@x.example/?q={CANARY}")
    except ValueError:
        structlog.get_logger().exception("failed")
    (line,) = lines(stream)
    assert "ValueError: cannot reach" in line["exception"]
    assert CANARY not in stream.getvalue()


def test_bytes_and_deep_things_are_not_written_out(stream: io.StringIO) -> None:
    deep: Any = CANARY
    for _ in range(10):
        deep = [deep]
    structlog.get_logger().info("x", image=CANARY.encode(), deep=deep, kind=ValueError("why"), share=0.5)
    (line,) = lines(stream)
    assert (line["image"], line["kind"], line["share"]) == ("<11 bytes>", "why", 0.5)
    assert CANARY not in stream.getvalue()


def test_on_a_terminal_lines_are_for_people() -> None:
    stream = io.StringIO()
    root = logging.getLogger()
    before = root.handlers[:]
    log.configure(process="web", level="info", is_pretty=True, stream=stream)
    structlog.get_logger().info("part_restarted", part="gateway", token=CANARY)
    root.handlers[:] = before
    structlog.reset_defaults()
    assert "part_restarted" in stream.getvalue()
    assert CANARY not in stream.getvalue()


@given(
    st.recursive(
        st.none() | st.text() | st.integers() | st.binary(),
        lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    )
)
def test_no_value_makes_a_line_fail(value: Any) -> None:
    assert log._json(log.redact(None, "info", {"event": "x", "value": value}))
