"""Judges calls of marketing providers by their own Swagger 2 documents, which nobody here wrote.

The files lie beside the checkout in `shared/specs`, or in `WEDSYNC_SPECS_DIR`; they are not ours to copy. What needs
one is skipped, by name and with the reason, where it is absent. Operations of Mailchimp that no file describes (lists,
templates) are named here, so that no other can slip through.
"""

import os
import re
from collections.abc import Iterator, Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import Any, Final

import jsonschema_rs
import pytest
import yaml  # type: ignore[import-untyped]

ROOT = Path(__file__).parents[2]
FILES: Final = {
    "mailchimp": tuple(
        f"mailchimp_{part}.openapi.yml" for part in ("members", "segments", "journeys", "reports", "webhooks")
    ),
    "constant_contact": ("constant_contact_v3.openapi.yml",),
}
UNDESCRIBED: Final = {"mailchimp": re.compile(r"/lists|/templates(/\d+)?"), "constant_contact": None}


def faults(connector: str, exchanges: Sequence[Any]) -> list[str]:
    """What in these calls is not as the provider describes it."""
    found: list[str] = []
    for exchange in exchanges:
        bare = UNDESCRIBED[connector]
        if bare is not None and bare.fullmatch(exchange.path):
            continue
        operations = [one for document in _documents(connector) for one in _operations(document, exchange)]
        if not operations:
            found.append(f"no such operation: {exchange.method} {exchange.path}")
            continue
        document, operation = operations[0]
        found += [f"{exchange.method} {exchange.path}: {one}" for one in _faults(document, operation, exchange)]
    return sorted(set(found))


def _operations(document: Mapping[str, Any], exchange: Any) -> Iterator[tuple[Mapping[str, Any], Mapping[str, Any]]]:
    # What is written out comes before what has a place for anything.
    for path, item in sorted(document["paths"].items(), key=lambda one: one[0].count("{")):
        pattern = re.sub(r"\\\{\w+\\\}", "[^/]+", re.escape(path))
        if exchange.method.lower() in item and re.fullmatch(pattern, exchange.path):
            yield document, item[exchange.method.lower()]


def _faults(document: Mapping[str, Any], operation: Mapping[str, Any], exchange: Any) -> Iterator[str]:
    parameters = [_resolved(document, one) for one in operation.get("parameters", ())]
    known = {one["name"]: one for one in parameters if one["in"] == "query"}
    for name, text in exchange.query.items():
        if name == "cursor":
            continue  # their own, from the link to the next page
        if name not in known:
            yield f"parameter {name} is not known"
        elif "enum" in known[name] and not set(text.split(",")) <= set(known[name]["enum"]):
            yield f"parameter {name} may not be {text}"
    body = next((one for one in parameters if one["in"] == "body"), None)
    if body is None and exchange.body is not None:
        yield "it takes no body"
    if body is not None:
        yield from _unlike(document, exchange.body, body["schema"], "request", is_strict=True)
    answer = operation["responses"].get(str(exchange.status)) or operation["responses"].get(exchange.status)
    if answer is None:
        yield f"it does not answer {exchange.status}"
    elif exchange.answer is not None and (schema := _resolved(document, answer).get("schema")) is not None:
        yield from _unlike(document, exchange.answer, schema, "answer")


def _unlike(
    document: Mapping[str, Any], value: Any, schema: Any, place: str, *, is_strict: bool = False
) -> Iterator[str]:
    """`is_strict`: fields that they do not name are faults, too, as far as the top of a body goes."""
    schema = _resolved(document, schema)
    whole = {**_plain(schema), "definitions": _plain(document.get("definitions", {}))}
    if is_strict and "properties" in schema:
        whole["additionalProperties"] = False
    for error in jsonschema_rs.Draft7Validator(whole).iter_errors(value):
        yield f"{place}{'.'.join(['', *map(str, error.instance_path)])}: {error.message[:200]}"


def _resolved(document: Mapping[str, Any], one: Any) -> Any:
    while "$ref" in one:
        found: Any = document
        for part in one["$ref"].removeprefix("#/").split("/"):
            found = found[part]
        one = found
    return one


def _plain(schema: Any) -> Any:
    """Swagger as JSON Schema: without its examples, which some of their files have as types."""
    if isinstance(schema, list):
        return [_plain(one) for one in schema]
    if not isinstance(schema, dict):
        return schema
    return {name: _plain(one) for name, one in schema.items() if name not in ("example", "examples", "discriminator")}


@cache
def _documents(connector: str) -> tuple[Mapping[str, Any], ...]:
    """Skips the test where one is absent."""
    places = [Path(text) for text in [os.environ.get("WEDSYNC_SPECS_DIR", "")] if text]
    places += [parent / "shared" / "specs" for parent in ROOT.parents]
    found = []
    for file in FILES[connector]:
        path = next((place / file for place in places if (place / file).is_file()), None)
        if path is None:
            pytest.skip(f"{file} is neither in WEDSYNC_SPECS_DIR nor in shared/specs beside the checkout")
        found.append(yaml.load(path.read_text("utf-8"), Loader=yaml.CSafeLoader))
    return tuple(found)
