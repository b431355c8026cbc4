"""Answers with pages, and the headers every answer carries."""

from collections.abc import Iterable, Mapping
from typing import Any, Final

from litestar import Request, Response
from litestar.datastructures import State
from litestar.types import Message, Scope

from wedsync.web import render
from wedsync.web.forms import is_fragment
from wedsync.web.shell import Shell

AnyRequest = Request[Any, Any, State]


def html(
    name: str,
    /,
    shell: Shell | None = None,
    *,
    code: int = 200,
    headers: Mapping[str, str] | None = None,
    **values: Any,
) -> Response[str]:
    """A template as a response."""
    return Response(
        render.page(name, shell, **values), status_code=code, media_type="text/html", headers=dict(headers or {})
    )


def see_other(path: str, *, headers: Mapping[str, str] | None = None) -> Response[None]:
    """After a form was taken: 303, so that a reload does not send it again."""
    return Response(None, status_code=303, headers={"Location": path, **(headers or {})})


def done(request: AnyRequest, path: str) -> Response[Any]:
    """After a form was taken: on to a page, for a script as for a browser without."""
    if is_fragment(request):
        return Response("", media_type="text/html", headers={"HX-Redirect": path})
    return see_other(path)


def policy(gateway_url: str) -> str:
    """The content security policy: our own files, and the gateway's socket."""
    return (
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; font-src 'self'; "
        f"connect-src 'self' {gateway_url}; form-action 'self'; base-uri 'none'; frame-ancestors 'none'; "
        "manifest-src 'self'"
    )


def standing(gateway_url: str, *, has_tls: bool) -> dict[str, str]:
    """What every answer carries."""
    headers = {
        "Content-Security-Policy": policy(gateway_url),
        "X-Content-Type-Options": "nosniff",
        "Referrer-Policy": "same-origin",
        "Cross-Origin-Opener-Policy": "same-origin",
        "Permissions-Policy": "geolocation=(), camera=(), microphone=()",
    }
    if has_tls:
        headers["Strict-Transport-Security"] = "max-age=31536000; includeSubDomains"
    return headers


def encoded(headers: Mapping[str, str]) -> tuple[tuple[bytes, bytes], ...]:
    """Headers as a message carries them."""
    return tuple((name.lower().encode("latin-1"), value.encode("latin-1")) for name, value in headers.items())


def add_absent(message: Message, headers: Iterable[tuple[bytes, bytes]]) -> None:
    """Give an answer that begins the headers it does not have; many times as fast as by a mapping of headers."""
    own = list(message["headers"])  # type: ignore[typeddict-item]
    named = {name.lower() for name, _ in own}
    message["headers"] = [*own, *(header for header in headers if header[0] not in named)]  # type: ignore[typeddict-unknown-key]


async def security_headers(message: Message, scope: Scope) -> None:
    """Before every send: the headers of OWASP ASVS 3.4, also on refusals of unknown paths; nobody caches pages."""
    if message["type"] != "http.response.start":
        return
    add_absent(message, scope["litestar_app"].state.security_headers)
    if not scope["path"].startswith("/static/"):
        add_absent(message, NO_STORE)


NO_STORE: Final = encoded({"Cache-Control": "no-store"})
