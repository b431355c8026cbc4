"""Who acts: the one value every door, action and log line speaks of."""

from typing import Literal
from uuid import UUID

import msgspec

Kind = Literal["person", "key", "guest", "system", "anonymous"]


class Actor(msgspec.Struct, frozen=True, kw_only=True):
    """An actor of a transaction.

    `only` narrows an API key to one tenant. A guest acts through a pass and has no id of its own.
    """

    kind: Kind
    id: UUID | None = None
    session_id: UUID | None = None
    key_id: UUID | None = None
    only: UUID | None = None
    name: str = ""
    email: str = ""
    is_operator: bool = False


ANONYMOUS = Actor(kind="anonymous")
SYSTEM = Actor(kind="system")
