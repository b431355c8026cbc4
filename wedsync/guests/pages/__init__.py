"""The pages of guests: the couple's list, parties, dietary sheets, final numbers; public answers and lost links."""

from wedsync.guests.pages import dietary, final, finder, meals, parties, people, rsvp, shared

ROUTES = (
    *people.ROUTES,
    *parties.ROUTES,
    *dietary.ROUTES,
    *final.ROUTES,
    *meals.ROUTES,
    *rsvp.ROUTES,
    *finder.ROUTES,
    *shared.ROUTES,
)
