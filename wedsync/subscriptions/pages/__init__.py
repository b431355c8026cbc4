"""Pages of webhooks for couples and suppliers: endpoints, their secrets, the delivery log, sending again."""

from wedsync.subscriptions.pages import endpoints, log, replays, switches, waiting

ROUTES = (*endpoints.ROUTES, *switches.ROUTES, *log.ROUTES, *replays.ROUTES, *waiting.ROUTES)
