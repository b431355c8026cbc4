"""Pages of forms: the builder, what a supplier asks at a wedding, the couple's answers, and a form's own address."""

from wedsync.forms.pages import couple, public, studio, supplier

ROUTES = (*studio.ROUTES, *supplier.ROUTES, *couple.ROUTES, *public.ROUTES)
