"""Each row of what stands in for what names tests that exist, and every connector that has a stand-in has a row."""

import ast
from pathlib import Path

from wedsync.connections import manifest as manifests
from wedsync.kit.config import load
from wedsync.operations.health import fallbacks

ROOT = Path(__file__).parents[2]
ROWS = fallbacks.table(load({"WEDSYNC_ENV": "test"}), manifests.find())


def test_every_row_names_tests_that_exist() -> None:
    named = {test for row in ROWS for test in row.drills}
    assert all(row.drills for row in ROWS)
    for test in named:
        path, _, name = test.partition("::")
        tree = ast.parse((ROOT / path).read_text())
        known = {one.name for one in tree.body if isinstance(one, ast.FunctionDef | ast.AsyncFunctionDef)}
        assert name in known, test


def test_every_manifest_that_has_a_stand_in_has_a_row() -> None:
    words = {row.what for row in ROWS} | {step for row in ROWS for step in row.steps}
    for one in manifests.find().values():
        if one.mails or one.chats or one.phones or (one.hooks and (one.calendars or one.records)):
            assert any(one.title in word for word in words), one.name


def test_the_ladders_are_in_the_order_they_are_climbed() -> None:
    by_name = {row.what: row.steps for row in ROWS}
    assert by_name["E-mail"] == ("Resend", "SendGrid", "Mail (smtp)", "in the app")
    assert by_name["Chat"][:2] == ("Slack", "Microsoft Teams")
    [texts] = [steps for what, steps in by_name.items() if "Twilio" in what]
    assert texts == ("text", "call", "e-mail", "in the app")
