"""Judges calls by the provider's own OpenAPI 2, which nobody here wrote.

It was frozen in 2021, so what has come since is named here, each with the page that describes it. The file lies beside
the checkout in `shared/specs`, or in `WEDSYNC_SPECS_DIR`; what needs it is skipped, by name, where it is absent.
"""

import json
import os
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Final

import jsonschema_rs
import pytest

from wedsync.connectors.slack.fake import Call

FILE: Final = "slack_web.openapi2.json"
SINCE: Final = {
    # docs.slack.dev/messaging/message-metadata (2022)
    "chat.postMessage": {"metadata"},
    "conversations.history": {"include_all_metadata"},
}
MESSAGE_SINCE: Final = ("metadata", "blocks", "edited")
"""Not described as they are since: blocks are judged by the fake, whose limits are those of docs.slack.dev."""


class OpenApi:
    def __init__(self, document: Mapping[str, Any]) -> None:
        self._document = document

    def faults(self, call: Call) -> list[str]:
        """What in this call is not as they describe it."""
        operation = self._document["paths"].get(f"/{call.method}", {}).get(call.verb.lower())
        if operation is None:
            return [f"no such operation: {call.verb} {call.method}"]
        return [f"{call.method}: {fault}" for fault in self._faults(operation, call)]

    def _faults(self, operation: Mapping[str, Any], call: Call) -> Iterator[str]:
        known = {one["name"]: one for one in operation["parameters"]}
        given = call.query | call.form
        for name, text in given.items():
            if name in SINCE.get(call.method, ()):
                continue
            if name not in known:
                yield f"parameter {name} is not known"
            elif (known[name]["in"] == "query") != (name in call.query):
                yield f"parameter {name} is at the wrong place"
            elif not _is_typed(text, known[name]["type"]):
                yield f"parameter {name} is no {known[name]['type']}"
        for name, one in known.items():
            # The token is in the header of every call.
            if one.get("required") and name != "token" and name not in given:
                yield f"parameter {name} is missing"
        schema = operation["responses"]["200" if call.answer["ok"] else "default"]["schema"]
        yield from self._unlike(_without(call.answer), schema)

    def _unlike(self, answer: Any, schema: Any) -> Iterator[str]:
        whole = {**schema, "definitions": self._document["definitions"]}
        for error in jsonschema_rs.Draft7Validator(whole).iter_errors(answer):
            yield f"answer{'.'.join(['', *map(str, error.instance_path)])}: {error.message[:200]}"


def _without(value: Any) -> Any:
    """Messages without what is described elsewhere."""
    if isinstance(value, list):
        return [_without(one) for one in value]
    if not isinstance(value, dict):
        return value
    return {name: _without(one) for name, one in value.items() if name not in MESSAGE_SINCE}


def _is_typed(text: str, kind: str) -> bool:
    return {"boolean": text in ("true", "false"), "integer": text.isdigit()}.get(kind, True)


def openapi() -> OpenApi:
    """Skips the test where the file is absent."""
    root = Path(__file__).parents[4]
    places = [Path(text) for text in [os.environ.get("WEDSYNC_SPECS_DIR", "")] if text]
    places += [parent / "shared" / "specs" for parent in root.parents]
    for place in places:
        if (place / FILE).is_file():
            return OpenApi(json.loads((place / FILE).read_text("utf-8")))
    pytest.skip(f"{FILE} is neither in WEDSYNC_SPECS_DIR nor in shared/specs beside the checkout")
