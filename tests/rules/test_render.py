"""Templates: escaping, missing values, fragments, assets, and the frame around every page."""

import os
from pathlib import Path
from uuid import UUID

import pytest
from jinja2 import TemplateNotFound, UndefinedError

from wedsync.web import render
from wedsync.web.shell import Person, Shell, Toast, couple_sections, supplier_sections


def test_names_people_typed_are_never_markup() -> None:
    page = render.page("people/sent.html", email="<script>alert(1)</script>", minutes=15)
    assert "<script>alert(1)" not in page
    assert "&lt;script&gt;alert(1)" in page


def test_a_value_a_template_needs_and_does_not_get_is_an_error() -> None:
    with pytest.raises(UndefinedError, match="minutes"):
        render.page("people/sent.html", email="ana@example.org")


def test_a_template_that_is_not_there_is_named() -> None:
    with pytest.raises(TemplateNotFound, match="guests/no_such"):
        render.page("guests/no_such.html")


def test_one_block_of_a_page_can_be_drawn_alone() -> None:
    assert render.block("people/sent.html", "title", email="", minutes=1) == "Check your mail"


def test_an_asset_that_was_not_built_says_what_to_run() -> None:
    with pytest.raises(LookupError, match="make setup"):
        render.asset("nothing.css")


def test_a_frontend_that_was_never_built_says_what_to_run(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(render, "MANIFEST", tmp_path / "manifest.json")
    with pytest.raises(LookupError, match="make setup"):
        render.asset("app.css")


def test_a_running_server_serves_what_was_built_meanwhile(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    manifest = tmp_path / "manifest.json"
    monkeypatch.setattr(render, "MANIFEST", manifest)
    for turn, file in enumerate(("app-1.css", "app-2.css")):
        manifest.write_text(f'{{"app.css": "{file}"}}')
        os.utime(manifest, ns=(turn, turn))
        assert render.asset("app.css") == f"/static/dist/{file}"


def test_attributes_leave_out_what_is_off() -> None:
    assert render.attributes({"data_save": "change", "hidden": True, "title": None, "disabled": False}) == (
        ' data-save="change" hidden'
    )
    assert render.attributes({}) == ""
    assert render.attributes({"title": '"><b>'}) == ' title="&#34;&gt;&lt;b&gt;"'


def test_the_frame_tells_whose_page_it_is() -> None:
    sections = couple_sections("/me/1", new=2)
    shell = Shell(
        face="couple",
        base="/me/1",
        here="guests",
        theme="dark",
        person=Person(name="Ana", email="ana@example.org"),
        sections=sections,
        toasts=[Toast(text="Saved", tone="good")],
    )
    page = render.page("errors/404.html", shell)
    assert 'data-face="couple" data-theme="dark"' in page
    assert 'aria-current="page"' in page
    assert "Saved" in page
    assert "data-live-topic" not in page


def test_a_phone_shows_four_sections_and_keeps_the_others_under_more() -> None:
    many = Shell(sections=couple_sections("/me/1"))
    assert [section.key for section in many.bar] == ["overview", "guests", "schedule", "suppliers"]
    assert [section.key for section in many.more] == ["tasks", "budget", "proposals", "activity", "settings"]
    few = Shell(sections=supplier_sections("/studio/1", waiting=3)[:5])
    assert len(few.bar) == 5
    assert few.more == ()


def test_a_desk_shows_eight_sections_and_keeps_the_others_under_more() -> None:
    owner = Shell(here="plan", sections=supplier_sections("/studio/1", role="owner", category="venue"))
    assert [section.key for section in owner.row][:3] == ["portfolio", "calendar", "weddings"]
    assert len(owner.row) == 8
    page = render.page("errors/404.html", owner)
    assert "sections__more--wide" in page
    assert "data-here" in page
    assert len(Shell(sections=couple_sections("/me/1")).row) == 9


def test_a_choice_holds_whether_its_key_came_from_a_form_or_a_row() -> None:
    controls = render.environment().get_template("components/controls.html").module
    key = UUID(int=7)
    assert " selected" in controls.select("who", "Who", [("", "Nobody"), (str(key), "Ben")], key)
    assert 'value="" selected' in controls.select("who", "Who", [("", "Nobody"), (str(key), "Ben")], None)
    assert "checked" in controls.choices("n", "How many", [(1, "One", ""), (2, "Two", "")], "2")
