"""What the demo's photographer promised: something to look at, something on its way, something that comes late."""

from datetime import date, timedelta

from wedsync.kit.db import Tx
from wedsync.photos import actions
from wedsync.photos.model import Delay, NewPhotoDelivery

GALLERY = "https://gallery.example.com/petal-and-frame"
HINT = "The name of the street you met in"


async def promise(tx: Tx, on: date, today: date) -> None:
    """One wedding's, as its photographer: before the day an engagement to look at, after it a gallery in the works."""
    shown = NewPhotoDelivery(
        kind="sneak_peek" if on < today else "gallery",
        title="" if on < today else "Engagement",
        promised_on=today,
        delivered_count=24 if on < today else 68,
        gallery_url=GALLERY,
        gallery_hint=HINT,
    )
    await actions.deliver(tx, await actions.promise(tx, shown))
    gallery = NewPhotoDelivery(kind="gallery", promised_on=max(on, today) + timedelta(days=20))
    made = await actions.promise(tx, gallery)
    if on < today:
        await actions.change(tx, made, {"shot_count": 2870, "culled_count": 640, "edited_count": 310})
        await actions.move(tx, made, "editing")
        reason = "The lab that scans the film is closed for a week, and these ones are worth the wait."
        await actions.delay(tx, made, Delay(promised_on=today + timedelta(days=27), reason=reason))
    await actions.promise(tx, NewPhotoDelivery(kind="album", note="You choose the pictures, we do the rest."))
