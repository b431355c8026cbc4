"""Pages about suppliers: the couple's, the studio's, its team's and its schedule's, and beginning."""

from wedsync.suppliers.pages import couple, start, studio, team, timeline

ROUTES = (*start.ROUTES, *couple.ROUTES, *studio.ROUTES, *team.ROUTES, *timeline.ROUTES)
