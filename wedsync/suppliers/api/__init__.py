"""The JSON door of suppliers: businesses and their links, and the team of a business."""

from wedsync.suppliers.api import links, team

ROUTES = (*links.ROUTES, *team.ROUTES)
