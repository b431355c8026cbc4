"""Turns a template's name and its values into HTML: one Jinja environment over every noun's `templates` folder.

`page("guests/guests.html", shell=shell, ...)` finds `wedsync/guests/templates/guests.html`; names without a noun in
front (`layout.html`, `components/…`, `errors/…`) live in `wedsync/web/templates`. A variable a template needs and does
not get is a bug and raises (StrictUndefined), so a page can never quietly lose a part of itself.
"""

from __future__ import annotations

import functools
from pathlib import Path
from typing import Any

import msgspec
from jinja2 import (
    BaseLoader,
    ChoiceLoader,
    Environment,
    FileSystemLoader,
    PrefixLoader,
    StrictUndefined,
    select_autoescape,
)
from markupsafe import Markup, escape

from wedsync.kit.modes import SHOWN
from wedsync.web.formats import FILTERS
from wedsync.web.shell import Shell

PACKAGE = Path(__file__).resolve().parent.parent
DIST = PACKAGE / "web" / "static" / "dist"
MANIFEST = DIST / "manifest.json"
STATIC_URL = "/static/dist/"


def page(name: str, /, shell: Shell | None = None, **context: Any) -> str:
    """Render a whole page or a `_fragment`; both take the same values."""
    return environment().get_template(name).render(shell=shell or Shell(), **context)


def block(name: str, part: str, /, shell: Shell | None = None, **context: Any) -> str:
    """Render one `{% block part %}` of a page, for answers that replace only that part."""
    template = environment().get_template(name)
    return "".join(template.blocks[part](template.new_context({"shell": shell or Shell(), **context})))


def asset(name: str) -> str:
    """The address of a built file by its plain name: `app.css` -> `/static/dist/app-3F2A….css`.

    Raises LookupError with the command to run where the frontend has not been built.
    """
    try:
        # Keyed by its time, so that a running server serves what was built meanwhile.
        return STATIC_URL + _manifest(MANIFEST.stat().st_mtime_ns)[name]
    except FileNotFoundError:
        raise LookupError(f"{MANIFEST} is missing: run `make setup`, which builds the frontend.") from None
    except KeyError:
        raise LookupError(f"No built file {name!r}: run `make setup`, which builds frontend/ into {DIST}.") from None


def icon(name: str, label: str = "") -> Markup:
    """An icon of the sprite; hidden from screen readers unless it stands alone and so needs a label."""
    return _icon(name, label, asset("icons.svg"))


@functools.lru_cache(maxsize=1024, typed=True)
def _icon(name: str, label: str, sprite: str) -> Markup:
    """Kept, for a list shows the same few on every row; a label that is Markup is another than its plain text."""
    role = Markup('role="img" aria-label="{}"').format(label) if label else Markup('aria-hidden="true"')
    return Markup('<svg class="icon" {}><use href="{}#{}"/></svg>').format(role, sprite, name)


def attributes(values: dict[str, Any]) -> Markup:
    """` data-x="1" hidden` from `{"data_x": 1, "hidden": True, "title": None}`, for macros that pass attributes on."""
    written = []
    for key, value in values.items():
        if value is None or value is False:
            continue
        name = escape(key.replace("_", "-"))
        written.append(name if value is True else Markup('{}="{}"').format(name, value))
    return Markup(" ") + Markup(" ").join(written) if written else Markup("")


@functools.cache
def environment() -> Environment:
    """The one environment; templates are compiled once per process."""
    env = Environment(
        loader=_loader(),
        autoescape=select_autoescape(default=True, disabled_extensions=("txt",)),
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        cache_size=-1,
    )
    env.filters.update(FILTERS)
    env.globals.update(asset=asset, icon=icon, attrs=attributes, modes_shown=SHOWN.get)
    return env


def _loader() -> BaseLoader:
    nouns = {folder.parent.name: FileSystemLoader(folder) for folder in sorted(PACKAGE.glob("*/templates"))}
    own = nouns.pop("web", FileSystemLoader(PACKAGE / "web" / "templates"))
    return ChoiceLoader([own, PrefixLoader(nouns)])


@functools.lru_cache(maxsize=1)
def _manifest(_written_ns: int) -> dict[str, str]:
    return msgspec.json.decode(MANIFEST.read_bytes(), type=dict[str, str])
