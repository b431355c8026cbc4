"""What a connector that texts and calls reads for the house, and writes for the provider; nothing here does I/O."""

from collections.abc import Mapping
from typing import Literal, Protocol, runtime_checkable

import msgspec

from wedsync.connections.contract import Connector
from wedsync.connections.manifest import Manifest

Form = Mapping[str, str]
"""The fields of a hook."""
Fate = Literal["", "again", "call", "invalid", "stopped", "refused", "ours"]
"""What to do about a text that did not arrive.

`again`: once more in a moment. `call`: a text will not do, a call may. `invalid`: nobody has this number.
`stopped`: the person wants no texts. `refused`: this text will not arrive. `ours`: the operator must mend something.
"""
Keyword = Literal["", "stop", "start", "help"]


def phones_of(found: Mapping[str, Manifest]) -> list[str]:
    """The connectors that text and call; each says in its module `taxonomy` what its codes mean."""
    return [name for name, manifest in found.items() if manifest.phones is not None]


class Message(msgspec.Struct, frozen=True, kw_only=True):
    """One text or call, as the delivery's `message` holds it.

    `body` is what is read or spoken; of a call it is asked for at `voice_url`. `at` (RFC 3339) is when it was owed:
    what the provider made before is another one. `validity_s`: later than that it is of no use.
    """

    kind: Literal["text", "call"]
    to: str
    body: str
    service: Literal["notices", "emergency"] = "notices"
    validity_s: int = 14_400
    status_url: str = ""
    voice_url: str = ""
    at: str = ""


class Status(msgspec.Struct, frozen=True, kw_only=True):
    """How a text or call stands. A higher `rank` replaces a lower one, whatever order they come in.

    `is_last`: nothing better follows but a correction. `key` is the same for a repeat.
    """

    key: str
    sid: str
    state: str
    rank: int
    is_last: bool
    code: int | None = None
    fate: Fate = ""
    reason: str = ""


class Heard(msgspec.Struct, frozen=True, kw_only=True):
    """A text from a person. `is_answered`: the provider has replied to the keyword by itself."""

    key: str
    sid: str
    sender: str
    text: str
    keyword: Keyword = ""
    is_answered: bool = False


class Picked(msgspec.Struct, frozen=True, kw_only=True):
    """A call that somebody, or something, took. `is_machine`: a voice mail, which confirms nothing."""

    sid: str
    is_machine: bool
    digits: str = ""


@runtime_checkable
class Phones(Connector, Protocol):
    """Reads what the provider sends, and says what it shall do. The readers raise ValueError for another's form."""

    def status(self, form: Form) -> Status: ...
    def heard(self, form: Form) -> Heard: ...
    def picked(self, form: Form) -> Picked: ...

    def reply(self, text: str) -> bytes:
        """The document that answers a text; empty for no answer."""
        ...

    def say(self, text: str, *, locale: str) -> bytes:
        """The document that says something, by a voice of this language, and hangs up."""
        ...

    def ask(self, text: str, *, url: str, locale: str) -> bytes:
        """The document that says something, and brings the key that is pressed to `url`."""
        ...
