"""Pages of notices for couples and suppliers: the inbox, why one was told or not, how one wants to be told."""

from wedsync.notices.pages import choose, inbox, reasons

ROUTES = (*inbox.ROUTES, *reasons.ROUTES, *choose.ROUTES)
