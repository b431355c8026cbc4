"""The demo photographer's own clients, of every stage, and the couples among them that were invited."""

from datetime import date, timedelta
from typing import Final

from wedsync.clients import actions as clients
from wedsync.clients.model import NewClient, Stage
from wedsync.invitations import actions as invitations
from wedsync.invitations.model import Chosen, Style
from wedsync.kit.config import Settings
from wedsync.kit.db import Tx
from wedsync.kit.seal import KeyRing

STYLE: Final = Style(
    colour="#6b3f2a",
    words="We plan our days with WedSync: you tell it once, and the two of us, your venue and your caterer know.",
    signature="Pia and Jon",
    address="Petal & Frame Photography, 3 Sample Lane, Exampleham",
)
KEPT: Final[tuple[tuple[str, str, Stage, int, str, str], ...]] = (
    ("Ruth Okoro", "Elin Dahl", "booked", 96, "The Old Glasshouse", "Whole day, two of us"),
    ("Mateo Ruiz", "Clara Voss", "booked", 131, "Harbour Hall", "Whole day and an album"),
    ("Priya Nair", "Sam Whitlock", "booked", 172, "Exampleham Town Hall", "Half a day"),
    ("Hanne Berg", "Idris Kane", "held", 214, "Meadow Barn", "Whole day"),
    ("Lucia Ferri", "Theo Marsh", "held", 247, "", "Half a day"),
    ("Yuki Mori", "Dan Pryce", "enquiry", 301, "", ""),
    ("Saoirse Daly", "", "enquiry", 0, "", ""),
    ("Fatou Sarr", "Milan Novak", "fulfilled", -21, "Meadow Barn", "Whole day, two of us"),
    ("Greta Holm", "Owen Pike", "completed", -160, "Harbour Hall", "Whole day and an album"),
    ("Nia Bowen", "Luca Conti", "cancelled", 88, "", "Half a day"),
)
"""(one, the other, stage, days ahead, where, what was booked); 0 days: no date yet"""
INVITED_MAX: Final = 2


async def keep(tx: Tx, ring: KeyRing, settings: Settings, today: date) -> None:
    """Whoever asked at the public page is kept by that. Two couples are invited, and their mails leave as all do."""
    booked = []
    for name, partner, stage, days, venue, package in KEPT:
        new = NewClient(
            name=name,
            partner_name=partner,
            email=f"{name.split()[0].lower()}@demo.invalid",
            wedding_on=today + timedelta(days=days) if days else None,
            venue=venue,
            package=package,
            stage=stage,
            is_another=True,
        )
        made = await clients.add(tx, ring, new)
        booked += [made] if stage == "booked" else []
    await invitations.put_style(tx, STYLE)
    await invitations.invite(tx, ring, settings, Chosen(client_ids=booked[:INVITED_MAX]))
