"""Structured logging: one line per change of state, ids not names, and nothing that a log may not hold.

`configure` once per process; then `log = structlog.get_logger()` anywhere. Lines of other libraries come the same way.
The redaction is a net below the rule, not instead of it: whoever logs leaves personal data and secrets out.
"""

import logging
import re
import sys
from collections.abc import Mapping
from typing import IO, Any, Final

import msgspec
import structlog
from structlog.typing import EventDict, Processor, WrappedLogger

from wedsync.kit import traces

FORBIDDEN: Final = frozenset(
    {"token", "tokens", "secret", "secrets", "password", "authorization", "cookie", "cookies", "apikey", "credentials"}
    | {"email", "emails", "phone", "phones", "address", "addresses", "body", "payload", "query"}
)
"""A key that has one of these words in it is dropped with its value."""
WORDS: Final = re.compile(r"[^a-z]+")
SCRUBBED: Final = (
    # The query string of anything that looks like a URL or a path: tokens travel there.
    (re.compile(r"((?:\w+:/)?/[^\s?\"'<>]*)\?[^\s\"'<>)]*"), r"\1?…"),
    # Whoever has the address of a feed reads it.
    (re.compile(r"(/feeds/)[\w-]{8,}"), r"\1…"),
    # Credentials in an address.
    (re.compile(r"(\w+://)[^/\s:@]*:[^/\s@]+@"), r"\1…@"),
    (re.compile(r"[\w.+-]+@[\w-]+(\.[\w-]+)+"), "…@…"),
    (re.compile(r"\beyJ[\w-]{8,}\.[\w-]+\.[\w-]*"), "…jwt…"),
    (re.compile(r"\b(wsk|whsec)_[\w+/=-]+"), r"\1_…"),
    # PostgreSQL repeats the row in the details of an error.
    (re.compile(r"^(\s*(?:DETAIL|CONTEXT|QUERY):).*$", re.MULTILINE), r"\1 …"),
)
DEPTH_MAX: Final = 6
QUIET: Final = {"asyncio": logging.WARNING, "granian.access": logging.CRITICAL, "mail.log": logging.WARNING}
"""Libraries that say more than a change of state, or would say what was asked for."""


def configure(*, process: str, level: str, is_pretty: bool | None = None, stream: IO[str] | None = None) -> None:
    """Send this process's lines to `stream` (standard error): JSON, or coloured text on a terminal."""
    stream = stream or sys.stderr
    pretty = stream.isatty() if is_pretty is None else is_pretty
    shared: list[Processor] = [
        structlog.contextvars.merge_contextvars,
        _traced,
        structlog.processors.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        _named(process),
    ]
    structlog.configure(
        processors=[*shared, structlog.stdlib.ProcessorFormatter.wrap_for_formatter],
        wrapper_class=structlog.make_filtering_bound_logger(level),
        logger_factory=structlog.stdlib.LoggerFactory(),
        cache_logger_on_first_use=True,
    )
    handler = logging.StreamHandler(stream)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=[*shared, structlog.stdlib.ExtraAdder(), structlog.stdlib.add_logger_name],
            processors=[
                structlog.stdlib.ProcessorFormatter.remove_processors_meta,
                structlog.processors.format_exc_info,
                redact,
                _coloured() if pretty else structlog.processors.JSONRenderer(serializer=_json),
            ],
        )
    )
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(level.upper())
    for name, quiet in QUIET.items():
        logging.getLogger(name).setLevel(quiet)


def redact(_: WrappedLogger, __: str, event: EventDict) -> EventDict:
    """The processor that drops forbidden keys at any depth and scrubs what is left of addresses and secrets."""
    return {key: _clean(value, 0) for key, value in event.items() if not is_forbidden(key)}


def is_forbidden(key: str) -> bool:
    return not FORBIDDEN.isdisjoint(WORDS.split(key.lower()))


def scrub(text: str) -> str:
    """The text without query strings, addresses of people and anything shaped like a secret."""
    for pattern, instead in SCRUBBED:
        text = pattern.sub(instead, text)
    return text


def _clean(value: Any, depth: int) -> Any:
    if isinstance(value, str):
        return scrub(value)
    if isinstance(value, bytes | bytearray | memoryview):
        return f"<{len(value)} bytes>"
    if depth >= DEPTH_MAX:
        return "…"
    if isinstance(value, Mapping):
        return {str(k): _clean(v, depth + 1) for k, v in value.items() if not is_forbidden(str(k))}
    if isinstance(value, list | tuple | set | frozenset):
        return [_clean(item, depth + 1) for item in value]
    return value if isinstance(value, int | float | None) else scrub(str(value))


def _traced(_: WrappedLogger, __: str, event: EventDict) -> EventDict:
    doing = traces.current()
    if doing is not None:
        event["trace_id"], event["span_id"] = f"{doing.trace:032x}", f"{doing.id:016x}"
    return event


def _named(process: str) -> Processor:
    def add(_: WrappedLogger, __: str, event: EventDict) -> EventDict:
        event.setdefault("process", process)
        return event

    return add


def _coloured() -> Processor:
    return structlog.dev.ConsoleRenderer(exception_formatter=structlog.dev.plain_traceback)


def _json(event: EventDict, **_: Any) -> str:
    return msgspec.json.encode(event, enc_hook=str).decode()
