"""Pages of connections: who may send hooks, the maps of what they send, and the calendars and CRMs kept in step."""

from wedsync.connections.pages import calendars, described, maps, record_maps, records, sources

ROUTES = (*sources.ROUTES, *maps.ROUTES, *calendars.ROUTES, *records.ROUTES, *record_maps.ROUTES, *described.ROUTES)
