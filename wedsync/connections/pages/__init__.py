"""Pages of connections: who may send hooks, the maps of what they send, calendars, CRMs, lists and channels."""

from wedsync.connections.pages import calendars, chats, described, maps, marketing, record_maps, records, sources

ROUTES = (
    *(*sources.ROUTES, *maps.ROUTES, *calendars.ROUTES, *records.ROUTES),
    *(*record_maps.ROUTES, *described.ROUTES, *chats.ROUTES, *marketing.ROUTES),
)
