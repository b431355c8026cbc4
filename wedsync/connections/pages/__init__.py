"""Pages of connections: who may send hooks and the maps of it, calendars, CRMs, lists, channels, correspondence."""

from wedsync.connections.pages import (
    calendars,
    chats,
    correspondence,
    described,
    maps,
    marketing,
    record_maps,
    records,
    sources,
)

ROUTES = (
    *(*sources.ROUTES, *maps.ROUTES, *calendars.ROUTES, *records.ROUTES),
    *(*record_maps.ROUTES, *described.ROUTES, *chats.ROUTES, *correspondence.ROUTES, *marketing.ROUTES),
)
