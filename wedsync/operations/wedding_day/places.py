"""Where the day is, for a sheet that opens without a network: each place once, the way there, and a plan of them all.

Coordinates are known where a plan for bad weather names an item's spot, or where somebody has written them into the
address ("51.5712, -0.7766"). A plan is drawn from two places on: to scale, north above.
"""

import math
import re
from collections.abc import Mapping, Sequence
from typing import Any, Final
from urllib.parse import quote, urlencode

import msgspec

EARTH_M: Final = 6_371_008.8
"""Mean radius (IUGG)."""
MILE_M: Final = 1609.344
SAME_M: Final = 60.0
"""What is nearer is one place, and the sheet says nothing of a way."""
FAR_M: Final = 500_000.0
"""Beyond it a flat plan lies."""
WIDTH, HEIGHT, EDGE = 320.0, 220.0, 38.0
WRITTEN: Final = re.compile(r"(?<![\d.])([+-]?\d{1,2}\.\d{3,})\s*[,;]\s*([+-]?\d{1,3}\.\d{3,})(?![\d.])")
WINDS: Final = (
    *("north", "north-east", "east", "south-east"),
    *("south", "south-west", "west", "north-west"),
)


class Spot(msgspec.Struct, frozen=True):
    """Degrees."""

    latitude: float
    longitude: float

    @property
    def words(self) -> str:
        return f"{self.latitude:.5f}, {self.longitude:.5f}"


class Place(msgspec.Struct, frozen=True, kw_only=True):
    """`mark` is its letter on the plan. `way` opens the phone's own map (RFC 5870), `web` one of the web; `from_first`
    says how it lies to the first place that is on the plan.
    """

    name: str
    address: str
    way: str
    web: str
    spot: Spot | None = None
    mark: str = ""
    from_first: str = ""


class Dot(msgspec.Struct, frozen=True):
    """A place on the plan."""

    mark: str
    x: float
    y: float


class Plan(msgspec.Struct, frozen=True, kw_only=True):
    """In units of WIDTH by HEIGHT; the bar is so long, and stands for that many metres."""

    dots: tuple[Dot, ...]
    bar: float
    bar_words: str
    width: float = WIDTH
    height: float = HEIGHT


def places(head: Mapping[str, Any], spots: Sequence[Mapping[str, Any]]) -> list[Place]:
    """Ceremony and reception of a wedding, then places of `spots` (kind, place, latitude, longitude of items)."""
    named: dict[str, tuple[str, str]] = {}
    for part in ("ceremony", "reception"):
        name, address = head[f"{part}_venue"], head[f"{part}_address"]
        if name or address:
            named.setdefault(_key(name or address), (name, address))
    known: dict[str, Spot] = {}
    for one in spots:
        part = "ceremony" if one["kind"] == "ceremony" else "reception"
        name = one["place"] or head[f"{part}_venue"] or head[f"{part}_address"]
        if name:
            known.setdefault(_key(name), Spot(one["latitude"], one["longitude"]))
            named.setdefault(_key(name), (name, ""))
    found = [_place(*both, known.get(key) or written(both[1]) or written(both[0])) for key, both in named.items()]
    return _lettered(found)


def written(text: str) -> Spot | None:
    """Coordinates that stand in a text."""
    found = WRITTEN.search(text)
    if found is None:
        return None
    latitude, longitude = float(found[1]), float(found[2])
    return Spot(latitude, longitude) if abs(latitude) <= 90 and abs(longitude) <= 180 else None


def plan(found: Sequence[Place]) -> Plan | None:
    """None where fewer than two places are known, all are one, or they are a country apart."""
    spots = [(one.mark, one.spot) for one in found if one.spot is not None and one.mark]
    if len(spots) < 2:
        return None
    middle = math.radians(sum(spot.latitude for _, spot in spots) / len(spots))
    east = math.cos(middle) * math.radians(1) * EARTH_M
    first = spots[0][1]
    flat = [
        (mark, _turn(spot.longitude - first.longitude) * east, math.radians(spot.latitude - first.latitude) * EARTH_M)
        for mark, spot in spots
    ]
    xs, ys = [x for _, x, _ in flat], [y for _, _, y in flat]
    wide, high = max(xs) - min(xs), max(ys) - min(ys)
    if not SAME_M <= max(wide, high) <= FAR_M:
        return None
    scale = min((WIDTH - 2 * EDGE) / max(wide, 1.0), (HEIGHT - 2 * EDGE) / max(high, 1.0))
    left, top = (WIDTH - wide * scale) / 2, (HEIGHT - high * scale) / 2
    dots = tuple(
        Dot(mark, round(left + (x - min(xs)) * scale, 1), round(top + (max(ys) - y) * scale, 1)) for mark, x, y in flat
    )
    metres = _round_number(90.0 / scale)
    return Plan(
        dots=dots,
        bar=round(metres * scale, 1),
        bar_words=f"{metres / 1000:g} km" if metres >= 1000 else f"{metres:g} m",
    )


def distance_m(a: Spot, b: Spot) -> float:
    """Along a great circle (haversine)."""
    phi, psi = math.radians(a.latitude), math.radians(b.latitude)
    half = math.sin((psi - phi) / 2) ** 2
    half += math.cos(phi) * math.cos(psi) * math.sin(math.radians(b.longitude - a.longitude) / 2) ** 2
    return 2 * EARTH_M * math.asin(min(1.0, math.sqrt(half)))


def wind(a: Spot, b: Spot) -> str:
    """In which direction b lies from a, as one sets out."""
    phi, psi = math.radians(a.latitude), math.radians(b.latitude)
    turn = math.radians(b.longitude - a.longitude)
    y = math.sin(turn) * math.cos(psi)
    x = math.cos(phi) * math.sin(psi) - math.sin(phi) * math.cos(psi) * math.cos(turn)
    return WINDS[round(math.degrees(math.atan2(y, x)) / 45) % 8]


def _place(name: str, address: str, spot: Spot | None) -> Place:
    said = ", ".join(filter(None, (name, address)))
    if spot is None:
        web = f"https://www.openstreetmap.org/search?{urlencode({'query': address or name})}"
        return Place(name=name, address=address, way=f"geo:0,0?q={quote(said)}", web=web)
    at = f"{spot.latitude:.6f},{spot.longitude:.6f}"
    where = {"mlat": f"{spot.latitude:.6f}", "mlon": f"{spot.longitude:.6f}"}
    web = f"https://www.openstreetmap.org/?{urlencode(where)}#map=16/{spot.latitude:.5f}/{spot.longitude:.5f}"
    return Place(name=name, address=address, way=f"geo:{at}?q={at}({quote(name or address)})", web=web, spot=spot)


def _lettered(found: list[Place]) -> list[Place]:
    """Those whose spot is known have a letter where there are several, and say how they lie to the first."""
    known = [one.spot for one in found if one.spot is not None]
    if len(known) < 2:
        return found
    letters = iter("ABCDEFGHIJKLMNOPQRSTUVWXYZ")
    made = []
    for one in found:
        mark = next(letters, "") if one.spot is not None else ""
        told = _way_words(known[0], one.spot) if mark not in ("", "A") and one.spot is not None else ""
        made.append(msgspec.structs.replace(one, mark=mark, from_first=told))
    return made


def _way_words(a: Spot, b: Spot) -> str:
    metres = distance_m(a, b)
    if metres < SAME_M:
        return "At A."
    far = f"{metres / 1000:.1f} km ({metres / MILE_M:.1f} miles)" if metres >= 1000 else f"{round(metres, -1):.0f} m"
    return f"{far} {wind(a, b)} of A, in a straight line."


def _round_number(metres: float) -> float:
    """The next lower of 1, 2, 5 and their tens."""
    power = 10 ** math.floor(math.log10(metres))
    return float(max(step * power for step in (1, 2, 5) if step * power <= metres * (1 + 1e-9)))


def _turn(degrees: float) -> float:
    """The short way round, also across the date line."""
    return (degrees + 180) % 360 - 180


def _key(name: str) -> str:
    return " ".join(name.casefold().split())
