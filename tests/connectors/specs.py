"""Judges bodies by a provider's own OpenAPI document, which nobody here wrote.

The files lie beside the checkout in `shared/specs`, or in `WEDSYNC_SPECS_DIR`; they are not ours to copy. What needs
one is skipped, by name and with the reason, where it is absent.
"""

import json
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import jsonschema_rs
import pytest

ROOT = Path(__file__).parents[2]


class Spec:
    """One document."""

    def __init__(self, document: Mapping[str, Any]) -> None:
        self._document = document

    def request(self, method: str, path: str) -> Any:
        """The schema of a call's body."""
        body = self._resolved(self._document["paths"][path][method.lower()]["requestBody"])
        return body["content"]["application/json"]["schema"]

    def schema(self, name: str) -> Any:
        return {"$ref": f"#/components/schemas/{name}"}

    def faults(self, schema: Any, value: Any) -> list[str]:
        """What in a value is not as they describe it."""
        whole = {**_plain(schema), "components": _plain(self._document["components"])}
        errors = jsonschema_rs.Draft202012Validator(whole).iter_errors(value)
        return [f"{'.'.join(map(str, error.instance_path))}: {error.message[:200]}" for error in errors]

    def _resolved(self, one: Any) -> Any:
        while "$ref" in one:
            found: Any = self._document
            for part in one["$ref"].removeprefix("#/").split("/"):
                found = found[part]
            one = found
        return one


def _plain(schema: Any) -> Any:
    """OpenAPI 3.0 as JSON Schema: null where it may be."""
    if isinstance(schema, list):
        return [_plain(one) for one in schema]
    if not isinstance(schema, dict):
        return schema
    plain = {name: _plain(one) for name, one in schema.items() if name != "discriminator"}
    return {"anyOf": [{"type": "null"}, plain]} if schema.get("nullable") is True else plain


def spec(file: str) -> Spec:
    """Skips the test where the file is absent."""
    places = [Path(text) for text in [os.environ.get("WEDSYNC_SPECS_DIR", "")] if text]
    places += [parent / "shared" / "specs" for parent in ROOT.parents]
    for place in places:
        if (place / file).is_file():
            return Spec(json.loads((place / file).read_text("utf-8")))
    pytest.skip(f"{file} is neither in WEDSYNC_SPECS_DIR nor in shared/specs beside the checkout")
