"""The pages of the market: the public one and its form, and in the studio its editor and the enquiries."""

from wedsync.market.pages import editor, enquiries, public

ROUTES = (*public.ROUTES, *editor.ROUTES, *enquiries.ROUTES)
