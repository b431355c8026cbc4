"""What the fake Twilio remembers: texts both ways and calls, and what the people at the other end do."""

import re
import secrets
from collections import OrderedDict
from collections.abc import Mapping
from email.utils import format_datetime
from typing import Any, Final
from xml.etree import ElementTree

from wedsync.connections.fake_client import PHONE_ACCOUNT, PHONE_NUMBER
from wedsync.connectors.twilio.fake_hooks import Form, Hooks
from wedsync.kit import clock

Object = dict[str, Any]
KEPT_MAX: Final = 2_000
NUMBER: Final = re.compile(r"\+[1-9]\d{6,14}")
LOST: Final = {"phone off": 30003, "unknown number": 30005, "landline": 30006, "filtered": 30007}
STATUSES: Final = {21610: 400, 21614: 400, 20003: 401, 20404: 404, 20429: 429, 20503: 503}


class TwilioError(Exception):
    """A refusal as Twilio words it."""

    def __init__(self, code: int, said: str) -> None:
        super().__init__(said)
        self.status = STATUSES.get(code, 400)
        more = f"https://www.twilio.com/docs/errors/{code}"
        self.body: Object = {"code": code, "message": said, "more_info": more, "status": self.status}


class Store:
    """One account. `texts_url` is where texts that people write are told."""

    def __init__(self, hooks: Hooks, texts_url: str) -> None:
        self._hooks = hooks
        self.texts_url = texts_url
        self.messages: OrderedDict[str, Object] = OrderedDict()
        self.calls: OrderedDict[str, Object] = OrderedDict()
        self.stopped: set[str] = set()

    def forget(self) -> None:
        self.messages.clear()
        self.calls.clear()
        self.stopped.clear()

    def create_message(self, form: Mapping[str, str], mood: str) -> Object:
        """Raises TwilioError. It is on its way when this returns, and its states are told later."""
        to, service = form.get("To", ""), form.get("MessagingServiceSid", "")
        if not NUMBER.fullmatch(to):
            raise TwilioError(21211, f"Invalid 'To' Phone Number: {to[:6]}XXXX")
        if not service and not form.get("From"):
            raise TwilioError(21603, "A 'From' phone number is required.")
        if not 0 < len(form.get("Body", "")) <= 1600:
            raise TwilioError(21617, "The concatenated message body exceeds the 1600 character limit.")
        if to in self.stopped:
            raise TwilioError(21610, "Attempt to send to unsubscribed recipient")
        sent = self._message(form["Body"], to, form.get("From"), "outbound-api")
        code = LOST.get(mood)
        states = ["sent", "undelivered" if code else "delivered"]
        sent |= {"status": "accepted" if service else "queued", "messaging_service_sid": service or None}
        answer = dict(sent)
        sent |= {"status": states[-1], "error_code": code}
        self._hooks.tell(form.get("StatusCallback", ""), [_state(sent, state, code) for state in states])
        return answer

    def create_call(self, form: Mapping[str, str]) -> Object:
        """Raises TwilioError. It rings until somebody does something."""
        to, caller = form.get("To", ""), form.get("From", "")
        if not NUMBER.fullmatch(to):
            raise TwilioError(21211, f"Invalid 'To' Phone Number: {to[:6]}XXXX")
        if not caller or not form.get("Url"):
            raise TwilioError(21205, "Url parameter is required.")
        made = {
            **self._object("CA", "Calls"),
            "to": to,
            "from": caller,
            "status": "queued",
            "direction": "outbound-api",
            "answered_by": None,
            "start_time": None,
            "end_time": None,
            "duration": None,
        }
        answer = dict(made)
        self.calls[made["sid"]] = made | {
            "status": "ringing",
            "_url": form["Url"],
            "_told": form.get("StatusCallback", ""),
            "_said": [],
            "_voices": [],
            "_answer_url": "",
        }
        self._tell_call(self.calls[made["sid"]], "ringing")
        return answer

    async def write(self, sender: str, text: str) -> str:
        """A person writes to us; what is answered, if anything. STOP and START are heard by Twilio first."""
        word = text.strip().lower()
        form = {
            "MessageSid": self._message(text, PHONE_NUMBER, sender, "inbound")["sid"],
            "AccountSid": PHONE_ACCOUNT,
            "From": sender,
            "To": PHONE_NUMBER,
            "Body": text,
            "NumMedia": "0",
        }
        if word in ("stop", "start"):
            (self.stopped.add if word == "stop" else self.stopped.discard)(sender)
        _, said = await self._hooks.ask(self.texts_url, form)
        answer = "".join(one.text or "" for one in _parsed(said).iter("Message"))
        if answer:
            self._message(answer, sender, PHONE_NUMBER, "outbound-reply")["status"] = "delivered"
        return answer

    async def pick_up(self, sid: str, *, by: str = "human") -> Object:
        """Somebody answers, or a voice mail does (`machine_start`): it is asked what to say."""
        call = self.calls[sid]
        call |= {"status": "in-progress", "answered_by": by, "start_time": _now()}
        self._tell_call(call, "in-progress")
        form = self._call_form(call, "in-progress") | {"AnsweredBy": by}
        self._follow(call, (await self._hooks.ask(call["_url"], form))[1])
        return call

    async def press(self, sid: str, key: str) -> Object:
        """A key, while it is asked for one."""
        call = self.calls[sid]
        if call["_answer_url"]:
            form = self._call_form(call, "in-progress") | {"Digits": key}
            self._follow(call, (await self._hooks.ask(call["_answer_url"], form))[1])
        return call

    def hang_up(self, sid: str, state: str = "completed") -> Object:
        """`completed`, `no-answer`, `busy`, `failed`."""
        call = self.calls[sid]
        call |= {"status": state, "end_time": _now(), "duration": "5", "_answer_url": ""}
        self._tell_call(call, state)
        return call

    def page(self, found: OrderedDict[str, Object], name: str, to: str) -> Object:
        """Newest first."""
        same = [shown(one) for one in reversed(found.values()) if not to or one["to"] == to]
        uri = f"/2010-04-01/Accounts/{PHONE_ACCOUNT}/{name.title()}.json"
        place = {"uri": uri, "first_page_uri": uri, "next_page_uri": None, "previous_page_uri": None}
        return {name: same[:50], "page": 0, "page_size": 50, "start": 0, "end": len(same[:50]), **place}

    def _follow(self, call: Object, answer: str) -> None:
        document = _parsed(answer)
        said = [(one.text or "", (one.get("voice", ""), one.get("language", ""))) for one in document.iter("Say")][:1]
        call["_said"] += [words for words, _ in said]
        call["_voices"] += [voice for _, voice in said]
        gather = document.find("Gather")
        call["_answer_url"] = "" if gather is None else gather.get("action", "")
        if gather is None:
            self.hang_up(call["sid"])

    def _tell_call(self, call: Object, state: str) -> None:
        self._hooks.tell(call["_told"], [self._call_form(call, state)])

    def _call_form(self, call: Object, state: str) -> dict[str, str]:
        named = {"CallSid": call["sid"], "AccountSid": PHONE_ACCOUNT, "CallStatus": state}
        return named | {"To": call["to"], "From": call["from"], "Direction": "outbound-api"}

    def _message(self, body: str, to: str, sender: str | None, direction: str) -> Object:
        made = {
            **self._object("SM", "Messages"),
            "body": body,
            "to": to,
            "from": sender,
            "direction": direction,
            "status": "received" if direction == "inbound" else "queued",
            "num_segments": "1",
            "num_media": "0",
            "error_code": None,
            "error_message": None,
            "messaging_service_sid": None,
        }
        self.messages[made["sid"]] = made
        while len(self.messages) > KEPT_MAX:
            self.messages.popitem(last=False)
        return made

    def _object(self, prefix: str, kind: str) -> Object:
        # Never the same again, also after a restart: what is told of a sid is taken once.
        sid = prefix + secrets.token_hex(16)
        uri = f"/2010-04-01/Accounts/{PHONE_ACCOUNT}/{kind}/{sid}.json"
        times = {"date_created": _now(), "date_updated": _now()}
        return {"sid": sid, "account_sid": PHONE_ACCOUNT, "uri": uri, "api_version": "2010-04-01", **times}


def shown(found: Object) -> Object:
    """As the API answers it: what is ours alone is left out."""
    return {name: value for name, value in found.items() if not name.startswith("_")}


def _state(sent: Object, state: str, code: int | None) -> Form:
    form = {"MessageSid": sent["sid"], "SmsSid": sent["sid"], "MessageStatus": state, "SmsStatus": state}
    form |= {"To": sent["to"], "From": sent["from"] or "", "AccountSid": PHONE_ACCOUNT}
    return form | ({"ErrorCode": str(code)} if code and state == "undelivered" else {})


def _parsed(said: str) -> ElementTree.Element:
    try:
        return ElementTree.fromstring(said)  # noqa: S314 -- written by the product that is tested
    except ElementTree.ParseError:
        return ElementTree.Element("Response")


def _now() -> str:
    return format_datetime(clock.machine_now())
