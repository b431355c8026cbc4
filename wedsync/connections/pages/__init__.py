"""Pages of connections: who may send hooks, the maps of what they send, calendars, CRMs and channels."""

from wedsync.connections.pages import calendars, chats, maps, records, sources

ROUTES = (*sources.ROUTES, *maps.ROUTES, *calendars.ROUTES, *records.ROUTES, *chats.ROUTES)
