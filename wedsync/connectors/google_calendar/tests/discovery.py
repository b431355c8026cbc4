"""Judges calls by Google's own description of its API, which nobody here wrote.

The file lies beside the checkout in `shared/specs`, or in `WEDSYNC_SPECS_DIR`; it is not ours to copy. What needs it is
skipped, by name and with the reason, where it is absent.
"""

import json
import os
import re
from collections.abc import Iterator, Mapping
from datetime import date, datetime
from pathlib import Path
from typing import Any

import pytest

from wedsync.connectors.google_calendar.fake import Exchange

FILE = "google_calendar_v3.discovery.json"
TYPES: Mapping[str, Any] = {"string": str, "boolean": bool, "integer": int, "number": (int, float), "object": dict}


class Discovery:
    def __init__(self, document: Mapping[str, Any]) -> None:
        self._schemas = document["schemas"]
        self._usual = document["parameters"]
        self._methods = [
            method for part in document["resources"].values() for method in part.get("methods", {}).values()
        ]

    def faults(self, call: Exchange) -> list[str]:
        """What in this call is not as Google describes it."""
        method = self._method(call)
        if method is None:
            return [f"no such method: {call.method} {call.path}"]
        return [f"{method['id']}: {fault}" for fault in self._faults(method, call)]

    def _method(self, call: Exchange) -> Mapping[str, Any] | None:
        for method in self._methods:
            pattern = re.sub(r"\\\{\w+\\\}", "[^/]+", re.escape(method["path"]))
            if method["httpMethod"] == call.method and re.fullmatch(pattern, call.path.lstrip("/")):
                return method  # type: ignore[no-any-return]
        return None

    def _faults(self, method: Mapping[str, Any], call: Exchange) -> Iterator[str]:
        known = {**self._usual, **method.get("parameters", {})}
        for name, text in call.query.items():
            if name not in known:
                yield f"parameter {name} is not known"
            elif not _is_parameter(text, known[name]):
                yield f"parameter {name} is not {known[name]['type']}"
        if "request" in method:
            is_patch = call.method == "PATCH"
            yield from self._unlike(call.body, method["request"], "request", method=method["id"], is_patch=is_patch)
        elif call.body is not None:
            yield "it takes no body"
        if call.status < 300 and "response" in method:
            yield from self._unlike(call.answer, method["response"], "answer")

    def _unlike(
        self, value: Any, schema: Mapping[str, Any], place: str, *, method: str = "", is_patch: bool = False
    ) -> Iterator[str]:
        """Null takes a member away in a patch; for the types of the members, JSON schema's rules."""
        schema = self._schemas[schema["$ref"]] if "$ref" in schema else schema
        if value is None and is_patch:
            return
        if schema["type"] == "array":
            if not isinstance(value, list):
                yield f"{place} is no list"
                return
            for one in value:
                yield from self._unlike(one, schema["items"], f"{place}[]", method=method, is_patch=is_patch)
            return
        if not isinstance(value, TYPES[schema["type"]]) or (isinstance(value, bool) and schema["type"] != "boolean"):
            yield f"{place} is no {schema['type']}"
        elif schema["type"] == "object":
            yield from self._members(value, schema, place, method, is_patch)
        elif schema["type"] == "string" and not _is_written(value, schema.get("format", ""), place):
            yield f"{place} is no {schema['format']}: {value!r}"

    def _members(
        self, value: Mapping[str, Any], schema: Mapping[str, Any], place: str, method: str, is_patch: bool
    ) -> Iterator[str]:
        known, others = schema.get("properties", {}), schema.get("additionalProperties")
        for name, member in known.items():
            if method in member.get("annotations", {}).get("required", []) and name not in value and not is_patch:
                yield f"{place}.{name} is missing"
        for name, one in value.items():
            if name not in known and others is None:
                yield f"{place}.{name} is not known"
            else:
                yield from self._unlike(
                    one, known.get(name, others), f"{place}.{name}", method=method, is_patch=is_patch
                )


def discovery() -> Discovery:
    """Skips the test where the file is absent."""
    root = Path(__file__).parents[4]
    places = [Path(text) for text in [os.environ.get("WEDSYNC_SPECS_DIR", "")] if text]
    places += [parent / "shared" / "specs" for parent in root.parents]
    for place in places:
        if (place / FILE).is_file():
            return Discovery(json.loads((place / FILE).read_text("utf-8")))
    pytest.skip(f"{FILE} is neither in WEDSYNC_SPECS_DIR nor in shared/specs beside the checkout")


def _is_parameter(text: str, schema: Mapping[str, Any]) -> bool:
    if schema["type"] == "integer":
        return text.isdigit() and int(schema.get("minimum", 0)) <= int(text) <= int(schema.get("maximum", 2**31))
    if schema["type"] == "boolean":
        return text in ("true", "false")
    return text in schema["enum"] if "enum" in schema else _is_written(text, schema.get("format", ""), "")


def _is_written(text: str, format: str, place: str) -> bool:
    try:
        if format == "date":
            date.fromisoformat(text)
        if format == "int64":
            int(text)
        if format == "date-time":
            at = datetime.fromisoformat(text)
            # In an event we may leave the offset out, for its zone stands beside it (EventDateTime.dateTime).
            return at.tzinfo is not None or place in ("request.start.dateTime", "request.end.dateTime")
    except ValueError:
        return False
    return True
