"""The surface is what its references say: served routes, event types, audiences."""

from collections.abc import Iterator
from typing import Any

import msgspec
import pytest
from litestar import Litestar

from tests.permissions import access
from wedsync.kit.config import Settings
from wedsync.processes import reference_surface, references, registry, web

METHODS = {"get", "post", "put", "patch", "delete"}
CATALOGUE = registry.catalogue()


@pytest.fixture(scope="module")
def document() -> dict[str, Any]:
    decoded: dict[str, Any] = msgspec.json.decode(reference_surface.openapi())
    return decoded


def operations(document: dict[str, Any]) -> Iterator[tuple[str, str, dict[str, Any]]]:
    for path, item in document["paths"].items():
        for method, operation in item.items():
            if method in METHODS:
                yield path, method, operation


def test_every_served_api_route_is_described(document: dict[str, Any]) -> None:
    served = {
        (route.path_format, method.lower())
        for route in web.create(Settings()).routes
        for method in getattr(route, "methods", ())
        if route.path.startswith(("/api/", "/auth/token", "/auth/sign-in")) and method.lower() in METHODS
    }
    described = {(path, method) for path, method, _ in operations(document)}
    assert served <= described
    assert len(served) > 50


def test_every_operation_says_what_it_is_for(document: dict[str, Any]) -> None:
    silent = [(p, m) for p, m, o in operations(document) if not o.get("summary") or not o.get("description")]
    assert silent == []


@pytest.mark.parametrize("kind", sorted(CATALOGUE.types))
def test_every_event_type_has_a_description_and_an_example_of_its_row(kind: str) -> None:
    event = CATALOGUE.types[kind]
    assert len(event.description) > 10
    msgspec.convert(msgspec.json.decode(msgspec.json.encode(event.example)), type=event.row, strict=False)


def test_the_map_of_paths_that_is_kept_is_the_one_litestar_would_make(app: Litestar) -> None:
    made = {path: dict(handlers) for path, handlers in Litestar.route_handler_method_map.fget(app).items()}
    assert app.route_handler_method_map == made
    assert any(len(handlers) > 2 for handlers in made.values())


@pytest.mark.prove  # in each run tests/rules/test_config.py says the same
def test_the_committed_references_are_what_is_generated() -> None:
    stale = [path for path, make in references.PAGES.items() if (references.ROOT / path).read_text() != make()]
    assert stale == [], "run `make docs`"


def test_the_page_of_audiences_is_the_permission_file() -> None:
    assert access.PAGE.read_text() == access.page(), "run `python -m tests.permissions.access`"
