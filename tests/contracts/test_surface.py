"""The surface is what its references say: served routes, event types, audiences."""

from collections.abc import Iterator
from typing import Any

import httpx
import msgspec
import pytest
from litestar import Litestar, Router, get, post
from litestar.datastructures import State
from litestar.exceptions import ImproperlyConfiguredException
from litestar.routes import HTTPRoute

from tests.permissions import access
from wedsync.kit.config import Settings
from wedsync.processes import reference_surface, references, registry, web
from wedsync.web.served import Served

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


def test_every_event_type_has_a_description_and_an_example_of_its_row() -> None:
    wrong = {}
    for kind, event in CATALOGUE.types.items():
        assert len(event.description) > 10, kind
        try:
            msgspec.convert(msgspec.json.decode(msgspec.json.encode(event.example)), type=event.row, strict=False)
        except msgspec.ValidationError as error:
            wrong[kind] = str(error)
    assert wrong == {}


@get("/guests", sync_to_thread=False)
def listed() -> str:
    return "all"


@get(["/guests/{number:int}", "/people"], sync_to_thread=False)
def one_of_them() -> str:
    return "one"


@post("/guests", sync_to_thread=False)
def added() -> str:
    return "added"


def shown(app: Litestar) -> dict[str, dict[str, str]]:
    """Which handler answers, by path and method."""
    return {
        route.path: {method: str(handler) for method, (handler, _) in route.route_handler_map.items()}
        for route in app.routes
        if isinstance(route, HTTPRoute)
    }


def test_handlers_that_are_registered_together_stand_where_they_stand_one_by_one() -> None:
    given = [listed, one_of_them, Router("/house", route_handlers=[added]), added]
    together = Served(route_handlers=given)
    assert shown(together) == shown(Litestar(route_handlers=given))
    assert {"GET", "POST", "OPTIONS"} == shown(together)["/guests"].keys()
    assert "/house/guests" in shown(together)


@get("/whose", sync_to_thread=False)
def whose(state: State) -> str:
    return str(state.whose)


async def test_who_shares_the_routes_of_another_answers_with_its_own_settings() -> None:
    ours = Served(route_handlers=[whose], state=State({"whose": "ours"}))
    theirs = Served(route_handlers=[], like=ours, state=State({"whose": "theirs"}))
    said = []
    for app in (ours, theirs):
        async with httpx.AsyncClient(transport=httpx.ASGITransport(app=app), base_url="http://test") as client:
            said.append((await client.get("/whose")).text)
    assert said == ["ours", "theirs"]
    assert theirs.openapi_schema.to_schema()["paths"].keys() == ours.openapi_schema.to_schema()["paths"].keys()


def test_of_two_handlers_for_one_request_neither_is_chosen() -> None:
    with pytest.raises(ImproperlyConfiguredException, match="two handlers for POST /guests"):
        Served(route_handlers=[added, listed, added])


@pytest.mark.prove  # in each run tests/rules/test_config.py says the same
def test_the_committed_references_are_what_is_generated() -> None:
    stale = [path for path, make in references.PAGES.items() if (references.ROOT / path).read_text() != make()]
    assert stale == [], "run `make docs`"


def test_the_page_of_audiences_is_the_permission_file() -> None:
    assert access.PAGE.read_text() == access.page(), "run `python -m tests.permissions.access`"
