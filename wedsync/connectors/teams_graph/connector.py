"""Teams by Graph for the host: says which team it is, makes a channel with its people, and archives it.

Posting is not among what Graph lets an app do by itself (`ChannelMessage.Send` is for signed-in people), so messages
go by a workflow of the channel, connected as an account of the connector that the manifest names (`posts_by`).
"""

from typing import Final

from wedsync.connections.chatting.contract import Gone, Opened, Opening, Post, Posted, Update
from wedsync.connections.contract import Account, Connection, Delivered, Outcome, Rejected, Tools
from wedsync.connections.graph import Answer, Graph
from wedsync.connectors.teams_graph import channels, mapper, members
from wedsync.connectors.teams_graph.client import Talk, grant_of
from wedsync.connectors.teams_graph.mapper import TeamError, team_of
from wedsync.kit import clock
from wedsync.kit.oauth import Tokens

NOBODY: Final = (
    "A private channel needs an owner, and none of its people is in the team by their e-mail address here. "
    "Add one of them to the team, or make a channel that the whole team may read."
)
BY_WORKFLOW: Final = "Microsoft lets no app post in a channel: messages go by the channel's workflow."
NO_TEAM: Final = "There is no such team, or it was archived. Copy the link again, at the team itself."
TEAM: Final = "Team.ReadBasic.All"


class TeamsGraph:
    """Connects and makes channels, with each business's own app in its own Microsoft Entra."""

    updates = False
    invites = True

    def __init__(self, tools: Tools) -> None:
        self._machine_now = tools.machine_now
        self._base_url: str = tools.settings["teams_graph_base_url"].rstrip("/")
        self._token_url: str = tools.settings["teams_graph_token_url"]
        self._graph = Graph(tools.wire, self._base_url)
        self._tokens = Tokens(tools.wire, monotonic=clock.monotonic, trusted=True)

    async def account(self, connection: Connection, *, timeout_s: float) -> Account | Outcome:
        talk = self._with(connection, timeout_s)
        if not isinstance(talk, Talk):
            return talk
        answer = await talk.call("GET", "", query={"$select": "id,displayName"})
        if not isinstance(answer, Answer):
            return answer
        if answer.status == 404:
            return Rejected(reason=NO_TEAM, attempt=answer.attempt)
        if not answer.is_fine or answer.data is None:
            return talk.refused(answer, needs=TEAM)
        title = answer.data.get("displayName")
        return Account(id=f"{talk.team.tenant}/{talk.team.id}", title=str(title or "A team"))

    async def open(self, opening: Opening, connection: Connection) -> Opened | Outcome:
        """Who is known there, the channel with the first of them as its owner, then the others."""
        talk = self._with(connection, opening.timeout_s)
        if not isinstance(talk, Talk):
            return talk
        people = await members.known(talk, opening.emails)
        if not isinstance(people, list):
            return people
        owner = next((one.user for one in people if not one.is_guest), "")
        if opening.is_private and not owner:
            return Rejected(reason=NOBODY)
        owned = mapper.to_member(owner, base_url=self._base_url, is_owner=True) if opening.is_private else None
        found = await channels.made(talk, opening, owner=owned)
        if not isinstance(found, tuple):
            return found
        channel, is_found = found
        left_out: int | Outcome = 0
        if opening.is_private:
            left_out = await members.joined(
                talk, channel["id"], people, base_url=self._base_url, owner=owner, is_found=is_found
            )
        if not isinstance(left_out, int):
            return left_out
        strangers = len(opening.emails) - len(people) + left_out
        return Opened(id=channel["id"], url=str(channel.get("webUrl") or ""), strangers=strangers)

    async def post(self, post: Post, connection: Connection) -> Posted | Outcome:
        return Rejected(reason=BY_WORKFLOW)

    async def update(self, update: Update, connection: Connection) -> Posted | Gone | Outcome:
        return Gone()

    async def archive(self, channel: str, connection: Connection, *, timeout_s: float) -> Delivered | Outcome:
        talk = self._with(connection, timeout_s)
        return await channels.archived(talk, channel) if isinstance(talk, Talk) else talk

    async def close(self) -> None:
        """Nothing is held: the network's door belongs to the process."""

    def _with(self, connection: Connection, timeout_s: float) -> Talk | Rejected:
        (link, *_) = connection.secrets.get("address", ("",))
        try:
            team = team_of(link)
        except TeamError as error:
            return Rejected(reason=str(error))
        grant = grant_of(connection, team, base_url=self._base_url, token_url=self._token_url)
        return Talk(
            graph=self._graph,
            tokens=self._tokens,
            connection=connection,
            grant=grant,
            team=team,
            now=self._machine_now(),
            timeout_s=timeout_s,
        )


def connect(tools: Tools) -> TeamsGraph:
    return TeamsGraph(tools)
