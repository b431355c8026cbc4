"""Judges forms and answers by Twilio's own OpenAPI, which nobody here wrote.

The file lies beside the checkout in `shared/specs`, or in `WEDSYNC_SPECS_DIR`; it is not ours to copy. What needs it is
skipped, by name and with the reason, where it is absent.
"""

import json
import os
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import jsonschema_rs
import msgspec
import pytest

FILE = "twilio_api_v2010.openapi.json"


class Call(msgspec.Struct, frozen=True, kw_only=True):
    """One exchange as it was on the wire."""

    method: str
    url: str
    form: str
    status: int
    answer: Any


class OpenApi:
    def __init__(self, document: Mapping[str, Any]) -> None:
        self._paths = document["paths"]
        self._components = document["components"]

    def faults(self, call: Call) -> list[str]:
        """What in this call is not as they describe it."""
        path = urlsplit(call.url).path
        path = path[path.index("/2010-04-01") :]
        for template, item in self._paths.items():
            pattern = re.sub(r"\\\{\w+\\\}", "[^/]+", re.escape(template))
            if call.method.lower() in item and re.fullmatch(pattern, path):
                return list(self._faults(item[call.method.lower()], call))
        return [f"no such operation: {call.method} {path}"]

    def _faults(self, operation: Mapping[str, Any], call: Call) -> Iterator[str]:
        known = {one["name"]: one["schema"] for one in operation.get("parameters", ()) if one["in"] == "query"}
        for name, text in parse_qsl(urlsplit(call.url).query):
            yield from self._unlike(text, known.get(name), f"parameter {name}")
        if call.method == "POST":
            schema = operation["requestBody"]["content"]["application/x-www-form-urlencoded"]["schema"]
            sent = parse_qsl(call.form, keep_blank_values=True)
            yield from (f"{name} is missing" for name in schema.get("required", ()) if name not in dict(sent))
            for name, text in sent:
                yield from self._unlike(text, schema["properties"].get(name), f"field {name}")
        answer = operation["responses"].get(str(call.status))
        if answer is None:
            yield f"it does not answer {call.status}"
        else:
            schema = answer["content"]["application/json"]["schema"]
            # Their own examples give paths where the schema says uri.
            told = {name: value for name, value in call.answer.items() if not name.endswith("uri")}
            yield from self._valid(told, schema, "answer")

    def _unlike(self, text: str, schema: Any, place: str) -> Iterator[str]:
        if schema is None:
            yield f"{place} is not known"
            return
        if schema.get("type") == "array":
            schema = schema["items"]
        value: Any = int(text) if schema.get("type") == "integer" and text.isdigit() else text
        yield from self._valid(value, schema, place)

    def _valid(self, value: Any, schema: Any, place: str) -> Iterator[str]:
        whole = {**_plain(schema), "components": _plain(self._components)}
        for error in jsonschema_rs.Draft7Validator(whole).iter_errors(value):
            yield f"{place}{'.'.join(['', *map(str, error.instance_path)])}: {error.message[:200]}"


def _plain(schema: Any) -> Any:
    """OpenAPI 3.0 as JSON Schema: null where it may be."""
    if isinstance(schema, list):
        return [_plain(one) for one in schema]
    if not isinstance(schema, dict):
        return schema
    plain = {name: _plain(one) for name, one in schema.items()}
    return {"anyOf": [{"type": "null"}, plain]} if schema.get("nullable") is True else plain


def openapi() -> OpenApi:
    """Skips the test where the file is absent."""
    root = Path(__file__).parents[4]
    places = [Path(text) for text in [os.environ.get("WEDSYNC_SPECS_DIR", "")] if text]
    places += [parent / "shared" / "specs" for parent in root.parents]
    for place in places:
        if (place / FILE).is_file():
            return OpenApi(json.loads((place / FILE).read_text("utf-8")))
    pytest.skip(f"{FILE} is neither in WEDSYNC_SPECS_DIR nor in shared/specs beside the checkout")
