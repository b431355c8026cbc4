"""What a connector of a chat program does beside `connections.contract`: opens a channel, posts, updates, hears.

A connector translates. What is posted to whom, and when a message is updated, is decided by the host; it raises only
for bugs of its own, and what the provider does is an answer or one of the five outcomes.
"""

from typing import Protocol, runtime_checkable

import msgspec

from wedsync.connections.contract import Attempt, Connection, Connector, Delivered, Outcome
from wedsync.notices.wording.content import Content


class Saying(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One message in nobody's markup; all of it may hold whatever people typed.

    `button` is what comes back when somebody confirms, "" where there is nothing to confirm; `confirm_url` is the page
    where the same is done, for programs whose buttons cannot tell us. `note` is what became of it. All is in one
    language, labels too.
    """

    title: str
    before: str = ""
    after: str = ""
    note: str = ""
    url: str = ""
    button: str = ""
    confirm_url: str = ""
    facts: tuple[tuple[str, str], ...] = ()
    confirm_label: str = "Seen and fine"
    open_label: str = "Open in WedSync"

    def content(self) -> Content:
        """As every channel draws it; what it offers to press is the connector's."""
        return Content(locale="", couple="", title=self.title, before=self.before, after=self.after, facts=self.facts)


class Opening(msgspec.Struct, frozen=True, kw_only=True):
    """A channel to be. `name` is its own among all of the workspace's: one that is there already was made by a try
    whose answer was lost. `key` is nobody else's, for programs that can keep it with the channel; `url` is where the
    wedding is."""

    name: str
    about: str
    key: str = ""
    url: str = ""
    emails: tuple[str, ...] = ()
    is_private: bool = True
    timeout_s: float = 20.0


class Opened(msgspec.Struct, frozen=True, kw_only=True):
    """It is there, at `url` where that is told. `strangers`: how many of the addresses are nobody's in the workspace,
    or could not be invited."""

    id: str
    url: str = ""
    strangers: int = 0
    attempt: Attempt = Attempt()


class Post(msgspec.Struct, frozen=True, kw_only=True):
    """One message. `key` is its own: with `may_be_there` an earlier try may have posted it, and it is looked for first.

    `thread` is the message it follows; such a one is told to the whole channel too.
    """

    channel: str
    key: str
    saying: Saying
    thread: str = ""
    may_be_there: bool = False
    timeout_s: float = 10.0


class Update(msgspec.Struct, frozen=True, kw_only=True):
    """The message says this from now on."""

    channel: str
    message: str
    key: str
    saying: Saying
    timeout_s: float = 10.0


class Posted(msgspec.Struct, frozen=True, kw_only=True):
    """It is there, under this id."""

    id: str
    attempt: Attempt = Attempt()


class Gone(msgspec.Struct, frozen=True, kw_only=True):
    """Somebody deleted the message, or it can no longer be changed."""

    attempt: Attempt = Attempt()


class Pressed(msgspec.Struct, frozen=True, kw_only=True):
    """Somebody in a workspace pressed a button of ours. `key` is the same when the provider tells it again."""

    key: str
    channel: str
    button: str
    by: str


@runtime_checkable
class Chats(Connector, Protocol):
    """A provider of channels."""

    @property
    def updates(self) -> bool:
        """Whether messages can be changed; where not, a later fact is a message of its own."""

    @property
    def invites(self) -> bool:
        """Whether it brings people into a channel; where not, it is told of nobody."""

    async def open(self, opening: Opening, connection: Connection) -> Opened | Outcome: ...
    async def post(self, post: Post, connection: Connection) -> Posted | Outcome: ...
    async def update(self, update: Update, connection: Connection) -> Posted | Gone | Outcome: ...
    async def archive(self, channel: str, connection: Connection, *, timeout_s: float) -> Delivered | Outcome: ...


@runtime_checkable
class Pressing(Connector, Protocol):
    """A provider whose buttons come back to us, for all workspaces at one address."""

    def pressed(self, body: bytes) -> Pressed | None:
        """None for what it tells beside. Raises ValueError for what the provider does not send."""
