"""The generated references: OpenAPI of the served routes, AsyncAPI of the event types, tables by their comments."""

import re
from typing import Any

import msgspec

from wedsync.events.catalogue import EventType, Lane
from wedsync.events.scope import Scope
from wedsync.kit.config import Settings
from wedsync.processes import registry, web
from wedsync.processes.migrate import database_files

_TABLE = re.compile(r"create table public\.(\w+) \((.*?)\n\)[^;]*;", re.DOTALL)
_COMMENT = re.compile(r"comment on table public\.(\w+) is '((?:[^']|'')*)'")
_VIEW = re.compile(r"create view (brief\.\w+) \((.*?)\)", re.DOTALL)
_SAYS = re.compile(r"comment on view (brief\.\w+) is '((?:[^']|'')*)'")
_COLUMN = re.compile(r'^  "?(\w+)"? ([a-z][\w. \[\]]*?)(?: |,|$)')
_CONSTRAINTS = ("primary", "unique", "check", "foreign", "constraint")


def openapi() -> str:
    """The document that `/openapi.json` serves, sorted so that a difference is a change."""
    return _pretty(web.create(Settings()).openapi_schema.to_schema())


def asyncapi() -> str:
    """AsyncAPI 3.0 of what a stream carries: one message per event type, with its row's schema and an example."""
    types = sorted(registry.catalogue().types.values(), key=lambda t: t.type)
    rows, components = msgspec.json.schema_components(
        [t.row for t in types], ref_template="#/components/schemas/{name}"
    )
    messages = {t.type: _message(t, row) for t, row in zip(types, rows, strict=True)}
    references = {name: {"$ref": f"#/components/messages/{name}"} for name in messages}
    return _pretty(
        {
            "asyncapi": "3.0.0",
            "info": {
                "title": "WedSync events",
                "version": "1.0.0",
                "description": "Facts about changed rows: as broadcast (event = type) or postgres_changes on the "
                "realtime gateway, and as the body of webhooks. Which of them an audience gets is decided by scope "
                "and link.",
            },
            "channels": {"stream": {"address": "realtime:{kind}:{id}", "messages": references}},
            "operations": {"receive": {"action": "receive", "channel": {"$ref": "#/channels/stream"}}},
            "components": {"messages": messages, "schemas": components},
        }
    )


def _message(kind: EventType, row: dict[str, Any]) -> dict[str, Any]:
    return {
        "name": kind.type,
        "summary": kind.description,
        "x-version": kind.version,
        "x-scope": Scope(kind.scope).names(),
        "x-table": kind.table,
        "x-lane": Lane(kind.lane).name.lower(),
        "x-acknowledge": kind.acknowledge,
        "payload": {"type": "object", "properties": {"record": row, "old_record": row}},
        "examples": [{"name": kind.type, "payload": {"record": kind.example}}],
    }


def tables_page() -> str:
    """Every table with its comment and columns, and the views for reporting, read from `db/schema`."""
    text = "\n".join(path.read_text() for path in sorted(database_files("schema").glob("*.sql")))
    comments = {name: words.replace("''", "'") for name, words in _COMMENT.findall(text)}
    parts = [
        "# Tables",
        "",
        "Generated from `db/schema` by `make docs`; the comments stand beside the tables there.",
        "",
    ]
    for name, body in sorted(_TABLE.findall(text)):
        parts += [f"## {name}", "", f"{comments.get(name, '')}.", "", "| Column | Type |", "|---|---|"]
        parts += [f"| {column} | {kind.strip()} |" for column, kind in _columns(body)]
        parts.append("")
    said = {name: words.replace("''", "'") for name, words in _SAYS.findall(text)}
    parts += ["# Views for reporting", "", "Of schema `brief`: [how to read them](../howto/reporting.md).", ""]
    for name, columns in _VIEW.findall(text):
        named = ", ".join(f"`{column.strip()}`" for column in columns.split(","))
        parts += [f"## {name}", "", f"{said[name]}.", "", named, ""]
    return "\n".join(parts)


def _columns(body: str) -> list[tuple[str, str]]:
    found = (_COLUMN.match(line) for line in body.split("\n"))
    return [(m[1], m[2]) for m in found if m is not None and m[1] not in _CONSTRAINTS]


def _pretty(document: dict[str, Any]) -> str:
    return msgspec.json.format(msgspec.json.encode(document, order="sorted"), indent=1).decode() + "\n"
