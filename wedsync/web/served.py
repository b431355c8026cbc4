"""Litestar with many routes: what it asks of all of them for each one that is added is kept, not made anew.

Litestar maps every path to its handlers whenever a handler is registered (`Router.register`). With 800 of them that is
most of what it takes to make the application, which each worker does at its start.
"""

from typing import Any

from litestar import Litestar
from litestar.routes import BaseRoute, HTTPRoute, WebSocketRoute
from litestar.types.internal_types import RouteHandlerMapItem


class Served(Litestar):
    """An application whose map of paths grows by what is new."""

    def __init__(self, *given: Any, **named: Any) -> None:
        self._mapped: list[BaseRoute] = []
        self._map: dict[str, RouteHandlerMapItem] = {}
        super().__init__(*given, **named)

    @property
    def route_handler_method_map(self) -> dict[str, RouteHandlerMapItem]:
        """The handlers of each path by method; a route stands where it stood when another replaces it."""
        for number, route in enumerate(self.routes):
            if number == len(self._mapped):
                self._mapped.append(route)
            elif self._mapped[number] is route:
                continue
            else:
                self._mapped[number] = route
            self._map.setdefault(route.path, {}).update(_handlers(route))
        return self._map


def _handlers(route: BaseRoute) -> RouteHandlerMapItem:
    if isinstance(route, HTTPRoute):
        return {method: handler for handler in route.route_handlers for method in handler.http_methods}
    return {"websocket" if isinstance(route, WebSocketRoute) else "asgi": route.route_handler}  # type: ignore[attr-defined]
