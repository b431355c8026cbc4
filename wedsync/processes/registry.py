"""Where nouns are named once: their event types, reactions, routes; everything else asks here."""

from typing import Any

from wedsync.acknowledgements import api as acknowledgements_api
from wedsync.acknowledgements import model as acknowledgements
from wedsync.acknowledgements import pages as acknowledgements_pages
from wedsync.acknowledgements import reactions as acknowledgements_reactions
from wedsync.alerts import api as alerts_api
from wedsync.alerts import calling as alerts_calling
from wedsync.alerts import facts as alerts
from wedsync.alerts import pages as alerts_pages
from wedsync.bookings import api as bookings_api
from wedsync.bookings import facts as bookings
from wedsync.bookings import following as bookings_following
from wedsync.bookings import pages as bookings_pages
from wedsync.bookings import reactions as bookings_reactions
from wedsync.budget import api as budget_api
from wedsync.budget import model as budget
from wedsync.budget import pages as budget_pages
from wedsync.clients import api as clients_api
from wedsync.clients import facts as clients
from wedsync.clients import pages as clients_pages
from wedsync.commerce import api as commerce_api
from wedsync.commerce import model as commerce
from wedsync.commerce import pages as commerce_pages
from wedsync.connections import api as connections_api
from wedsync.connections import hooks, incoming
from wedsync.connections import model as connections
from wedsync.connections import pages as connections_pages
from wedsync.connections.accounts import api as accounts_api
from wedsync.connections.accounts import model as accounts
from wedsync.connections.accounts import pages as accounts_pages
from wedsync.connections.calendars import api as calendars_api
from wedsync.connections.calendars import model as calendars
from wedsync.connections.calendars import reactions as calendars_reactions
from wedsync.connections.calendars import sync as calendars_sync
from wedsync.connections.calendars.remote import Remote
from wedsync.connections.charging import api as charging_api
from wedsync.connections.charging import pages as charging_pages
from wedsync.connections.charging import reactions as charging_reactions
from wedsync.connections.charging import taking as charging_taking
from wedsync.connections.chatting import api as chatting_api
from wedsync.connections.chatting import model as chatting
from wedsync.connections.chatting import pressing as chatting_pressing
from wedsync.connections.chatting import reactions as chatting_reactions
from wedsync.connections.correspondence import api as correspondence_api
from wedsync.connections.correspondence import model as correspondence
from wedsync.connections.host import Host
from wedsync.connections.mailing import api as mailing_api
from wedsync.connections.mailing import model as mailing
from wedsync.connections.marketing import api as marketing_api
from wedsync.connections.marketing import model as marketing
from wedsync.connections.marketing import reactions as marketing_reactions
from wedsync.connections.marketing import sync as marketing_sync
from wedsync.connections.marketing.through import Marketers
from wedsync.connections.phoning import api as phoning_api
from wedsync.connections.phoning import work as phoning_work
from wedsync.connections.records import api as records_api
from wedsync.connections.records import model as records
from wedsync.connections.records import reactions as records_reactions
from wedsync.connections.records import sync as records_sync
from wedsync.connections.records.remote import Remote as Crms
from wedsync.consents import pages as consents_pages
from wedsync.days import api as days_api
from wedsync.days import facts as days
from wedsync.days import pages as days_pages
from wedsync.days import reactions as days_reactions
from wedsync.events.catalogue import Catalogue, Reaction
from wedsync.events.reactions import Work
from wedsync.feeds import api as feeds_api
from wedsync.feeds import model as feeds
from wedsync.feeds import pages as feeds_pages
from wedsync.forms import api as forms_api
from wedsync.forms import facts as forms
from wedsync.forms import pages as forms_pages
from wedsync.guests import api as guests_api
from wedsync.guests import facts as guests
from wedsync.guests import pages as guests_pages
from wedsync.guests import reactions as guests_reactions
from wedsync.guests.importing import api as imports_api
from wedsync.guests.importing import facts as imports
from wedsync.guests.importing import pages as imports_pages
from wedsync.guests.importing import reactions as imports_reactions
from wedsync.guests.importing import work as imports_work
from wedsync.invitations import api as invitations_api
from wedsync.invitations import facts as invitations
from wedsync.invitations import pages as invitations_pages
from wedsync.invitations import posting as invitations_posting
from wedsync.invitations import reactions as invitations_reactions
from wedsync.journeys import api as journeys_api
from wedsync.journeys import facts as journeys
from wedsync.journeys import pages as journeys_pages
from wedsync.journeys import reactions as journeys_reactions
from wedsync.journeys import running as journeys_running
from wedsync.kit.config import Settings
from wedsync.kit.seal import KeyRing
from wedsync.market import api as market_api
from wedsync.market import facts as market
from wedsync.market import pages as market_pages
from wedsync.market import reactions as market_reactions
from wedsync.notices import api as notices_api
from wedsync.notices import facts as notices
from wedsync.notices import pages as notices_pages
from wedsync.notices import reactions as notices_reactions
from wedsync.onboarding import model as onboarding
from wedsync.onboarding import pages as onboarding_pages
from wedsync.operations import api as operations_api
from wedsync.operations import pages as operations_pages
from wedsync.operations.console import api as console_api
from wedsync.operations.console import pages as console_pages
from wedsync.operations.database import api as database_api
from wedsync.operations.database import pages as database_pages
from wedsync.operations.freeze import api as freeze_api
from wedsync.operations.freeze import pages as freeze_pages
from wedsync.operations.modes import api as modes_api
from wedsync.operations.modes import model as modes
from wedsync.operations.modes import pages as modes_pages
from wedsync.operations.openings import actions as openings_actions
from wedsync.operations.openings import api as openings_api
from wedsync.operations.openings import model as openings
from wedsync.operations.openings import pages as openings_pages
from wedsync.operations.preflight import api as preflight_api
from wedsync.operations.preflight import pages as preflight_pages
from wedsync.operations.status import api as status_api
from wedsync.operations.status import pages as status_pages
from wedsync.operations.wedding_day import api as wedding_day_api
from wedsync.operations.wedding_day import forecasting as wedding_day_forecasting
from wedsync.operations.wedding_day import minding as wedding_day_minding
from wedsync.operations.wedding_day import packing as wedding_day_packing
from wedsync.operations.wedding_day import pages as wedding_day_pages
from wedsync.operations.wording import api as wording_api
from wedsync.operations.wording import pages as wording_pages
from wedsync.payments import api as payments_api
from wedsync.payments import facts as payments
from wedsync.payments import pages as payments_pages
from wedsync.people import api as people_api
from wedsync.people import model as people
from wedsync.people import pages as people_pages
from wedsync.phones import api as phones_api
from wedsync.phones import model as phones
from wedsync.phones import pages as phones_pages
from wedsync.photos import api as photos_api
from wedsync.photos import facts as photos
from wedsync.photos import pages as photos_pages
from wedsync.proposals import api as proposals_api
from wedsync.proposals import model as proposals
from wedsync.proposals import pages as proposals_pages
from wedsync.schedule import api as schedule_api
from wedsync.schedule import facts as schedule
from wedsync.schedule import pages as schedule_pages
from wedsync.schedule import reactions as schedule_reactions
from wedsync.subscriptions import api as subscriptions_api
from wedsync.subscriptions import model as subscriptions
from wedsync.subscriptions import pages as subscriptions_pages
from wedsync.subscriptions.rules import api as rules_api
from wedsync.subscriptions.rules import model as rules
from wedsync.suppliers import api as suppliers_api
from wedsync.suppliers import model as suppliers
from wedsync.suppliers import pages as suppliers_pages
from wedsync.suppliers import reactions as suppliers_reactions
from wedsync.tasks import api as tasks_api
from wedsync.tasks import model as tasks
from wedsync.tasks import pages as tasks_pages
from wedsync.tasks import reactions as tasks_reactions
from wedsync.venues import api as venues_api
from wedsync.venues import facts as venues
from wedsync.venues import pages as venues_pages
from wedsync.weddings import api as weddings_api
from wedsync.weddings import model as weddings
from wedsync.weddings import pages as weddings_pages
from wedsync.weddings import reactions as weddings_reactions

NOUNS = (
    people,
    phones,
    weddings,
    schedule,
    guests,
    imports,
    suppliers,
    tasks,
    budget,
    bookings,
    photos,
    venues,
    days,
    payments,
    clients,
    forms,
    commerce,
    market,
    invitations,
    acknowledgements,
    proposals,
    notices,
    alerts,
    journeys,
    subscriptions,
    rules,
    feeds,
    connections,
    accounts,
    calendars,
    records,
    correspondence,
    mailing,
    chatting,
    marketing,
    onboarding,
    modes,
    openings,
)
PLAIN = (
    weddings_reactions,
    schedule_reactions,
    suppliers_reactions,
    tasks_reactions,
    days_reactions,
    bookings_reactions,
    acknowledgements_reactions,
    invitations_reactions,
    calendars_reactions,
    records_reactions,
    marketing_reactions,
)
SEALED = (
    guests_reactions,
    imports_reactions,
    market_reactions,
    notices_reactions,
    alerts_calling,
    journeys_reactions,
    charging_reactions,
    chatting_reactions,
)
DOORS = (
    people_api,
    phones_api,
    weddings_api,
    schedule_api,
    guests_api,
    imports_api,
    suppliers_api,
    tasks_api,
    budget_api,
    bookings_api,
    photos_api,
    venues_api,
    days_api,
    payments_api,
    clients_api,
    forms_api,
    commerce_api,
    market_api,
    invitations_api,
    acknowledgements_api,
    proposals_api,
    notices_api,
    alerts_api,
    journeys_api,
    subscriptions_api,
    rules_api,
    feeds_api,
    connections_api,
    accounts_api,
    calendars_api,
    records_api,
    correspondence_api,
    charging_api,
    mailing_api,
    phoning_api,
    chatting_api,
    marketing_api,
    hooks,
    operations_api,
    console_api,
    status_api,
    wedding_day_api,
    freeze_api,
    modes_api,
    openings_api,
    database_api,
    preflight_api,
    wording_api,
)
PAGES = (
    people_pages,
    phones_pages,
    consents_pages,
    weddings_pages,
    schedule_pages,
    guests_pages,
    imports_pages,
    suppliers_pages,
    tasks_pages,
    budget_pages,
    bookings_pages,
    photos_pages,
    venues_pages,
    days_pages,
    payments_pages,
    clients_pages,
    forms_pages,
    commerce_pages,
    market_pages,
    invitations_pages,
    acknowledgements_pages,
    proposals_pages,
    notices_pages,
    alerts_pages,
    journeys_pages,
    subscriptions_pages,
    feeds_pages,
    connections_pages,
    accounts_pages,
    onboarding_pages,
    charging_pages,
    operations_pages,
    console_pages,
    status_pages,
    wedding_day_pages,
    freeze_pages,
    modes_pages,
    openings_pages,
    database_pages,
    preflight_pages,
    wording_pages,
)


def catalogue(settings: Settings | None = None) -> Catalogue:
    """All event types and reactions. Reactions that open sealed rows or write letters run only with settings; who only
    needs the names (the migrator, the references) leaves them out.
    """
    settings = settings or Settings()
    ring = _ring(settings)
    made: list[Reaction] = [r for noun in PLAIN for r in noun.REACTIONS]
    made += [r for noun in SEALED for r in noun.reactions(ring, settings)]
    return Catalogue([kind for noun in NOUNS for kind in noun.EVENTS], made, incoming.SWEPT)


def routes() -> list[Any]:
    """All handlers, pages and API."""
    return [route for door in (*DOORS, *PAGES) for route in door.ROUTES]


def works(
    settings: Settings,
    remote: Remote | None = None,
    crms: Crms | None = None,
    host: Host | None = None,
    marketers: Marketers | None = None,
) -> dict[str, Work]:
    """Long work by the name it is owed under; what speaks to connected accounts only with a way to them, and hooks of
    payment providers are read by the connectors of a host.
    """
    ring = _ring(settings)
    takers = {} if host is None else {**charging_taking.takers(host), **chatting_pressing.takers(host)}
    found = {
        **imports_work.works(ring),
        **incoming.works(ring, takers),
        **invitations_posting.works(ring, settings),
        **alerts_calling.works(ring, settings),
        **wedding_day_minding.works(ring),
        **wedding_day_packing.works(ring),
        **bookings_following.WORKS,
        **journeys_running.WORKS,
        **phoning_work.works(ring),
        **openings_actions.WORKS,
    }
    if host is not None:
        found |= wedding_day_forecasting.works(host)
    if remote is not None:
        found |= calendars_sync.works(ring, remote, settings.public_url)
    if crms is not None:
        found |= records_sync.works(ring, crms, settings.public_url)
    if marketers is not None:
        found |= marketing_sync.works(ring, marketers, settings.public_url)
    return found


def _ring(settings: Settings) -> KeyRing:
    return KeyRing.from_setting(settings.seal_keys or KeyRing.new_setting())
