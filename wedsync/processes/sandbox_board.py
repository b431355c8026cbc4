"""The sandbox's own pages and their API: every fake by its kind, its moods, its calls, and everything put back.

Made for people without JavaScript and for tests alike: what a form of a page does, `/api/moods` does too.
"""

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Annotated, Any, Final

import msgspec
from litestar import MediaType, Router, delete, get, post, put
from litestar.enums import RequestEncodingType
from litestar.params import Body
from litestar.response import Redirect
from litestar.types import ControllerRouterHandler

from wedsync.connections import fake_journal, fakes
from wedsync.connections.fake_journal import Exchange, Journal
from wedsync.connections.fakes import FINE, Fake, Moods
from wedsync.connections.manifest import FakeNote, Manifest
from wedsync.kit.errors import Refusal, not_found

Form = Annotated[dict[str, str], Body(media_type=RequestEncodingType.URL_ENCODED)]
CALENDARS: Final = "Calendars"
OTHERS: Final = "Others"


class Place(msgspec.Struct, frozen=True, kw_only=True):
    """A fake of the sandbox, with what is told of it."""

    name: str
    kind: str
    note: FakeNote
    fake: Fake
    journal: Journal


class Switch(msgspec.Struct, frozen=True, kw_only=True):
    """How one fake behaves, or one part of it. `of` is what `PUT /api/moods` calls it."""

    of: str
    title: str
    calls: int
    mood: str
    left: int | None
    known: Mapping[str, str]


class Change(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    of: str
    mood: str
    times: int | None = None


class Board:
    """All fakes of one sandbox."""

    def __init__(self, places: list[Place]) -> None:
        self.places = {place.name: place for place in places}

    def kinds(self) -> dict[str, list[Place]]:
        """Calendars first, what has no kind last, the rest by name."""
        found: dict[str, list[Place]] = {}
        for place in self.places.values():
            found.setdefault(place.kind, []).append(place)
        order = sorted(found, key=lambda kind: (kind == OTHERS, kind != CALENDARS, kind))
        return {kind: found[kind] for kind in order}

    def place(self, name: str) -> Place:
        place = self.places.get(name)
        if place is None:
            raise not_found("provider")
        return place

    def switches(self, place: Place) -> list[Switch]:
        return [
            Switch(
                of=f"{place.name}/{part}" if part else place.name,
                title=part or place.note.title,
                calls=place.journal.calls,
                mood=moods.current,
                left=moods.left,
                known=moods.known,
            )
            for part, moods in fake_journal.switches(place.fake).items()
        ]

    def switch(self, change: Change) -> None:
        """Raises Refusal 404 for what does not exist, 422 for an unknown mood."""
        name, _, part = change.of.partition("/")
        moods = fake_journal.switches(self.place(name).fake).get(part)
        if moods is None:
            known = [switch.of for place in self.places.values() for switch in self.switches(place)]
            raise Refusal(404, "not_found", f"There is no {change.of!r} here. There are: {', '.join(known)}.")
        moods.switch(change.mood, change.times)

    async def put_back(self) -> None:
        """Every mood fine, every journal empty, every memory as at the start where the fake can do that."""
        for place in self.places.values():
            for moods in fake_journal.switches(place.fake).values():
                moods.switch(FINE)
            if isinstance(place.fake, fake_journal.Forgetful):
                await place.fake.forget()
            place.journal.forget()

    def unkind(self) -> list[str]:
        """Which are not fine now."""
        return [f"{title}: {moods.current}" for title, moods in self._all() if moods.current != FINE]

    def _all(self) -> Iterator[tuple[str, Moods]]:
        for place in self.places.values():
            for part, moods in fake_journal.switches(place.fake).items():
                yield f"{place.note.title}, {part}" if part else place.note.title, moods


def place(manifest: Manifest, fake: Fake) -> Place:
    """A fake's place on the board. Raises ValueError for a manifest without a note of its fake."""
    if manifest.fake is None:
        raise ValueError(f"{manifest.name} notes no fake.")
    kind = manifest.fake.kind or (CALENDARS if "calendars" in manifest.does else OTHERS)
    journal = fake.journal if isinstance(fake, fake_journal.Keeping) else Journal()
    return Place(name=manifest.name, kind=kind, note=manifest.fake, fake=fake, journal=journal)


def router(board: Board, *others: ControllerRouterHandler) -> Router:
    """The pages and the API; `others` are given the board too."""
    own = (index, change_mood, reset, log_page, healthz, read_moods, set_mood, reset_all, read_log)
    return Router(
        "/",
        route_handlers=[*own, *others],
        dependencies={"board": fakes.given(board)},
    )


@get("/", media_type=MediaType.HTML)
async def index(board: Board) -> str:
    return PAGES.get_template("sandbox_index.html").render(board=board, kinds=board.kinds())


@post("/moods")
async def change_mood(board: Board, data: Form) -> Redirect:
    times = data.get("times", "")
    of = data.get("of", "")
    board.switch(Change(of=of, mood=data.get("mood", ""), times=int(times) if times.isdigit() else None))
    return Redirect(f"/#{of.partition('/')[0]}", status_code=303)


@post("/reset")
async def reset(board: Board) -> Redirect:
    await board.put_back()
    return Redirect("/", status_code=303)


@get("/log/{name:str}", media_type=MediaType.HTML)
async def log_page(board: Board, name: str) -> str:
    one = board.place(name)
    return PAGES.get_template("sandbox_log.html").render(
        place=one, exchanges=one.journal.newest(), switches=board.switches(one)
    )


@get("/healthz")
async def healthz() -> dict[str, str]:
    return {"status": "ok"}


@get("/api/moods")
async def read_moods(board: Board) -> dict[str, Any]:
    """Every switch, with the calls of its fake."""
    return {"items": [one for place in board.places.values() for one in board.switches(place)], "next": None}


@put("/api/moods", status_code=204)
async def set_mood(board: Board, data: Change) -> None:
    board.switch(data)


@delete("/api/moods")
async def reset_all(board: Board) -> None:
    """The same as the button: moods, journals and memories."""
    await board.put_back()


@get("/api/log/{name:str}")
async def read_log(board: Board, name: str) -> dict[str, list[Exchange] | int | None]:
    """The last exchanges of one fake, newest first, without secrets."""
    journal = board.place(name).journal
    return {"items": journal.newest(), "next": None, "calls": journal.calls}


PAGES = fakes.pages(Path(__file__).parent / "templates")
