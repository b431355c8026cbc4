"""Writes the generated references anew (`make docs`); a test demands that what is committed is what this writes."""

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Final

from wedsync.kit import config_reference
from wedsync.processes import reference_commands, reference_connectors, reference_fallbacks, reference_surface

ROOT: Final = Path(__file__).parents[2]
PAGES: Final[Mapping[str, Callable[[], str]]] = {
    ".env.example": config_reference.env_example,
    "docs/reference/settings.md": config_reference.settings_page,
    "docs/reference/openapi.json": reference_surface.openapi,
    "docs/reference/asyncapi.json": reference_surface.asyncapi,
    "docs/reference/connectors.md": reference_connectors.page,
    "docs/reference/fallbacks.md": reference_fallbacks.page,
    "docs/reference/cli.md": reference_commands.page,
    "docs/reference/tables.md": reference_surface.tables_page,
}
"""Path from the root of the source tree -> what makes its text."""


def write(root: Path = ROOT) -> list[str]:
    """Write every page that differs; returns their paths."""
    changed = {path: text for path, make in PAGES.items() if (text := make()) != _text_of(root / path)}
    for path, text in changed.items():
        (root / path).parent.mkdir(parents=True, exist_ok=True)
        (root / path).write_text(text)
    return list(changed)


def _text_of(path: Path) -> str | None:
    return path.read_text() if path.exists() else None


if __name__ == "__main__":
    print("\n".join(write()) or "The references are up to date.")
