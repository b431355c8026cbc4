"""Pages of webhooks for couples and suppliers: endpoints, their secrets, rules, the delivery log, sending again."""

from wedsync.subscriptions.pages import endpoints, log, replays, rule_switches, rules, switches, waiting

ROUTES = (
    *endpoints.ROUTES,
    *switches.ROUTES,
    *log.ROUTES,
    *replays.ROUTES,
    *waiting.ROUTES,
    *rules.ROUTES,
    *rule_switches.ROUTES,
)
