"""Pages of connections: who may send hooks and the maps of it, lists of clients, CRMs, channels, correspondence."""

from wedsync.connections.pages import (
    calendars,
    chats,
    clienting,
    correspondence,
    described,
    maps,
    marketing,
    record_maps,
    records,
    sources,
)

ROUTES = (
    *(*sources.ROUTES, *maps.ROUTES, *calendars.ROUTES, *records.ROUTES, *clienting.ROUTES),
    *(*record_maps.ROUTES, *described.ROUTES, *chats.ROUTES, *correspondence.ROUTES, *marketing.ROUTES),
)
