"""Pages of connections: who may send hooks, the maps of what they send, calendars, CRMs, channels, correspondence."""

from wedsync.connections.pages import calendars, chats, correspondence, described, maps, record_maps, records, sources

ROUTES = (
    *(*sources.ROUTES, *maps.ROUTES, *calendars.ROUTES, *records.ROUTES),
    *(*record_maps.ROUTES, *described.ROUTES, *chats.ROUTES, *correspondence.ROUTES),
)
