"""E-mail addresses and phone numbers of guests, in the one form in which they can be compared.

Phone numbers are judged by the numbering plans of `phonenumbers`, but its parser takes 140 us a number: the common
shapes are read here with the same metadata in 3 us, and only what they do not fit goes the long way.
"""

import re
from collections.abc import Mapping
from typing import Any

from phonenumbers import COUNTRY_CODE_TO_REGION_CODE, NumberParseException, PhoneNumberFormat, format_number, parse
from phonenumbers.phonemetadata import PhoneMetadata

from wedsync.guests.importing.vocabulary import NOTHING
from wedsync.kit.transforms import email_address

_PLAIN = re.compile(r"\+?[\d\s().\-/\u2010-\u2015]+")
_OPTIONAL_TRUNK = re.compile(r"\(0\)")
_EXTENSION = re.compile(r"\s*(?:x|ext\.?|extension|#|,)\s*\d{1,7}\s*$", re.IGNORECASE)
_SEVERAL = re.compile(r"\s*(?::::|[;\n]|\bor\b|\s/\s)\s*")
_DIGITS = re.compile(r"\D+")
_ADDRESSES = re.compile(r"(?: ?::: ?|[;,\n]| / )")
_NOTHING_CHARS_MAX = max(map(len, NOTHING))


def is_nothing(text: str) -> bool:
    """Whether a cell is one of the ways to write "nothing here" ("-", "n/a", "tbc")."""
    return len(text) <= _NOTHING_CHARS_MAX and (not text or text.lower() in NOTHING)


def read_email(text: str) -> str:
    """The first address of a cell, "" for none. Raises ValueError with a sentence for what is not an address."""
    if is_nothing(text):
        return ""
    if _ADDRESSES.search(text) is None:
        return email_address(text)
    for part in _ADDRESSES.split(text):
        if part.strip() and not is_nothing(part.strip()):
            return email_address(part)
    return ""


class Phones:
    """Reads phone numbers for one country of reference, remembering what it has seen."""

    def __init__(self, country: str) -> None:
        self.country = country.upper()
        self._home = _Plan.of(self.country)
        self._seen: dict[str, str] = {}

    def read(self, text: str) -> str:
        """The first number of a cell as E.164, "" for none. Raises ValueError with a sentence when it is no number."""
        if is_nothing(text):
            return ""
        found = self._seen.get(text)
        if found is None:
            found = self._seen[text] = self._read(text)
        if not found:
            raise ValueError("This is not a phone number. Write it with the country code, like +44 7700 900123.")
        return found

    def _read(self, text: str) -> str:
        found = self._plain(text) if _PLAIN.fullmatch(text) else ""
        if found:
            return found
        first = next((part for part in _SEVERAL.split(text) if part.strip(" '*")), "")
        number = _EXTENSION.sub("", first.strip(" '*"))
        return (self._plain(number) if _PLAIN.fullmatch(number) else "") or self._long_way(number)

    def _plain(self, text: str) -> str:
        """Digits and separators only: match the country's own plan, or the plan the code in front names."""
        digits = _DIGITS.sub("", _OPTIONAL_TRUNK.sub("", text) if text.startswith("+") else text)
        if text.startswith("+"):
            return _international(digits)
        if self._home is None:
            return ""
        national = self._home.national(digits)
        if national:
            return f"+{self._home.code}{national}"
        return _international(digits[2:]) if digits.startswith("00") else ""

    def _long_way(self, text: str) -> str:
        try:
            number = parse(text, self.country if self._home is not None else None)
        except NumberParseException:
            return ""
        found: str = format_number(number, PhoneNumberFormat.E164)
        plan = _Plan.of(_main_region(number.country_code))
        national = found[len(str(number.country_code)) + 1 :]
        return found if plan is not None and plan.shape.fullmatch(national) else ""


class _Plan:
    """One country's numbering plan: its code, the shape of its numbers, the digit dialled in front inside it."""

    _known: dict[str, "_Plan | None"] = {}  # noqa: RUF012 - a cache of the library's constants, never of guests' data

    def __init__(self, metadata: Any) -> None:
        self.code: int = metadata.country_code
        self.shape = re.compile(metadata.general_desc.national_number_pattern)
        prefix = metadata.national_prefix_for_parsing
        self.prefix = re.compile(prefix) if prefix and metadata.national_prefix_transform_rule is None else None
        self.is_odd = metadata.national_prefix_transform_rule is not None

    @classmethod
    def of(cls, region: str) -> "_Plan | None":
        if region not in cls._known:
            metadata = PhoneMetadata.metadata_for_region(region, None) if region[1:].isalpha() else None
            if region.startswith("+"):  # a code of no country: satellites, freephone, disaster relief
                metadata = PhoneMetadata.metadata_for_nongeo_region(int(region[1:]), None)
            cls._known[region] = cls(metadata) if metadata is not None else None
        return cls._known[region]

    def national(self, digits: str) -> str:
        """The national number, without the trunk prefix; "" when these digits are no number here."""
        if self.is_odd:
            return ""
        match = self.prefix.match(digits) if self.prefix is not None else None
        if match and match.end():
            stripped = digits[match.end() :]
            if self.shape.fullmatch(stripped):
                return stripped
        return digits if self.shape.fullmatch(digits) else ""


def _international(digits: str) -> str:
    """`447700900123` -> `+447700900123` when the code exists and the rest fits its main country's plan."""
    for length in (1, 2, 3):
        code = digits[:length]
        if code.isdigit() and int(code) in _REGIONS:
            plan = _Plan.of(_main_region(int(code)))
            national = plan.national(digits[length:]) if plan is not None else ""
            return f"+{code}{national}" if national else ""
    return ""


_REGIONS: Mapping[int, tuple[str, ...]] = COUNTRY_CODE_TO_REGION_CODE


def _main_region(code: int | None) -> str:
    regions = _REGIONS.get(code or 0, ("",))
    return f"+{code}" if regions[0] == "001" else regions[0]
