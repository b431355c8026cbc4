"""The transforms every field map may use: small pure functions from one value to the next, made from their options.

A transform answers with the new value, with None when the source says nothing after all, or raises `ValueError` with a
sentence for people. Nouns and connectors add their own beside these (`compile_map(..., transforms=...)`).
"""

import re
from collections.abc import Callable, Mapping
from datetime import UTC, date, datetime
from decimal import Decimal, InvalidOperation
from typing import Any

Transform = Callable[[Any], Any]
Factory = Callable[[Mapping[str, Any]], Transform]

# RFC 5321 lengths; the local part as people really write it. Stricter than the RFC: no quoted parts, no bare domains.
_EMAIL = re.compile(r"[^\s@<>()\[\],;:\"\\]{1,64}@(?:[^\W_](?:[\w-]{0,61}[^\W_])?\.)+[^\W\d_][\w-]{0,61}[^\W_]")
_TRUE = frozenset({"true", "yes", "y", "1", "on", "x", "✓", "ja", "oui", "sí", "si"})
_FALSE = frozenset({"false", "no", "n", "0", "off", "nein", "non"})
INTEGER_DIGITS_MAX = 18


def email_address(text: str) -> str:
    """Trimmed, `mailto:` and `Name <…>` removed, domain in lower case. Raises ValueError for what is no address."""
    found = text.strip()
    if found.startswith("mailto:") or found.endswith(">"):
        found = found.removeprefix("mailto:").rpartition("<")[2].removesuffix(">").strip()
    if len(found) > 254 or ".." in found or _EMAIL.fullmatch(found) is None:
        raise ValueError("This is not an e-mail address. Write it like name@example.com.")
    local, _, domain = found.rpartition("@")
    return f"{local}@{domain.lower()}"


def _text(options: Mapping[str, Any]) -> Transform:
    _only(options)
    return lambda value: " ".join(_as_text(value).split()) or None


def _lower(options: Mapping[str, Any]) -> Transform:
    _only(options)
    return lambda value: _as_text(value).lower()


def _upper(options: Mapping[str, Any]) -> Transform:
    _only(options)
    return lambda value: _as_text(value).upper()


def _email(options: Mapping[str, Any]) -> Transform:
    _only(options)
    return lambda value: email_address(_as_text(value))


def _integer(options: Mapping[str, Any]) -> Transform:
    _only(options)

    def integer(value: Any) -> int:
        number = _decimal_of(value)
        if number != number.to_integral_value():
            raise ValueError("This is not a whole number.")
        return int(number)

    return integer


def _decimal(options: Mapping[str, Any]) -> Transform:
    _only(options)
    return _decimal_of


def _minor_units(options: Mapping[str, Any]) -> Transform:
    """Money as an amount in the currency's smallest unit: `{"digits": 2}` makes "12.50" 1250."""
    digits = _option(options, "digits", int, 2)
    _only(options, "digits")
    scale = Decimal(10) ** digits

    def minor(value: Any) -> int:
        amount = _decimal_of(value) * scale
        if amount != amount.to_integral_value():
            raise ValueError(f"This amount has more than {digits} decimal places.")
        return int(amount)

    return minor


def _boolean(options: Mapping[str, Any]) -> Transform:
    _only(options)

    def boolean(value: Any) -> bool:
        if isinstance(value, bool):
            return value
        word = _as_text(value).strip().lower()
        if word in _TRUE:
            return True
        if word in _FALSE:
            return False
        raise ValueError("This is neither yes nor no.")

    return boolean


def _date(options: Mapping[str, Any]) -> Transform:
    """`{"format": "%d/%m/%Y"}` as in `strptime`; without it ISO 8601. Gives an ISO date."""
    form = _option(options, "format", str, "")
    _only(options, "format")

    def day(value: Any) -> str:
        text = _as_text(value).strip()
        try:
            found = datetime.strptime(text, form).date() if form else date.fromisoformat(text[:10])
        except ValueError as error:
            raise ValueError("This date cannot be read.") from error
        return found.isoformat()

    return day


def _timestamp(options: Mapping[str, Any]) -> Transform:
    """ISO 8601 with an offset, or seconds since 1970 (`{"unit": "ms"}` for milliseconds). Gives ISO in UTC."""
    unit = _option(options, "unit", str, "s")
    _only(options, "unit")
    if unit not in {"s", "ms"}:
        raise ValueError("The unit is s or ms.")

    def moment(value: Any) -> str:
        try:
            if isinstance(value, int | float) or _as_text(value).strip().isdigit():
                found = datetime.fromtimestamp(float(value) / (1000 if unit == "ms" else 1), UTC)
            else:
                found = datetime.fromisoformat(_as_text(value).strip())
        except (ValueError, OverflowError, OSError) as error:
            raise ValueError("This moment cannot be read.") from error
        if found.tzinfo is None:
            raise ValueError("This moment has no time zone.")
        return found.astimezone(UTC).isoformat().replace("+00:00", "Z")

    return moment


def _lookup(options: Mapping[str, Any]) -> Transform:
    """`{"table": {"Attending": "accepted"}, "otherwise": …}`; case and outer spaces do not matter."""
    table = _option(options, "table", dict, None)
    _only(options, "table", "otherwise")
    folded = {_as_text(key).strip().casefold(): value for key, value in table.items()}
    has_otherwise, otherwise = "otherwise" in options, options.get("otherwise")

    def lookup(value: Any) -> Any:
        key = _as_text(value).strip().casefold()
        if key in folded:
            return folded[key]
        if has_otherwise:
            return otherwise
        raise ValueError("This word is not known here.")

    return lookup


def _split(options: Mapping[str, Any]) -> Transform:
    """Text (or each text of a list) into a list of trimmed parts: `{"separators": ["|", ";"]}`."""
    separators = _option(options, "separators", list, [","])
    _only(options, "separators")
    cut = re.compile("|".join(re.escape(_as_text(s)) for s in separators))

    def split(value: Any) -> list[str] | None:
        texts = value if isinstance(value, list) else [value]
        return [part.strip() for text in texts for part in cut.split(_as_text(text)) if part.strip()] or None

    return split


def _join(options: Mapping[str, Any]) -> Transform:
    separator = _option(options, "separator", str, " ")
    _only(options, "separator")
    return lambda value: separator.join(map(_as_text, value)) if isinstance(value, list) else _as_text(value)


def _item(options: Mapping[str, Any]) -> Transform:
    """The n-th of a list, or of a text cut at `separator`: `{"index": 0, "separator": " ::: "}`."""
    index = _option(options, "index", int, 0)
    separator = _option(options, "separator", str, "")
    _only(options, "index", "separator")

    def item(value: Any) -> Any:
        parts = value if isinstance(value, list) else _as_text(value).split(separator) if separator else [value]
        return parts[index] if -len(parts) <= index < len(parts) else None

    return item


def _replace(options: Mapping[str, Any]) -> Transform:
    old, new = _option(options, "old", str, None), _option(options, "new", str, "")
    _only(options, "old", "new")
    return lambda value: _as_text(value).replace(old, new)


BUILT_IN: Mapping[str, Factory] = {
    "text": _text,
    "lower": _lower,
    "upper": _upper,
    "email": _email,
    "integer": _integer,
    "decimal": _decimal,
    "minor_units": _minor_units,
    "boolean": _boolean,
    "date": _date,
    "timestamp": _timestamp,
    "lookup": _lookup,
    "split": _split,
    "join": _join,
    "item": _item,
    "replace": _replace,
}


def _as_text(value: Any) -> str:
    if isinstance(value, str):
        return value
    if isinstance(value, bool | int | float | Decimal):
        return str(value)
    raise ValueError("This holds several values where one was expected.")


def _decimal_of(value: Any) -> Decimal:
    text = "".join(_as_text(value).split())
    if "," in text and "." not in text and re.fullmatch(r"[+-]?\d{1,3}(,\d{3})+", text) is None:
        text = text.replace(",", ".")
    try:
        number = Decimal(text.replace(",", ""))
    except InvalidOperation as error:
        raise ValueError("This is not a number.") from error
    if not number.is_finite() or abs(number) >= Decimal(10) ** INTEGER_DIGITS_MAX:
        raise ValueError("This number is out of range.")
    return number


def _option(options: Mapping[str, Any], name: str, kind: type, default: Any) -> Any:
    value = options.get(name, default)
    if not isinstance(value, kind) or (kind is int and isinstance(value, bool)):
        raise ValueError(f"The option {name!r} must be of type {kind.__name__}.")
    return value


def _only(options: Mapping[str, Any], *known: str) -> None:
    unknown = sorted(set(options) - set(known))
    if unknown:
        raise ValueError(f"There is no option {unknown[0]!r} here.")
