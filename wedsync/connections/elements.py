"""What a verified request holds: one element, or one for each entry of a batch, with the key repeats share."""

import base64
import hashlib
import re
from collections.abc import Callable, Iterable, Mapping
from typing import Any, Final
from urllib.parse import parse_qs

import msgspec

from wedsync.connections.verify.request import Request
from wedsync.connections.verify.shared import trusted

KEY_CHARACTERS_MAX: Final = 200
SLOT_S: Final = 600
"""A request without an id of its own is a repeat for so long: the same answer may honestly come again later."""
ID_HEADERS: Final = ("webhook-id", "svix-id", "idempotency-key", "x-github-delivery")
GOOGLE: Final = ("x-goog-channel-id", "x-goog-resource-id", "x-goog-resource-state", "x-goog-message-number")
FIELDS_MAX: Final = 2000
HINT_FIELDS: Final = ("jobId", "job_id", "id")
HINTS_MAX: Final = 20
WATCH_ENDS: Final = ("reauthorizationRequired", "subscriptionRemoved")
"""Of the lifecycle notices of Microsoft Graph; the third, missed, says only to look."""
HINT_SLOT_S: Final = 10
"""A hint costs one question, so only what is sent twice at once is a repeat."""
_ID: Final = re.compile(r"[A-Za-z0-9_-]{1,64}")


class Element(msgspec.Struct, frozen=True):
    """One thing that was sent. `is_look`: it says no more than that there is something to look at."""

    key: str
    body: bytes
    is_look: bool = False


def split(scheme: str, request: Request) -> list[Element]:
    """The elements, each key once. Raises ValueError for a body that is not what its provider sends."""
    made = BATCHES[scheme](request) if scheme in BATCHES else [Element(_key_of(scheme, request), request.body)]
    return list({one.key: one for one in (Element(_short(one.key), one.body, one.is_look) for one in made)}.values())


def document(body: bytes) -> Any:
    """A body as a document: JSON, else the fields of a form. Raises ValueError."""
    try:
        return msgspec.json.decode(body)
    except (msgspec.DecodeError, UnicodeDecodeError):
        fields = parse_qs(body.decode(), keep_blank_values=True, max_num_fields=FIELDS_MAX)
        return {name: values[0] if len(values) == 1 else values for name, values in fields.items()}


def _key_of(scheme: str, request: Request) -> str:
    if scheme == "google_channel":
        return ".".join(request.headers.get(name, "") for name in GOOGLE)
    if scheme == "jwt" and (token_id := _token_id(request)):
        return token_id
    found = document(request.body) if request.body else {}
    for names in KEY_FIELDS.get(scheme, ()):
        if isinstance(found, Mapping) and all(found.get(name) for name in names):
            return ".".join(str(found[name]) for name in names)
    headers = (request.options.id_header.lower(), *ID_HEADERS)
    named = next((value for name in headers if (value := request.headers.get(name))), None)
    if named:
        return named
    own = found.get("id") if isinstance(found, Mapping) else None
    return str(own) if own else f"{_digest(request.body)}.{int(request.now // SLOT_S)}"


KEY_FIELDS: Final[Mapping[str, tuple[tuple[str, ...], ...]]] = {
    "slack": (("event_id",),),
    "stripe": (("id",),),
    "twilio": (("MessageSid", "MessageStatus"), ("CallSid", "CallStatus", "SequenceNumber"), ("MessageSid",)),
    "mailchimp": (
        ("type", "fired_at", "data[list_id]", "data[id]"),
        ("type", "fired_at", "data[list_id]", "data[email]"),
    ),
}


def hinted(body: bytes) -> list[str]:
    """The ids that a hint names, as they were kept."""
    return msgspec.json.decode(body, type=_Hint).ids


def ends_watch(body: bytes) -> bool:
    """Whether a provider's notice says that it will tell no more unless it is asked again."""
    said = document(body) if body else None
    return isinstance(said, Mapping) and said.get("lifecycleEvent") in WATCH_ENDS


class _Hint(msgspec.Struct, frozen=True):
    """What is kept of a hint. What else its sender tells may be its customers' money, and is thrown away."""

    ids: list[str]


def _hints(request: Request) -> Iterable[Element]:
    """Where to look, and no more: `id`, `jobId` and the like, of the body or of an object in it."""
    said = document(request.body) if request.body else {}
    found = said if isinstance(said, list) else [said]
    parts = [part for one in found if isinstance(one, Mapping) for part in (one, *one.values())]
    named = [str(part[name]) for part in parts if isinstance(part, Mapping) for name in HINT_FIELDS if part.get(name)]
    ids = sorted({one for one in named if _ID.fullmatch(one)})[:HINTS_MAX]
    key = f"{_digest(request.body)}.{int(request.now // HINT_SLOT_S)}"
    return [Element(key, msgspec.json.encode(_Hint(ids)))]


def _sendgrid(request: Request) -> Iterable[Element]:
    entries = msgspec.json.decode(request.body, type=list[dict[str, Any]])
    return [_entry(one, [one.get("sg_event_id")]) for one in entries]


def _mandrill(request: Request) -> Iterable[Element]:
    text = parse_qs(request.body.decode(), max_num_fields=FIELDS_MAX).get("mandrill_events", ["[]"])[0]
    entries = msgspec.json.decode(text, type=list[dict[str, Any]])
    return [_entry(one, [one.get(name) for name in ("_id", "event", "ts")]) for one in entries]


def _graph(request: Request) -> Iterable[Element]:
    made = [(one, _entry({**one, "clientState": ""}, _graph_key(one, request.now))) for one in trusted(request)]
    return [msgspec.structs.replace(entry, is_look=not one.get("lifecycleEvent")) for one, entry in made]


def _graph_key(one: Mapping[str, Any], now: float) -> list[Any]:
    data = one.get("resourceData") or {}
    if one.get("lifecycleEvent"):
        # It bears nothing that tells one from the next, and something may be missed again.
        return [one.get("subscriptionId"), one["lifecycleEvent"], int(now // SLOT_S)]
    return [one.get("subscriptionId"), data.get("id"), data.get("@odata.etag") or one.get("changeType")]


def _google(request: Request) -> Iterable[Element]:
    """Its body is empty: what it says stands in its headers."""
    said = {name.removeprefix("x-goog-"): request.headers.get(name, "") for name in GOOGLE}
    return [Element(_key_of("google_channel", request), msgspec.json.encode(said), is_look=True)]


BATCHES: Final[Mapping[str, Callable[[Request], Iterable[Element]]]] = {
    "sendgrid": _sendgrid,
    "mandrill": _mandrill,
    "graph": _graph,
    "google_channel": _google,
    "hint": _hints,
    "signed_hint": _hints,
}


def _entry(entry: Mapping[str, Any], parts: list[Any]) -> Element:
    body = msgspec.json.encode(entry)
    return Element(".".join(str(part) for part in parts) if all(parts) else _digest(body), body)


def _token_id(request: Request) -> str:
    text = request.header(request.options.header or "authorization").split(".")[1]
    return str(msgspec.json.decode(base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))).get("jti") or "")


def _short(key: str) -> str:
    return key if len(key) <= KEY_CHARACTERS_MAX and "\0" not in key else _digest(key.encode())


def _digest(text: bytes) -> str:
    return hashlib.sha256(text).hexdigest()
