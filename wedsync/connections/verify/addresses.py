"""Schemes that sign the address and the form's fields: Twilio and Mandrill."""

import base64
import hashlib
import hmac
from collections.abc import Iterable
from urllib.parse import parse_qs, parse_qsl, urlsplit, urlunsplit

from wedsync.connections.verify.request import Request, Unverified, is_any, is_secret

FIELDS_MAX = 2000
PORTS = {"https": 443, "http": 80}


def twilio(request: Request) -> None:
    """`X-Twilio-Signature`: HMAC-SHA1 of the address and the fields; of the address alone where it has `bodySHA256`.

    Twilio signs the address now with its port, now without (the vendor's own library tries both).
    """
    given = request.header("x-twilio-signature").encode()
    wanted = parse_qs(urlsplit(request.url).query).get("bodySHA256")
    if wanted is not None:
        if not is_secret(wanted[0].lower(), [hashlib.sha256(request.body).hexdigest()]):
            raise Unverified("bodySHA256 is not the body's")
        text = ""
    elif not _is_form(request):
        raise Unverified("a body that is no form needs bodySHA256 in its address")
    else:
        # Of a field that is there twice each value counts once, sorted.
        text = "".join(name + value for name, value in sorted(set(_fields(request))))
    if not is_any(given, [_mac(secret, url + text) for secret in request.secrets for url in _forms_of(request.url)]):
        raise Unverified("the signature does not match")


def mandrill(request: Request) -> None:
    """`X-Mandrill-Signature`: HMAC-SHA1 of the address as it was given to Mandrill and the fields by name."""
    given = request.header("x-mandrill-signature").encode()
    text = request.url + "".join(name + value for name, value in sorted(_fields(request), key=lambda field: field[0]))
    if not is_any(given, [_mac(secret, text) for secret in request.secrets]):
        raise Unverified("the signature does not match")


def _is_form(request: Request) -> bool:
    kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    return kind == "application/x-www-form-urlencoded"


def _fields(request: Request) -> Iterable[tuple[str, str]]:
    return parse_qsl(request.body.decode(), keep_blank_values=True, max_num_fields=FIELDS_MAX)


def _forms_of(url: str) -> tuple[str, str]:
    parts = urlsplit(url)
    host = f"[{parts.hostname}]" if ":" in (parts.hostname or "") else parts.hostname or ""
    port = parts.port or PORTS.get(parts.scheme, 443)
    return urlunsplit(parts._replace(netloc=host)), urlunsplit(parts._replace(netloc=f"{host}:{port}"))


def _mac(secret: str, text: str) -> bytes:
    return base64.b64encode(hmac.digest(secret.encode(), text.encode(), "sha1"))
