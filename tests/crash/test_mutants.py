"""Guards taken out one at a time: a test that is named here must notice each, or it guards nothing.

The product is copied, one place of the copy is changed, and the named test is run on it.
"""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PARTS = ("wedsync", "db", "tests")
PATIENCE_S = 300
LEFT_OUT = shutil.ignore_patterns("__pycache__", "node_modules", "dist")

# Name: (file, [(what stands there, what the mutant says)], the test that notices).
MUTANTS: dict[str, tuple[str, list[tuple[str, str]], str]] = {
    "the fence of a lease": (
        "db/schema/77_ledger.sql",
        [(" and j.lease_token is not distinct from (w.t).lease and w.state not in", " and w.state not in")],
        "tests/contracts/test_jobs_claim.py::test_only_the_holder_of_a_lease_ends_a_job",
    ),
    "the unique key of the inbox": (
        "db/schema/62_inbox.sql",
        [
            ("unique (source_id, dedupe_key)", "unique (source_id, dedupe_key, id)"),
            ("on conflict (source_id, dedupe_key)", "on conflict (source_id, dedupe_key, id)"),
        ],
        "tests/contracts/test_hooks.py::test_the_couples_hook_changes_the_wedding_once",
    ),
    "the outbox": (
        "db/schema/72_record.sql",
        [("if v_owes then perform app.owe_facts(v_tenant, v_facts, v_told, v_base, v_at, v_live); end if;", "")],
        "tests/contracts/test_jobs_owed.py::test_facts_of_one_kind_reach_only_whoever_asked_for_it",
    ),
    "that only the destination's failures count": (
        "wedsync/events/breakers.py",
        [
            (
                "None if exchange.status == TOO_MANY else Result(is_failure=exchange.status >= 500, took_s=took_s)",
                "Result(is_failure=exchange.status >= 400, took_s=took_s)",
            )
        ],
        "tests/contracts/test_jobs_restraint.py::test_what_is_not_the_destinations_failure_opens_nothing",
    ),
    "the tenant of a replay": (
        "db/schema/77_ledger.sql",
        [
            (
                "d.id = any (p_deliveries) and d.tenant_id = coalesce(p_tenant, d.tenant_id)",
                "d.id = any (p_deliveries)",
            )
        ],
        "tests/contracts/test_jobs_payloads.py::test_a_replay_is_the_same_event_in_the_low_lane",
    ),
}


def noticed(folder: Path, test: str) -> subprocess.CompletedProcess[str]:
    """Run one test on a copy."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("PYTEST")}
    return subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-x", "-p", "no:cacheprovider", "-p", "no:xdist", test],
        cwd=folder,
        env={**kept, "PYTHONPATH": str(folder)},
        capture_output=True,
        text=True,
        timeout=PATIENCE_S,
        check=False,
    )


def copied(folder: Path) -> Path:
    for part in PARTS:
        shutil.copytree(ROOT / part, folder / part, ignore=LEFT_OUT)
    shutil.copy(ROOT / "pyproject.toml", folder)
    return folder


@pytest.mark.prove
@pytest.mark.timeout(2 * PATIENCE_S)
@pytest.mark.parametrize("name", MUTANTS)
def test_a_guard_that_is_gone_is_noticed(tmp_path: Path, name: str) -> None:
    path, changes, test = MUTANTS[name]
    folder = copied(tmp_path / "copy")
    assert noticed(folder, test).returncode == 0, f"{test} passes while the guard stands"
    text = (folder / path).read_text()
    for before, after in changes:
        assert text.count(before) == 1, f"{path} holds once: {before}"
        text = text.replace(before, after)
    (folder / path).write_text(text)
    said = noticed(folder, test)
    print(f"\nwithout {name}: {test.rpartition('::')[2]} {'fails' if said.returncode == 1 else 'SURVIVES'}")
    assert said.returncode == 1, said.stdout[-3000:]
    assert "failed" in said.stdout
