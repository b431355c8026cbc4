"""What a consent is, and the way out that every mail which offers something carries; pure."""

import base64
import binascii
from typing import Final, Literal
from uuid import UUID, uuid4

import msgspec

from wedsync.consents import sealed
from wedsync.kit.errors import Refusal
from wedsync.kit.seal import KeyRing, SealError
from wedsync.web import mail

Topic = Literal["invitations", "journeys", "marketing", "all"]
Act = Literal["given", "withdrawn"]
Method = Literal["page", "one_click", "api", "import", "provider", "complaint"]
"""`page` and `one_click` are the person's own; only a page takes a withdrawal back."""
Reason = Literal["bounced", "complained", "opted_out", "withdrawn", "never_given"]
REASONS: Final[dict[Reason, str]] = {
    "bounced": "This mailbox is not there.",
    "complained": "They reported a mail as unwanted.",
    "opted_out": "They take no more mails of this kind, from nobody.",
    "withdrawn": "They take no more of these mails.",
    "never_given": "They never agreed to mails that advertise.",
}


class Out(msgspec.Struct, frozen=True, kw_only=True):
    """Whose mail it was: the address, what it was about, and who sent it."""

    email: str
    topic: Topic
    supplier_id: UUID | None = None
    sender: str = ""


def token(ring: KeyRing, out: Out) -> str:
    """Says whose it is to us alone; it needs no row, and works as long as its key is in the ring."""
    row = uuid4()
    packed = row.bytes + sealed.seal_out(ring, row, msgspec.json.encode(out))
    return base64.urlsafe_b64encode(packed).decode().rstrip("=")


def opened(ring: KeyRing, text: str) -> Out | None:
    """None for what we did not make."""
    try:
        packed = base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))
        plain = sealed.open_out(ring, UUID(bytes=packed[:16]), packed[16:])
    except (ValueError, binascii.Error, SealError):
        return None
    return msgspec.json.decode(plain, type=Out)


def offer(ring: KeyRing, public_url: str, out: Out, *, address: str) -> mail.Offer:
    """What stands under such a mail, and its one-click way out. Raises Refusal 422 without a postal address."""
    if not address.strip():
        raise Refusal(
            422, "no_postal_address", "A mail that offers something must name a postal address. Set yours first."
        )
    return mail.Offer(
        why=f"You get this because {out.sender} knows you as a client.",
        address=" ".join(address.split()),
        way_out="No more of these mails",
        out_url=f"{public_url}/unsubscribe/{token(ring, out)}",
    )
