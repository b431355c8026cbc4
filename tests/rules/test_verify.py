"""Inbound verification: every scheme takes what its provider published, and nothing else; no input makes one raise."""

import base64
import hashlib
import hmac
import json
from typing import Any
from urllib.parse import urlencode

import pytest
from cryptography.hazmat.primitives.asymmetric.ec import ECDSA, SECP256R1, generate_private_key
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from hypothesis import given
from hypothesis import strategies as st
from joserfc import jwt
from joserfc.jwk import ECKey, OctKey

from wedsync.connections import signatures
from wedsync.connections.verify.request import Options, Request
from wedsync.connections.verify.scheme import SCHEMES, verify

FORM = "application/x-www-form-urlencoded"
GITHUB = "sha256=757107ea0eb2509fc211221cce984b8a37570b6d7586c22c46f4379c8b043e17"
STRIPE = "13941114bb88ac44a76abcfddea5b92aa6182a4b63d8be3aae908a616083bd7e"
SLACK_BODY = (
    "token=xyzz0WbapA4vBCDEFasx0q6G&team_id=T1DC2JH3J&team_domain=testteamnow&channel_id=G8PSS9T3V&channel_name=foobar"
    "&user_id=U2CERLKJA&user_name=roadrunner&command=%2Fwebhook-collect&text=&response_url=https%3A%2F%2Fhooks.slack.com"
    "%2Fcommands%2FT1DC2JH3J%2F397700885554%2F96rGlfmibIGlgcZRskXaIFfN&trigger_id=398738663015.47445629121"
    ".803a0bc887a14d10d2c447fce8b6703c"
)
TWILIO_URL = "https://mycompany.com/myapp.php?foo=1&bar=2"
TWILIO_HASH = "0a1ff7634d9ab3b95db5c9a2dfe9416e41502b283a80c7cf19632632f96e6620"
TWILIO_FORM = urlencode(
    {
        "CallSid": "CA1234567890ABCDE",
        "Digits": "1234",
        "From": "+14158675309",
        "To": "+18005551212",
        "Caller": "+14158675309",
    }
)
SENDGRID_KEY = (
    "MFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAE83T4O/n84iotIvIW4mdBgQ/7dAfSmpqIM8kF9mN1flpVKS3GRqe62gw"
    "+2fNNRaINXvVpiglSI8eNEc6wEA3F+g=="
)
SENDGRID_BODY = (
    '[{"email":"hello@world.com","event":"dropped","reason":"Bounced Address",'
    '"sg_event_id":"ZHJvcC0xMDk5NDkxOS1MUnpYbF9OSFN0T0doUTRrb2ZTbV9BLTA",'
    '"sg_message_id":"LRzXl_NHStOGhQ4kofSm_A.filterdrecv-p3mdw1-756b745b58-kmzbl-18-5F5FC76C-9.0",'
    '"smtp-id":"<LRzXl_NHStOGhQ4kofSm_A@ismtpd0039p1iad1.sendgrid.net>","timestamp":1600112492}]\r\n'
)
STANDARD = {"webhook-id": "msg_p5jXN8AQM9LWM0D4loKWxJek", "webhook-timestamp": "1614265330"}
STANDARD_SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
PUBLIC = "whpk_1SiA4o9hyqTCpIqC5V9HUakiiaeACeqfZTInDBbOir4="
V1 = "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="
V1A = "v1a,hnO3f9T8Ytu9HwrXslvumlUpqtNVqkhqw/enGzPCXe5BdqzCInXqYXFymVJaA7AZdpXwVLPo3mNl8EM+m7TBAg=="
GRAPH = json.dumps({"value": [{"subscriptionId": "s", "clientState": "state-1"}]})
SIGNER = ECKey.generate_key("P-256", {"kid": "one"})
JWKS = {"keys": [SIGNER.as_dict(private=False)]}


def request(
    body: str = "",
    *,
    secrets: tuple[str, ...] = ("open sesame",),
    url: str = "https://wedsync.example/hooks/x/1",
    now: float = 1_700_000_000,
    options: dict[str, Any] | None = None,
    **headers: str,
) -> Request:
    return Request(
        headers={name.replace("_", "-"): value for name, value in headers.items()},
        body=body.encode(),
        url=url,
        secrets=secrets,
        now=now,
        options=Options(**(options or {})),
    )


def token(claims: dict[str, Any], key: Any = SIGNER, algorithm: str = "ES256") -> str:
    return jwt.encode({"alg": algorithm, "kid": "one"}, claims, key)


def basic(text: str) -> str:
    return "Basic " + base64.b64encode(text.encode()).decode()


def twilio(signature: str, url: str = TWILIO_URL, body: str = TWILIO_FORM, kind: str = FORM) -> Request:
    return request(body, secrets=("12345",), url=url, x_twilio_signature=signature, content_type=kind)


def slack(signature: str, *, now: float = 1531420618) -> Request:
    return request(
        SLACK_BODY,
        secrets=("8f742231b10e8888abcd99yyyzzz85a5",),
        now=now,
        x_slack_request_timestamp="1531420618",
        x_slack_signature=signature,
    )


def sendgrid(signature: str, body: str = SENDGRID_BODY, *, at: str = "1600112502", now: float = 1600112600) -> Request:
    name = "x_twilio_email_event_webhook_"
    headers: dict[str, Any] = {f"{name}signature": signature, f"{name}timestamp": at}
    return request(body, secrets=(SENDGRID_KEY,), now=now, **headers)


def mandrill(signature: str, body: str) -> Request:
    url = "https://hooks.example.com/mandrill"
    return request(body, secrets=("TEST_WEBHOOK_KEY",), url=url, x_mandrill_signature=signature, content_type=FORM)


SENDGRID_SIGNATURE = "MEUCIGHQVtGj+Y3LkG9fLcxf3qfI10QysgDWmMOVmxG0u6ZUAiEAyBiXDWzM+uOe5W0JuG+luQAbPIqHh89M15TluLtEZtM="
MANDRILL_BODY = urlencode({"mandrill_events": '[{"event":"send","_id":"abc"}]'})
SLACK_SIGNATURE = "v0=a2114d57b48eac39b9ad189dd8316235a7b4a8d21a10bd27519666489c69b503"
DUPLICATES = "Sid=CA123&SidAccount=AC123&Digits=5678&Digits=1234"
BODY = '{"test": 2432232314}'
AT = 1614265330.0
EVENT = '{"id":"evt_test"}'
GOOGLE = {"channel_id": "chan", "resource_id": "res"}
TS = "1700000000"


def standard(signature: str, *secrets: str, now: float = AT, prefix: str = "webhook", body: str = BODY) -> Request:
    headers: dict[str, Any] = {name.replace("webhook", prefix): value for name, value in STANDARD.items()}
    headers[f"{prefix}-signature"] = signature
    return request(body, secrets=secrets or (STANDARD_SECRET,), now=now, **headers)


def stripe(header: str, *secrets: str, now: float = 1_700_000_000) -> Request:
    return request(EVENT, secrets=secrets or ("whsec_test_secret",), now=now, stripe_signature=header)


TEMPLATED = {"header": "X-Sign", "template": "{id}.{ts}.{body}", "timestamp_header": "X-At", "id_header": "X-Id"}


def templated(algorithm: str, encoding: str, signature: str) -> Request:
    options = {**TEMPLATED, "algorithm": algorithm, "encoding": encoding}
    return request("{ts}", options=options, x_sign=signature, x_at=TS, x_id="{body}")


# Places inside what is filled in are no places: the id is "{body}" and the body "{ts}".
SIGNED = b"{body}.1700000000.{ts}"
SHA512 = base64.urlsafe_b64encode(hmac.digest(b"open sesame", SIGNED, "sha512")).decode()
SHA1 = base64.b64encode(hmac.digest(b"open sesame", SIGNED, "sha1")).decode()
GOOD = {"exp": 1_700_000_100, "iss": "us", "aud": ["them"], "hash": hashlib.sha256(b"x").hexdigest()}
STRICT = {"jwks": JWKS, "issuer": "us", "audience": "them", "body_claim": "hash"}


def bearing(text: str, body: str = "x", **options: Any) -> Request:
    return request(body, secrets=(), options=STRICT | options, authorization=f"Bearer {text}")


TAKEN = {
    "published v1": ("standard", standard(V1)),
    "among others": ("standard", standard(f"v1,bad v2,abc {V1}")),
    "svix headers": ("standard", standard(V1, prefix="svix")),
    "bare secret": ("standard", standard(V1, STANDARD_SECRET.removeprefix("whsec_"))),
    "previous secret": ("standard", standard(V1, signatures.new_secret(), STANDARD_SECRET)),
    "published v1a": ("standard", standard(V1A, PUBLIC)),
    "stripe": ("stripe", stripe(f"t=1700000000,v1={STRIPE}")),
    "stripe rolled": ("stripe", stripe(f"t=1700000000,v0=x,v1=00,v1={STRIPE}", "whsec_new", "whsec_test_secret")),
    "published slack": ("slack", slack(SLACK_SIGNATURE)),
    "published twilio": ("twilio", twilio("RSOYDt4T1cUTdK1PDd93/VVr8B8=")),
    "twilio 1234": ("twilio", twilio("RSOYDt4T1cUTdK1PDd93/VVr8B8=", TWILIO_URL.replace(".com", ".com:1234"))),
    "twilio 443": ("twilio", twilio("kvajT1Ptam85bY51eRf/AJRuM3w=")),
    "twilio 80": ("twilio", twilio("0ZXoZLH/DfblKGATFgpif+LLRf4=", TWILIO_URL.replace("https", "http"))),
    "twilio twice": ("twilio", twilio("IK+Dwps556ElfBT0I3Rgjkr1wJU=", body=DUPLICATES)),
    "twilio json": (
        "twilio",
        twilio(
            "a9nBmqA0ju/hNViExpshrM61xv4=",
            f"{TWILIO_URL}&bodySHA256={TWILIO_HASH}",
            '{"property": "value", "boolean": true}',
            "application/json",
        ),
    ),
    "published sendgrid": ("sendgrid", sendgrid(SENDGRID_SIGNATURE)),
    "mandrill": ("mandrill", mandrill("zh3/hBgrmKxCsBgp9xZfAfG16Ag=", MANDRILL_BODY)),
    "mailchimp": ("mailchimp", request(url="https://x.test/h?secret=open+sesame")),
    "hint": ("hint", request(url="https://x.test/h?secret=open+sesame")),
    "signed_hint": (
        "signed_hint",
        request("Hello, World!", secrets=("It's a Secret to Everybody",), x_signature=GITHUB.removeprefix("sha256=")),
    ),
    "google": (
        "google_channel",
        request(options=GOOGLE, x_goog_channel_token="open sesame", x_goog_channel_id="chan", x_goog_resource_id="res"),
    ),
    "graph": ("graph", request(GRAPH, secrets=("state-1",))),
    "published github": (
        "hmac",
        request("Hello, World!", secrets=("It's a Secret to Everybody",), x_hub_signature_256=GITHUB),
    ),
    "template sha512": ("hmac", templated("sha512", "base64url", SHA512)),
    "template sha1": ("hmac", templated("sha1", "base64", SHA1)),
    "bearer": ("bearer", request(authorization="bearer open sesame")),
    "api key": ("bearer", request(options={"header": "X-Api-Key"}, x_api_key="open sesame")),
    "basic": ("basic", request(secrets=("a:b:c",), options={"user": "ana"}, authorization=basic("ana:a:b:c"))),
    "jwt": ("jwt", bearing(token(GOOD))),
}
TWO_KEYS = request(
    GRAPH.replace('"}]', '"}, {"clientState": "forged"}]'), secrets=("state-1",)
)  # one of two is ours: the batch is taken, and only that one is used

REFUSED = {
    "another body": ("standard", standard(V1, body=BODY + " ")),
    "too old": ("standard", standard(V1, now=AT + 301)),
    "too new": ("standard", standard(V1, now=AT - 301)),
    "empty signature": ("standard", standard("v1,")),
    "cut signature": ("standard", standard(V1[:-4])),
    "no comma": ("standard", standard("v1")),
    "v1 as v1a": ("standard", standard(V1A.replace("v1a", "v1"), PUBLIC)),
    "secret of no form": ("standard", standard(V1, "not base64!")),
    "stripe late": ("stripe", stripe(f"t=1700000000,v1={STRIPE}", now=1_700_000_301)),
    "stripe early": ("stripe", stripe(f"t=1700000000,v1={STRIPE}", now=1_699_999_699)),
    "stripe v0": ("stripe", stripe(f"t=1700000000,v0={STRIPE}")),
    "stripe no time": ("stripe", stripe(f"v1={STRIPE}")),
    "stripe secret without prefix": ("stripe", stripe(f"t=1700000000,v1={STRIPE}", "test_secret")),
    "slack late": ("slack", slack(SLACK_SIGNATURE, now=1531420618 + 301)),
    "slack other": ("slack", slack(SLACK_SIGNATURE[:-1] + "4")),
    "twilio other address": ("twilio", twilio("RSOYDt4T1cUTdK1PDd93/VVr8B8=", TWILIO_URL + "&x=1")),
    "twilio json without hash": (
        "twilio",
        twilio(base64.b64encode(hmac.digest(b"12345", TWILIO_URL.encode(), "sha1")).decode(), kind="application/json"),
    ),
    "twilio wrong hash": (
        "twilio",
        twilio("a9nBmqA0ju/hNViExpshrM61xv4=", f"{TWILIO_URL}&bodySHA256={TWILIO_HASH}", "{}", "application/json"),
    ),
    "sendgrid payload": ("sendgrid", sendgrid(SENDGRID_SIGNATURE, "payload")),
    "sendgrid without newline": ("sendgrid", sendgrid(SENDGRID_SIGNATURE, SENDGRID_BODY.strip())),
    "sendgrid timestamp": ("sendgrid", sendgrid(SENDGRID_SIGNATURE, at="timestamp")),
    "sendgrid after a day": ("sendgrid", sendgrid(SENDGRID_SIGNATURE, now=1600112502 + 26 * 3600)),
    "sendgrid base64": ("sendgrid", sendgrid("not base64")),
    "mandrill other": ("mandrill", mandrill("zh3/hBgrmKxCsBgp9xZfAfG16Ag=", MANDRILL_BODY + "&x=1")),
    "mailchimp twice": ("mailchimp", request(url="https://x.test/h?secret=open+sesame&secret=x")),
    "mailchimp none": ("mailchimp", request()),
    "google other channel": (
        "google_channel",
        request(options=GOOGLE, x_goog_channel_token="open sesame", x_goog_channel_id="other"),
    ),
    "google token": ("google_channel", request(x_goog_channel_token="open sesame ")),
    "graph forged": ("graph", request(GRAPH, secrets=("state-2",))),
    "graph no batch": ("graph", request("[]", secrets=("state-1",))),
    "github prefix": ("hmac", request("Hello, World!", x_hub_signature_256=GITHUB.removeprefix("sha256="))),
    "template late": ("hmac", request("x", options=TEMPLATED, x_sign="x", x_at="1600000000", x_id="1")),
    "bearer basic": ("bearer", request(authorization="Basic open sesame")),
    "bearer empty": ("bearer", request(secrets=("",), authorization="Bearer ")),
    "basic user": ("basic", request(options={"user": "ana"}, authorization=basic("ben:open sesame"))),
    "basic no colon": ("basic", request(secrets=("",), authorization=basic("ana"))),
    "jwt none": ("jwt", bearing("eyJhbGciOiJub25lIn0.e30.")),
    "jwt expired": ("jwt", bearing(token(GOOD | {"exp": 1_699_999_900}))),
    "jwt without end": ("jwt", bearing(token({"iss": "us", "aud": "them"}))),
    "jwt not yet": ("jwt", bearing(token(GOOD | {"nbf": 1_700_000_090}))),
    "jwt issuer": ("jwt", bearing(token(GOOD | {"iss": "them"}))),
    "jwt audience": ("jwt", bearing(token(GOOD | {"aud": "us"}))),
    "jwt body": ("jwt", bearing(token(GOOD), "y")),
    "jwt other key": ("jwt", bearing(token(GOOD, ECKey.generate_key("P-256", {"kid": "one"})))),
    "jwt public key as secret": (
        "jwt",
        bearing(token(GOOD, OctKey.import_key(str(JWKS["keys"][0]["x"])), "HS256")),
    ),
    "jwt no keys": ("jwt", bearing(token(GOOD), jwks={})),
    "no such scheme": ("trust", request()),
}


@pytest.mark.parametrize("case", TAKEN)
def test_what_the_provider_signs_is_taken(case: str) -> None:
    assert verify(*TAKEN[case]) is None


@pytest.mark.parametrize("case", REFUSED)
def test_anything_else_is_refused_with_a_reason_that_names_no_secret(case: str) -> None:
    name, asked = REFUSED[case]
    reason = verify(name, asked)
    assert reason
    assert not [secret for secret in asked.secrets if len(secret) > 5 and secret in reason]


@pytest.mark.parametrize("case", [case for case in TAKEN if not case.startswith("jwt")])
def test_another_secret_is_refused_and_the_previous_one_is_taken_beside_a_new_one(case: str) -> None:
    name, asked = TAKEN[case]
    other = _another(name)
    changed = {n: getattr(asked, n) for n in asked.__struct_fields__}
    assert verify(name, Request(**(changed | {"secrets": (other,)})))
    assert verify(name, Request(**(changed | {"secrets": (other, *asked.secrets)}))) is None
    assert verify(name, Request(**(changed | {"secrets": ()}))) == "there is no secret to verify with"


def _another(name: str) -> str:
    if name == "standard":
        return signatures.new_secret()
    if name == "sendgrid":
        public = generate_private_key(SECP256R1()).public_key()
        return base64.b64encode(public.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)).decode()
    return "another secret"


def test_of_a_batch_one_notification_of_ours_is_enough() -> None:
    assert verify("graph", TWO_KEYS) is None


def test_a_fresh_ecdsa_signature_is_taken_over_any_bytes() -> None:
    key = generate_private_key(SECP256R1())
    public = key.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    signature = key.sign(b"1700000000" + b"\xff\x00", ECDSA(SHA256()))
    name = "x-twilio-email-event-webhook-"
    headers = {f"{name}signature": base64.b64encode(signature).decode(), f"{name}timestamp": TS}
    secrets = (base64.b64encode(public).decode(),)
    asked = Request(headers=headers, body=b"\xff\x00", url="", secrets=secrets, now=1_700_000_000)
    assert verify("sendgrid", asked) is None


HEADERS = sorted({name for _, asked in TAKEN.values() for name in asked.headers})
TEXT = st.text(max_size=60)


@given(
    name=st.sampled_from(sorted(SCHEMES)),
    headers=st.dictionaries(st.sampled_from(HEADERS), TEXT),
    body=st.binary(max_size=200) | st.sampled_from([GRAPH.encode(), b'{"value": 3}', b'{"value": [1]}', b"a=%ff&b"]),
    url=TEXT | st.sampled_from(["https://[::1/x", "https://x:99999/?secret=%ff", "https://x/?bodySHA256="]),
    secrets=st.lists(TEXT, max_size=3),
    now=st.floats(allow_nan=True, allow_infinity=True),
    header=st.sampled_from(["", *HEADERS]),
    template=TEXT,
)
def test_no_input_makes_a_scheme_raise_and_none_is_taken_by_chance(
    name: str,
    headers: dict[str, str],
    body: bytes,
    url: str,
    secrets: list[str],
    now: float,
    header: str,
    template: str,
) -> None:
    options = Options(header=header, template=template, jwks=JWKS)
    asked = Request(headers=headers, body=body, url=url, secrets=tuple(secrets), now=now, options=options)
    reason = verify(name, asked)
    # Bare secrets can be met by chance; a signature cannot.
    assert reason is None or reason
    if name not in ("bearer", "basic", "mailchimp", "hint", "google_channel", "graph"):
        assert reason
