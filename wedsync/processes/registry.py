"""Where nouns are named once: their event types, reactions, routes; everything else asks here."""

from functools import cache
from typing import Any

from wedsync.acknowledgements import api as acknowledgements_api
from wedsync.acknowledgements import model as acknowledgements
from wedsync.acknowledgements import reactions as acknowledgements_reactions
from wedsync.events.catalogue import Catalogue
from wedsync.guests import api as guests_api
from wedsync.guests import facts as guests
from wedsync.people import api as people_api
from wedsync.people import model as people
from wedsync.subscriptions import api as subscriptions_api
from wedsync.subscriptions import model as subscriptions
from wedsync.suppliers import api as suppliers_api
from wedsync.suppliers import model as suppliers
from wedsync.suppliers import reactions as suppliers_reactions
from wedsync.weddings import api as weddings_api
from wedsync.weddings import model as weddings
from wedsync.weddings import reactions as weddings_reactions


@cache
def catalogue() -> Catalogue:
    """All event types and reactions."""
    nouns = (people, weddings, guests, suppliers, acknowledgements, subscriptions)
    reactions = (weddings_reactions, suppliers_reactions, acknowledgements_reactions)
    return Catalogue([t for noun in nouns for t in noun.EVENTS], [r for noun in reactions for r in noun.REACTIONS])


def routes() -> list[Any]:
    """All handlers, pages and API."""
    doors = (people_api, weddings_api, guests_api, suppliers_api, acknowledgements_api, subscriptions_api)
    return [route for door in doors for route in door.ROUTES]
