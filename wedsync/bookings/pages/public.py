"""\"Free on 14 June?\": the page behind a supplier's link, for anybody who has it."""

from datetime import timedelta

from litestar import Response, get

from wedsync.bookings import free
from wedsync.kit import clock
from wedsync.kit.errors import not_found
from wedsync.web import forms, respond
from wedsync.web.context import Context
from wedsync.web.forms import AnyRequest
from wedsync.web.shell import Shell
from wedsync.web.visitor import theme_of

SHOWN_DAYS = 56


@get("/free/{key:str}", include_in_schema=False)
async def page(request: AnyRequest, ctx: Context, key: str, on: str = "") -> Response[str]:
    """A day that cannot be read is today; eight weeks from it are shown."""
    today = clock.now().date()
    first = forms.day_asked(on, today)
    found = await free.days(request, ctx, key, first, first + timedelta(days=SHOWN_DAYS - 1))
    if found is None:
        raise not_found("page")
    name, days = found
    shell = Shell(face="public", path=request.url.path, theme=theme_of(request))
    return respond.html("bookings/free.html", shell, name=name, asked=days[0] if on else None, on=first, days=days)


ROUTES = (page,)
