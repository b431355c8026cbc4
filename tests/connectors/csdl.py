"""Judges JSON by the types of Microsoft Graph's own metadata (OData CSDL), stricter than OData: no unknown members.

The metadata is not part of the project: it is looked for in `shared/specs` beside the checkout or in
`WEDSYNC_SPECS_DIR`, and what needs it is skipped, by name, where it is absent.
"""

import os
from collections.abc import Iterator
from datetime import date, datetime
from pathlib import Path
from typing import Any
from uuid import UUID
from xml.etree import ElementTree

import pytest

FILE = "microsoft_graph_calendar_v1.csdl.xml"
EDM = "{http://docs.oasis-open.org/odata/ns/edm}"
READ: dict[str, Any] = {
    "Edm.Date": date.fromisoformat,
    "Edm.DateTimeOffset": datetime.fromisoformat,
    "Edm.Guid": UUID,
}
KINDS: dict[str, type] = {"Edm.String": str, "Edm.Boolean": bool, "Edm.Int32": int, "Edm.Double": float}


def load() -> "Schema":
    places = [os.environ.get("WEDSYNC_SPECS_DIR", "")]
    places += [str(parent / "shared" / "specs") for parent in Path(__file__).resolve().parents]
    found = next((Path(place) / FILE for place in places if place and (Path(place) / FILE).is_file()), None)
    if found is None:
        pytest.skip(f"{FILE} is neither in WEDSYNC_SPECS_DIR nor in shared/specs beside the checkout")
    return Schema(ElementTree.parse(found))


class Schema:
    """The types by name, without their namespace."""

    def __init__(self, tree: "ElementTree.ElementTree[Any]") -> None:
        self.types: dict[str, Any] = {}
        for kind in ("EntityType", "ComplexType", "EnumType"):
            for element in tree.iter(f"{EDM}{kind}"):
                self.types[element.attrib["Name"]] = element

    def problems(self, kind: str, value: Any, where: str = "") -> list[str]:
        return list(self._problems(kind, value, where or kind))

    def _problems(self, kind: str, value: Any, where: str) -> Iterator[str]:
        if kind.startswith("Collection("):
            if not isinstance(value, list):
                yield f"{where}: not a list"
                return
            for number, item in enumerate(value):
                yield from self._problems(kind[11:-1], item, f"{where}[{number}]")
        elif kind.startswith("Edm."):
            yield from self._primitive(kind, value, where)
        else:
            yield from self._typed(kind.removeprefix("graph."), value, where)

    def _primitive(self, kind: str, value: Any, where: str) -> Iterator[str]:
        wanted = KINDS.get(kind, str)
        if not isinstance(value, wanted) or (isinstance(value, bool) and wanted is not bool):
            yield f"{where}: not {kind}: {value!r}"
        elif kind in READ:
            try:
                READ[kind](value)
            except ValueError:
                yield f"{where}: not {kind}: {value!r}"

    def _typed(self, name: str, value: Any, where: str) -> Iterator[str]:
        element = self.types[name]
        if element.tag == f"{EDM}EnumType":
            if value not in [member.attrib["Name"] for member in element.iter(f"{EDM}Member")]:
                yield f"{where}: {value!r} is no {name}"
            return
        if not isinstance(value, dict):
            yield f"{where}: not an object"
            return
        known = self._members(name)
        for member, given in value.items():
            if "@" in member:
                continue
            if member not in known:
                yield from [] if element.get("OpenType") == "true" and not known else [f"{where}.{member}: unknown"]
            elif given is None:
                yield from [f"{where}.{member}: null"] if known[member].get("Nullable") == "false" else []
            else:
                yield from self._problems(known[member].attrib["Type"], given, f"{where}.{member}")

    def _members(self, name: str) -> dict[str, Any]:
        element = self.types[name]
        above = element.get("BaseType", "").removeprefix("graph.")
        own = {
            member.attrib["Name"]: member
            for tag in ("Property", "NavigationProperty")
            for member in element.iter(f"{EDM}{tag}")
        }
        return {**(self._members(above) if above in self.types else {}), **own}
