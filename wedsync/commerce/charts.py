"""Bars as SVG geometry: what a template draws without a script and without a style attribute; pure."""

from collections.abc import Sequence

import msgspec

HEIGHT = 100.0


class Bar(msgspec.Struct, frozen=True, kw_only=True):
    """One bar: where it stands, how high it is, and its words in the table below the chart."""

    x: float
    y: float
    width: float
    height: float
    label: str
    value: int


class Chart(msgspec.Struct, frozen=True, kw_only=True):
    """`says` is the chart in a sentence; `first` and `last` stand under its ends, `top` beside its highest line."""

    bars: list[Bar]
    says: str
    first: str
    last: str
    top: int
    total: int
    width: float


def bars(title: str, values: Sequence[tuple[str, int]], *, unit: str, step: float = 10.0) -> Chart:
    """A chart of (label, value); `unit` is the word for many of what is counted."""
    top = _round_up(max((value for _, value in values), default=0))
    total = sum(value for _, value in values)
    made = [_bar(place, label, value, top, step) for place, (label, value) in enumerate(values)]
    return Chart(
        bars=made,
        says=_says(title, values, total, unit),
        first=values[0][0] if values else "",
        last=values[-1][0] if values else "",
        top=top,
        total=total,
        width=step * len(values),
    )


def _bar(place: int, label: str, value: int, top: int, step: float) -> Bar:
    # Something is never drawn as nothing.
    height = max(round(value / top * HEIGHT, 2), 1.5) if value else 0.0
    return Bar(
        x=round(place * step + step * 0.15, 2),
        y=round(HEIGHT - height, 2),
        width=round(step * 0.7, 2),
        height=height,
        label=label,
        value=value,
    )


def _says(title: str, values: Sequence[tuple[str, int]], total: int, unit: str) -> str:
    if not total:
        return f"{title}: none."
    label, most = max(values, key=lambda one: one[1])
    return f"{title}: {total:,} {unit} in all, most of them {label} ({most:,})."


def _round_up(number: int) -> int:
    """The next of 1, 2, 5, 10, 20, 50 … for the highest line."""
    size = 1
    while True:
        for factor in (1, 2, 5):
            if number <= factor * size:
                return factor * size
        size *= 10
