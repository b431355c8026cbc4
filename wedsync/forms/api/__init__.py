"""The JSON doors of forms: a supplier's own, and what is asked of a wedding."""

from wedsync.forms.api import forms, requests

ROUTES = (*forms.ROUTES, *requests.ROUTES)
