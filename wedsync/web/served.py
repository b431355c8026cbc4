"""Litestar with many routes: what it does again for all of them with each one that is added is done once.

Whenever a handler is registered, Litestar maps every path to its handlers, prepares those of its path anew and judges
the whole tree of paths. With 900 of them that is half of what it takes to make the application, which each worker does
at its start. So they are registered together. Prepared once they serve each further application of the process too.
"""

from collections.abc import Mapping, Sequence
from copy import copy
from typing import Any

from litestar import Litestar
from litestar.exceptions import ImproperlyConfiguredException
from litestar.handlers import HTTPRouteHandler
from litestar.types.internal_types import RouteHandlerMapItem


class Together(tuple[Any, ...]):
    """Handlers and routers that are registered at once."""


class Served(Litestar):
    """An application that is given its handlers at once, or those of another that differs in settings only."""

    def __init__(self, *, route_handlers: Sequence[Any], like: "Served | None" = None, **named: Any) -> None:
        self._before: Mapping[str, RouteHandlerMapItem] | None = None
        super().__init__(**named)
        if like is not None:
            self._take_over(like)
            return
        self._before = super().route_handler_method_map
        self.register(Together(route_handlers))  # type: ignore[arg-type]
        self._before = None

    def _take_over(self, other: "Served") -> None:
        """Its routes and their tree, which know no settings: who is asked finds those by the request's application."""
        self.routes = other.routes
        self.asgi_router = copy(other.asgi_router)
        self.asgi_router.app = self
        self.asgi_handler = self._create_asgi_handler()
        for route in self.routes:
            for plugin in self.plugins.receive_route:
                plugin.receive_route(route)

    @property
    def route_handler_method_map(self) -> dict[str, RouteHandlerMapItem]:
        """The handlers of each path by method; as it was, while the many come together."""
        return super().route_handler_method_map if self._before is None else dict(self._before)

    def _validate_registration_value(self, value: Any) -> Any:
        if isinstance(value, Together):
            return Together(super(Served, self)._validate_registration_value(one) for one in value)
        return super()._validate_registration_value(value)

    @classmethod
    def get_route_handler_map(cls, value: Any) -> dict[str, RouteHandlerMapItem]:
        """By path and method."""
        if not isinstance(value, Together):
            return super().get_route_handler_map(value)
        found: dict[str, RouteHandlerMapItem] = {}
        for one in value:
            if isinstance(one, HTTPRouteHandler):
                # Read here it is kept with the handler, of which each application has a copy of its own.
                _ = one.parsed_fn_signature
            for path, handlers in super().get_route_handler_map(one).items():
                there = found.setdefault(path, {})
                if twice := there.keys() & handlers.keys():
                    raise ImproperlyConfiguredException(f"two handlers for {', '.join(sorted(twice))} {path}")
                there.update(handlers)
        return found
