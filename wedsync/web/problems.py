"""Refusals as answers: RFC 9457 problem documents for programs, a page for people; anything else is a logged 500."""

import re
from http import HTTPStatus
from typing import Any

import msgspec
import structlog
from litestar import Request, Response
from litestar.exceptions import HTTPException, SerializationException, ValidationException

from wedsync.kit.db_hosts import is_away
from wedsync.kit.errors import FieldError, Refusal
from wedsync.web import limiting, respond, watching
from wedsync.web.shell import Shell

log = structlog.get_logger("web")
PROBLEM = "application/problem+json"
AnyRequest = Request[Any, Any, Any]
AWAY = (
    "The database did not answer just now. What you sent may or may not have been saved: look before you send it "
    "again. A program repeats it with the same Idempotency-Key, and it is done once."
)
MEMBER = re.compile(r"^Object (contains unknown|missing required) field `([^`]+)`")
TITLES = {
    401: "Please sign in",
    402: "Your plan is full",
    403: "Not yours to change",
    404: "Nothing here",
    409: "That is already so",
    410: "This link has expired",
    412: "Somebody was quicker",
    422: "Something is not right yet",
    429: "A little slower, please",
    500: "Something broke",
    503: "Not just now",
}


def refuse(request: AnyRequest, refusal: Refusal) -> Response[Any]:
    """One refusal in the form its reader asked for."""
    watching.refused(request.scope, refusal)
    if wants_page(request):
        if refusal.status == 401 and "Location" in refusal.headers and request.headers.get("hx-request") != "true":
            return respond.see_other(refusal.headers["Location"])
        return respond.html(
            "errors/problem.html",
            Shell(path=request.url.path),
            code=refusal.status,
            headers=refusal.headers,
            status=refusal.status,
            title=TITLES.get(refusal.status, HTTPStatus(refusal.status).phrase),
            detail=refusal.detail,
            errors=refusal.errors,
        )
    body: dict[str, Any] = {
        "type": f"/problems/{refusal.code}",
        "title": HTTPStatus(refusal.status).phrase,
        "status": refusal.status,
        "code": refusal.code,
        "detail": refusal.detail,
        **refusal.extra,
    }
    if refusal.errors:
        body["errors"] = refusal.errors
    return Response(
        msgspec.json.encode(body), status_code=refusal.status, media_type=PROBLEM, headers=dict(refusal.headers)
    )


def wants_page(request: AnyRequest) -> bool:
    """Whether a person reads the answer."""
    path = request.url.path
    if path.startswith(("/api/", "/auth/token", "/openapi")):
        return False
    accepted = request.headers.get("accept", "")
    # Scripts of our pages take either, and read fields and versions out of a problem document.
    if request.headers.get("hx-request") == "true" and "problem+json" in accepted:
        return False
    return "text/html" in accepted


def on_refusal(request: AnyRequest, error: Refusal) -> Response[Any]:
    """What a noun or a door refused."""
    return refuse(request, error)


def on_http(request: AnyRequest, error: HTTPException) -> Response[Any]:
    """What the framework refused: unknown path, wrong method, too large, unreadable."""
    if error.status_code in (404, 405) and "limit" not in request.scope["state"]:
        try:
            limiting.allow_unrouted(request.scope)
        except Refusal as late:
            return refuse(request, late)
    return refuse(request, _translate(error))


def _translate(error: HTTPException) -> Refusal:
    if isinstance(error, ValidationException):
        return _invalid(error)
    if isinstance(error, SerializationException):
        return Refusal(400, "malformed", "The body is not valid JSON. Send one JSON document, encoded as UTF-8.")
    if error.status_code == 400:
        return Refusal(
            400, "malformed", f"The request cannot be read: {error.detail}. Send one JSON document, encoded as UTF-8."
        )
    if error.status_code == 413:
        return Refusal(413, "too_large", "The body is too large: 1 MiB for requests, 20 MiB for files.")
    if error.status_code == 404:
        return Refusal(404, "not_found", "There is nothing at this address. Check it, or start from the first page.")
    if error.status_code == 405:
        return Refusal(
            405, "method_not_allowed", "This address does not take that method.", headers=dict(error.headers or {})
        )
    return Refusal(error.status_code, "refused", error.detail or HTTPStatus(error.status_code).phrase)


def _invalid(error: ValidationException) -> Refusal:
    extra = error.extra if isinstance(error.extra, list) else []
    fields = [
        _field(str(e.get("key", "")), str(e.get("message", "is not right"))) for e in extra if isinstance(e, dict)
    ]
    if not fields:
        return Refusal(400, "malformed", error.detail or "The request cannot be read.")
    what = "; ".join(f"{f.field}: {f.reason}" for f in fields[:3])
    return Refusal(422, "invalid", what, errors=fields)


def _field(key: str, message: str) -> FieldError:
    """Where an object as a whole is refused, the field is the member that it lacks or should not have."""
    place = "" if key == "data" else key
    member = MEMBER.match(message)
    if member is None:
        return FieldError(place or "body", message)
    field = f"{place}.{member[2]}".lstrip(".")
    if member[1] == "missing required":
        return FieldError(field, "is missing", "Send it too.")
    return FieldError(field, "is not known here", "Leave it out, or check its spelling.")


def on_bug(request: AnyRequest, error: Exception) -> Response[Any]:
    """Ours: logged with its trace and an id people can quote; the answer says nothing of the inside."""
    if isinstance(error, RecursionError) and "deserializing" in str(error):
        return refuse(request, Refusal(400, "malformed", "The body is nested too deeply. Send a flatter document."))
    if is_away(error):
        log.warning("database_away", path=request.url.path, method=request.method, reason=type(error).__name__)
        return refuse(request, Refusal(503, "database_away", AWAY, headers={"Retry-After": "2"}))
    log.error("unhandled", path=request.url.path, method=request.method, exc_info=error)
    return refuse(
        request, Refusal(500, "internal", "Something broke on our side and was logged. Nothing was changed. Try again.")
    )


HANDLERS: dict[Any, Any] = {Refusal: on_refusal, HTTPException: on_http, Exception: on_bug}
