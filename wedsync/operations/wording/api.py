"""The JSON door of wording: texts of notices in every language, their versions, previews, and a sample to oneself."""

from typing import Final

from litestar import Response, get, post, put

from wedsync.kit.actor import Actor
from wedsync.notices.wording import actions
from wedsync.notices.wording.actions import Known, Preview, RollBack, Wording
from wedsync.notices.wording.checking import WordingChange
from wedsync.operations.platform import entered
from wedsync.web.context import Context, IfMatch, expected_version, versioned

PATH: Final = "/api/v1/platform/wordings"
ONE: Final = f"{PATH}/{{key:str}}/{{locale:str}}"


@get(PATH, summary="Texts of notices", description="For the operator: every text in every language, and its version.")
async def listed(ctx: Context, actor: Actor) -> list[Known]:
    """Of this moment."""
    async with entered(ctx, actor) as tx:
        return await actions.listed(tx)


@get(
    ONE,
    summary="One text",
    description="For the operator: what is said now, what WedSync says by itself, the names it may use, its versions.",
)
async def read(ctx: Context, actor: Actor, key: str, locale: str) -> Response[Wording]:
    """With its version as ETag."""
    async with entered(ctx, actor) as tx:
        return versioned(await actions.read(tx, key, locale))


@put(
    ONE,
    summary="Write a text",
    description="A new version, used from the next notice on. What it names must be what every such notice has.",
)
async def write(
    ctx: Context, actor: Actor, key: str, locale: str, data: WordingChange, if_match: IfMatch = None
) -> Response[Wording]:
    """412 where another version came first."""
    async with entered(ctx, actor) as tx:
        return versioned(await actions.write(tx, key, locale, data, version=expected_version(if_match)))


@post(
    f"{ONE}/roll-back",
    status_code=200,
    summary="Roll back a text",
    description="What an earlier version said, as a new version; 0 is as WedSync ships it.",
)
async def roll_back(
    ctx: Context, actor: Actor, key: str, locale: str, data: RollBack, if_match: IfMatch = None
) -> Response[Wording]:
    """Nothing that was sent is lost."""
    async with entered(ctx, actor) as tx:
        return versioned(await actions.roll_back(tx, key, locale, data.number, version=expected_version(if_match)))


@post(
    f"{ONE}/preview",
    status_code=200,
    summary="Preview a text",
    description="With made-up people, on every channel, as it would be with this change. Nothing is kept.",
)
async def preview(ctx: Context, actor: Actor, key: str, locale: str, data: WordingChange) -> Preview:
    """Mail, text, inbox, Block Kit, Adaptive Card."""
    async with entered(ctx, actor) as tx:
        return await actions.preview(tx, key, locale, data)


@post(
    f"{ONE}/sample",
    status_code=202,
    summary="Send me a sample",
    description="The preview as a mail to the operator who asks, and to nobody else.",
)
async def sample(ctx: Context, actor: Actor, key: str, locale: str) -> None:
    """Of use for an hour."""
    async with entered(ctx, actor) as tx:
        await actions.send_sample(tx, ctx.ring, key, locale, email=actor.email, name=actor.name)


ROUTES = (listed, read, write, roll_back, preview, sample)
