"""Pages of connections: who may send hooks, the maps of what they send, calendars, CRMs and channels."""

from wedsync.connections.pages import calendars, chats, clienting, described, maps, record_maps, records, sources

ROUTES = (
    *(*sources.ROUTES, *maps.ROUTES, *clienting.ROUTES, *calendars.ROUTES, *records.ROUTES),
    *(*record_maps.ROUTES, *described.ROUTES, *chats.ROUTES),
)
