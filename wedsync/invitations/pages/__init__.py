"""The pages of invitations: the supplier's, the couple's, the named supplier's, and the way out of these mails."""

from wedsync.invitations.pages import couple, joining, stopping, studio

ROUTES = (*studio.ROUTES, *couple.ROUTES, *joining.ROUTES, *stopping.ROUTES)
