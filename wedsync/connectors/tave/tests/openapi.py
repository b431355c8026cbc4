"""Judges calls by the provider's own OpenAPI, which nobody here wrote.

The file lies beside the checkout in `shared/specs`, or in `WEDSYNC_SPECS_DIR`; it is not ours to copy. What needs it is
skipped, by name and with the reason, where it is absent.
"""

import json
import os
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any
from urllib.parse import unquote

import jsonschema_rs
import pytest

from wedsync.connections.standin import Exchange

FILE = "tave_vsco_workspace_v2.openapi.json"


class OpenApi:
    def __init__(self, document: Mapping[str, Any]) -> None:
        self._document = document
        self._paths = document["paths"]
        self._components = document["components"]

    def faults(self, call: Exchange) -> list[str]:
        """What in this call is not as they describe it."""
        operation, path = self._operation(call)
        if operation is None:
            return [f"no such operation: {call.method} {call.path}"]
        place = f"{call.method} {path}"
        return [f"{place}: {fault}" for fault in self._faults(operation, call)]

    def _operation(self, call: Exchange) -> tuple[Any, str]:
        for path, item in self._paths.items():
            pattern = re.sub(r"\\\{\w+\\\}", "[^/]+", re.escape(path))
            if call.method.lower() in item and re.fullmatch(pattern, unquote(call.path)):
                return item[call.method.lower()], path
        return None, ""

    def _faults(self, operation: Mapping[str, Any], call: Exchange) -> Iterator[str]:
        known = {one["name"]: one for one in map(self._resolved, operation.get("parameters", ()))}
        for name, text in call.query.items():
            if name not in known:
                yield f"parameter {name} is not known"
            else:
                yield from self._unlike(_typed(text, known[name]["schema"]), known[name]["schema"], f"parameter {name}")
        body = operation.get("requestBody")
        if body is None and call.body is not None:
            yield "it takes no body"
        if body is not None:
            yield from self._unlike(call.body, _json(body), "request", is_written=True)
        answer = operation["responses"].get(str(call.status))
        if answer is not None:
            yield from self._unlike(call.answer, _json(self._resolved(answer)), "answer")

    def _unlike(self, value: Any, schema: Any, place: str, *, is_written: bool = False) -> Iterator[str]:
        whole = {**self._plain(schema, is_written), "components": self._plain(self._components, is_written)}
        for error in jsonschema_rs.Draft7Validator(whole).iter_errors(value):
            yield f"{place}{'.'.join(['', *map(str, error.instance_path)])}: {error.message[:200]}"

    def _resolved(self, one: Mapping[str, Any]) -> Mapping[str, Any]:
        found: Any = one
        while "$ref" in found:
            found = self._document
            for part in one["$ref"].removeprefix("#/").split("/"):
                found = found[part]
        return found  # type: ignore[no-any-return]

    def _plain(self, schema: Any, is_written: bool) -> Any:
        """OpenAPI 3.0 as JSON Schema: null where it may be, and of what is only read nothing in a request."""
        if isinstance(schema, list):
            return [self._plain(one, is_written) for one in schema]
        if not isinstance(schema, dict):
            return schema
        plain = {name: self._plain(one, is_written) for name, one in schema.items() if name != "discriminator"}
        if is_written and schema.get("readOnly") is True:
            return {"not": {}}
        if schema.get("nullable") is True:
            return {"anyOf": [{"type": "null"}, plain]}
        return plain


def _json(part: Mapping[str, Any]) -> Any:
    return part["content"]["application/json"]["schema"] if part.get("content") else {}


def _typed(text: str, schema: Mapping[str, Any]) -> Any:
    if schema.get("type") == "integer" and text.isdigit():
        return int(text)
    if schema.get("type") == "boolean" and text in ("true", "false"):
        return text == "true"
    return text


def openapi() -> OpenApi:
    """Skips the test where the file is absent."""
    root = Path(__file__).parents[4]
    places = [Path(text) for text in [os.environ.get("WEDSYNC_SPECS_DIR", "")] if text]
    places += [parent / "shared" / "specs" for parent in root.parents]
    for place in places:
        if (place / FILE).is_file():
            return OpenApi(json.loads((place / FILE).read_text("utf-8")))
    pytest.skip(f"{FILE} is neither in WEDSYNC_SPECS_DIR nor in shared/specs beside the checkout")
