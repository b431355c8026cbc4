"""Write measured figures into docs/decisions: a table cell that ends in `<!-- choice.figure -->` is for that figure."""

import re
from pathlib import Path

from bench.decisions.measuring import Line

PAGES = Path(__file__).resolve().parents[2] / "docs" / "decisions"
CELL = re.compile(r"\|[^|\n]*<!-- (?P<choice>\w+)\.(?P<figure>\w+) --> *\|")
UNITS = {"us": "us", "ms": "ms", "s": "s"}


def spelled(figure: str, value: float) -> str:
    """`read_us`, 171.31 -> `171 us`: three digits are all that such a measurement knows."""
    unit = UNITS[figure.rpartition("_")[2]]
    return f"{value:.0f} {unit}" if value >= 100 else f"{value:.3g} {unit}"


def filled(page: str, measured: Line) -> str:
    """The page with every cell of this choice filled in, and the cells of others as they were."""

    def cell(found: re.Match[str]) -> str:
        figure = found["figure"]
        if found["choice"] != measured.choice or figure not in measured.figures:
            return found.group()
        return f"| {spelled(figure, measured.figures[figure])} <!-- {measured.choice}.{figure} --> |"

    return CELL.sub(cell, page)


def fill(measured: Line) -> None:
    """Fill every page that has a cell for this choice."""
    for path in sorted(PAGES.glob("*.md")):
        before = path.read_text(encoding="utf-8")
        after = filled(before, measured)
        if after != before:
            path.write_text(after, encoding="utf-8")
