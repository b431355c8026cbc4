"""The served API's description, with what is true of all its operations and no handler says by itself."""

import dataclasses
from typing import Any

from litestar.openapi import OpenAPIConfig
from litestar.openapi.spec import OpenAPI

from wedsync.web.repeats import HEADER, KEY_CHARS_MAX

IDEMPOTENCY_KEY: dict[str, Any] = {
    "name": HEADER,
    "in": "header",
    "required": False,
    "description": "Makes the request safe to repeat for 24 hours: it is carried out at most once for each caller, "
    "path and key. A repeat with the same body is given the first answer and `Idempotent-Replayed: true`; with another "
    "body 422; while the first is under way, or where its answer was lost in a crash, 409. A refusal frees the key.",
    "schema": {"type": "string", "minLength": 1, "maxLength": KEY_CHARS_MAX, "pattern": "^[!-~]+$"},
    "example": "0f2c6f1e-6f0b-4f55-9a52-8f6f0a4f2d11",
}


@dataclasses.dataclass
class Description(OpenAPI):
    """The document, with `Idempotency-Key` at every POST that takes it."""

    def to_schema(self) -> dict[str, Any]:
        """As a dictionary ready to be served."""
        document: dict[str, Any] = super().to_schema()
        document["components"].setdefault("parameters", {})["IdempotencyKey"] = IDEMPOTENCY_KEY
        for path, item in document["paths"].items():
            if path.startswith("/api/v1/") and "post" in item:
                item["post"].setdefault("parameters", []).append({"$ref": "#/components/parameters/IdempotencyKey"})
        return document


@dataclasses.dataclass
class Described(OpenAPIConfig):
    """Litestar's configuration, which makes such a document."""

    def to_openapi_schema(self) -> OpenAPI:
        """The document before its paths are known."""
        made = super().to_openapi_schema()
        return Description(**{field.name: getattr(made, field.name) for field in dataclasses.fields(made)})
