"""In which language somebody is told, and how that language says it; pure.

A message is in one language from its first word to its last: the first of the reader's, the wedding's and English that
has the notice. Within it the nearest text counts: of the region before the language, an operator's before ours.
"""

import functools
import re
import tomllib
from collections.abc import Iterable, Mapping
from datetime import date
from importlib import resources
from typing import Any, Final

import msgspec

from wedsync.web import formats
from wedsync.weddings import news

ENGLISH_LOCALE: Final = "en"
CHANGE: Final = "change"
"""What every notice says that has no words of its own for it."""
DIGEST: Final = "digest"
EMERGENCY: Final = "emergency"
SHARED: Final = (CHANGE, DIGEST, EMERGENCY)
_VARIABLE: Final = re.compile(r"\{([a-z_]+)\}")


class WordMissing(LookupError):  # noqa: N818 -- it reads as a sentence where it is raised
    """A text needs a word that nobody has: nothing is sent, for a blank would be taken for an answer."""

    def __init__(self, key: str, locale: str, name: str) -> None:
        super().__init__(f"the text {key!r} ({locale}) needs {{{name}}}, which this notice does not have")


class Text(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """The words of one notice in one language; what is empty is as every notice says it.

    `ask` and `confirm` take the place of `body` and `button` where its reader is asked to confirm.
    """

    title: str = ""
    body: str = ""
    ask: str = ""
    button: str = ""
    confirm: str = ""


PARTS: Final = Text.__struct_fields__


class Version(msgspec.Struct, frozen=True, kw_only=True):
    """What an operator wrote: the newest version of a key in a locale."""

    key: str
    locale: str
    number: int
    words: Text


class Shipped(msgspec.Struct, frozen=True, kw_only=True):
    """What the product says by itself in one language, or what a region of it says otherwise."""

    name: str
    day: str = ""
    thousands: str = ""
    decimal: str = ""
    money: str = ""
    months: tuple[str, ...] = ()
    phrases: Mapping[str, str] = {}
    fields: Mapping[str, str] = {}
    things: Mapping[str, str] = {}
    texts: Mapping[str, Text] = {}


@functools.cache
def shipped() -> Mapping[str, Shipped]:
    """All languages there are, by their locale."""
    folder = resources.files(__package__) / "texts"
    files = sorted((one for one in folder.iterdir() if one.name.endswith(".toml")), key=lambda one: one.name)
    return {
        one.name.removesuffix(".toml"): msgspec.convert(tomllib.loads(one.read_text(encoding="utf-8")), Shipped)
        for one in files
    }


def family(locale: str) -> tuple[str, ...]:
    """`nl-BE` -> (nl-BE, nl): a region, then its language."""
    language = locale.partition("-")[0]
    return (locale,) if locale == language else (locale, language)


def variables(template: str) -> set[str]:
    """The names a text needs."""
    return set(_VARIABLE.findall(template))


class Tongue(msgspec.Struct, frozen=True, kw_only=True):
    """One language with the versions an operator wrote in it."""

    locale: str = ENGLISH_LOCALE
    versions: tuple[Version, ...] = ()

    def text(self, key: str) -> Text:
        """Of one key alone: each of its words from the nearest that has it."""
        near = self._near(key)
        return Text(
            **{name: next((w for one in near if (w := getattr(one, name))), "") for name in Text.__struct_fields__}
        )

    def words(self, key: str, nearer: str = "") -> Text:
        """Of one key, and what all notices say where it says nothing; before it of a `nearer` one."""
        found = [self.text(one) for one in (nearer, key, CHANGE) if one]
        return Text(**{name: next((word for one in found if (word := getattr(one, name))), "") for name in PARTS})

    def number(self, key: str) -> int:
        """The version of what an operator wrote; 0 where it is ours."""
        return max((one.number for one in self.versions if one.key == key and one.locale in self._own), default=0)

    def filled(self, key: str, template: str, values: Mapping[str, Any]) -> str:
        """Raises WordMissing where a word is missing, or is nothing."""

        def word(found: re.Match[str]) -> str:
            value = values.get(found[1])
            if value is None or value == "":
                raise WordMissing(key, self.locale, found[1])
            return str(value)

        return _VARIABLE.sub(word, template)

    def phrase(self, name: str, **values: Any) -> str:
        """A saying of the language. Raises KeyError for one it does not have: each of them has all."""
        return self.filled(name, self.template(name), values)

    def template(self, name: str) -> str:
        """The same before its words are in it."""
        return next(one.phrases[name] for one in self._ours if name in one.phrases)

    def field(self, name: str) -> str:
        """A field in words: `the date`."""
        return next((one.fields[name] for one in self._ours if name in one.fields), news.FIELDS.get(name, name))

    def shown(self, name: str, value: Any) -> str:
        """A value of a field, as it is read."""
        if value == "":
            return self.phrase("nothing")
        if name == "on" and value:
            return self.day(date.fromisoformat(value))
        return news.shown(name, value)

    def thing(self, record: Mapping[str, Any]) -> str:
        """What was promised or delivered: its kind in words, and its own name."""
        kind, title = str(record.get("kind", "")), record.get("title")
        words = next((one.things[kind] for one in self._ours if kind in one.things), kind.replace("_", " "))
        return words + (f" “{title}”" if title else "")

    def day(self, on: date | None) -> str:
        """`12 Sep 2026`."""
        if on is None:
            return self.phrase("no_date")
        ours = next((one for one in self._ours if one.months), None)
        return formats.day_year(on) if ours is None else ours.day.format(on.day, ours.months[on.month - 1], on.year)

    def money(self, minor: int | None, currency: str) -> str:
        """`€ 1.234,50`."""
        english = formats.money(minor, currency)
        ours = next((one for one in self._ours if one.money), None)
        if ours is None or minor is None:
            return english
        found = re.fullmatch(r"(−?)([^\d]*)([\d,]+)(?:\.(\d+))?", english)
        if found is None:
            return english
        sign, symbol, whole, part = found.groups()
        amount = whole.replace(",", ours.thousands) + (f"{ours.decimal}{part}" if part else "")
        return sign + ours.money.format(symbol.strip(), amount)

    @property
    def _own(self) -> tuple[str, ...]:
        return family(self.locale)

    @property
    def _ours(self) -> list[Shipped]:
        return [shipped()[one] for one in self._own if one in shipped()]

    def _near(self, key: str) -> list[Text]:
        found: list[Text] = []
        for locale in self._own:
            newest = max((v for v in self.versions if (v.key, v.locale) == (key, locale)), key=_number, default=None)
            found += [newest.words] if newest is not None else []
            found += [one.texts[key] for one in (shipped().get(locale),) if one is not None and key in one.texts]
        return found


ENGLISH: Final = Tongue()


def spoken_by(key: str, locales: Iterable[str | None], versions: Iterable[Version] = ()) -> Tongue:
    """The language of a notice: the first of these that has it, at the end English, which has all."""
    known = tuple(versions)
    for locale in locales:
        if locale and family(locale)[-1] in shipped():
            tongue = Tongue(locale=locale, versions=known)
            if family(locale)[-1] == ENGLISH_LOCALE or tongue.text(key).title or key in SHARED:
                return tongue
    return Tongue(versions=known)


def versions_of(stored: str | None) -> tuple[Version, ...]:
    """As the database gives them: the newest of each key and locale."""
    return () if stored is None else msgspec.json.decode(stored, type=tuple[Version, ...])


def _number(version: Version) -> int:
    return version.number
