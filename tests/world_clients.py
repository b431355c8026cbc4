"""The clients of a business in the world: one it added, and a list that brought another in and kept a row out."""

from datetime import date
from uuid import UUID

from wedsync.clients import actions
from wedsync.clients.importing import actions as importing
from wedsync.clients.importing.plan import read
from wedsync.clients.importing.values import Choices, Upload
from wedsync.clients.model import NewClient
from wedsync.invitations import actions as invitations
from wedsync.invitations.model import Chosen, Style
from wedsync.kit.config import Settings
from wedsync.kit.db import Tx
from wedsync.kit.seal import KeyRing

ON = date(2027, 6, 5)


async def keep_clients(tx: Tx, ring: KeyRing, settings: Settings, who: str, *, word: str) -> dict[str, UUID]:
    """`word` is in every field that only the business's own team may ever read."""
    new = NewClient(name=f"Client {word}", email=f"{word}@world.invalid", note=word, wedding_on=ON)
    client = await actions.add(tx, ring, new)
    rows = f"Name,E-mail,Venue\nListed {word},listed.{word}@world.invalid,{word}\nBroken {word},{word} nowhere,\n"
    upload = Upload(filename=f"{who}.csv", data=rows.encode(), choices=Choices())
    plan = read(upload.data, upload.filename, upload.choices, "GB").plan
    kept = await importing.keep(tx, ring, upload, plan)
    await importing.bring_in(tx, ring, kept, plan, upload.choices)
    await invitations.put_style(tx, Style(words=word))
    await invitations.invite(tx, ring, settings, Chosen(client_ids=[client]))
    invitation = await tx.value("select i.id from invitations i")
    return {"client": client, "client_import": kept, "invitation": invitation}
