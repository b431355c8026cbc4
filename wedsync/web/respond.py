"""Answers with pages, and the headers every answer carries."""

from collections.abc import Mapping
from typing import Any

from litestar import Request, Response
from litestar.datastructures import MutableScopeHeaders, State
from litestar.types import Message, Scope

from wedsync.web import render
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


def policy(gateway_url: str) -> str:
    """The content security policy: our own files, and the gateway's socket."""
    return (
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; font-src 'self'; "
        f"connect-src 'self' {gateway_url}; form-action 'self'; base-uri 'none'; frame-ancestors 'none'; "
        "manifest-src 'self'"
    )


async def security_headers(message: Message, scope: Scope) -> None:
    """Before every send: the headers of OWASP ASVS 3.4, also on refusals of unknown paths; nobody caches pages."""
    if message["type"] != "http.response.start":
        return
    headers = MutableScopeHeaders.from_message(message)
    for name, value in scope["litestar_app"].state.security_headers.items():
        headers.setdefault(name, value)
    if not scope["path"].startswith("/static/"):
        headers.setdefault("Cache-Control", "no-store")
