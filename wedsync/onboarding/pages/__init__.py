"""The pages of setting a business up: the beginning without one, then a page a step."""

from wedsync.onboarding.pages import begin, lists, steps

ROUTES = (*begin.ROUTES, *steps.ROUTES, *lists.ROUTES)
