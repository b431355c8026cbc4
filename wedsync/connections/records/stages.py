"""The words in which booking systems say how far an engagement is, and our stages. Data, the same for all of them."""

from collections.abc import Mapping
from typing import Final

from wedsync.clients.model import Stage

_WORDS: Final[Mapping[Stage, str]] = {
    "enquiry": (
        "enquiry inquiry lead prospect new open contacted proposal proposed quoted follow_up meeting proposal_sent "
        "contract_sent"
    ),
    "held": "held hold on_hold tentative option optioned provisional pencilled soft_hold",
    "booked": (
        "booked confirmed definite contracted signed won converted proposal_signed contract_signed retainer_paid "
        "deposit_paid planning"
    ),
    "fulfilled": "fulfilled fulfillment done past event_done delivered",
    "completed": "completed complete closed archived_won finished",
    "cancelled": "cancelled canceled lost released turned_down declined expired dead archived",
}
BY_WORD: Final[Mapping[str, Stage]] = {word: stage for stage, words in _WORDS.items() for word in words.split()}


def stage_of(word: str) -> Stage | None:
    """The stage that a system's word means; None for one that nobody has heard of."""
    return BY_WORD.get("_".join(word.casefold().replace("-", " ").replace("_", " ").split()))
