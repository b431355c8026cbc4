"""Pages of connections: who may send hooks, the maps of what they send, and the calendars that are kept in step."""

from wedsync.connections.pages import calendars, maps, sources

ROUTES = (*sources.ROUTES, *maps.ROUTES, *calendars.ROUTES)
