"""Pages of sources of hooks: who may send, and the map that turns what they send into proposals."""

from wedsync.connections.pages import maps, sources

ROUTES = (*sources.ROUTES, *maps.ROUTES)
