"""Lists of clients as CRMs export them: tried, brought in whole or not at all, told apart, and taken back."""

import asyncio
import re
import time
from datetime import timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
import pytest_asyncio

from tests.contracts.client_house import FILES, HEADER, Office, opened
from tests.contracts.town import Town
from wedsync.processes import client_import, remote
from wedsync.processes.failures import CannotRun

BUDGET_S = 0.5


@pytest_asyncio.fixture
async def office(town: Town) -> Office:
    return await opened(town)


def names(clients: list[dict[str, Any]]) -> set[str]:
    return {one["couple_names"] for one in clients}


@pytest.mark.parametrize(
    ("file", "source", "counts", "ana"),
    [
        ("tave_jobs.csv", "tave", (6, 3, 1, 2), ("booked", "Ana López & Ben Carter", "ben@example.org")),
        ("honeybook_payments.csv", "honeybook", (4, 2, 2, 0), ("booked", "Ana Lopez & Ben", "")),
        ("dubsado_clients.csv", "dubsado", (3, 3, 0, 0), ("enquiry", "Ana Lopez", "")),
        ("light_blue_shoots.csv", "light_blue", (2, 2, 0, 0), ("booked", "Ana Lopez", "")),
        ("plain_sheet.csv", "spreadsheet", (5, 4, 0, 1), ("booked", "Ana López & Ben Carter", "ben@example.org")),
        ("workbook.xlsx", "spreadsheet", (2, 2, 0, 0), ("booked", "Ana Lopez & Ben Carter", "")),
    ],
)
async def test_an_export_is_known_by_sight_and_comes_in_as_the_dry_run_said(
    office: Office, file: str, source: str, counts: tuple[int, ...], ana: tuple[str, str, str]
) -> None:
    if source == "dubsado":  # writes the month first
        await office.town.admin.execute(
            "update suppliers set time_zone = 'America/New_York' where id = $1", UUID(office.supplier)
        )
    data = (FILES / file).read_bytes()
    trial = await office.trial(data, file)
    assert (trial["source"], trial["rows"], trial["created"]) == (source, *counts[:2])
    assert await office.clients() == []
    done = await office.bring(data, file)
    told = tuple(done[name] for name in ("rows", "created", "skipped", "rejected"))
    assert told == counts == tuple(trial[name] for name in ("rows", "created", "skipped", "rejected"))
    [found] = [one for one in await office.clients(q="ana lopez") if one["wedding_on"] == "2027-06-05"]
    assert (found["stage"], found["couple_names"], found["partner_email"]) == ana
    assert found["email"].lower() == "ana.lopez@example.org"
    again = await office.bring(data, file)
    assert (again["created"], again["updated"], again["rejected"]) == (0, 0, counts[3])
    text = str(await office.clients())
    # Digits among those of an id or of a moment are no sum.
    sums = [re.search(rf"(?<![0-9a-f-]){word}(?![0-9a-f])", text) for word in ("4,200", "2100", "1,000", "4200")]
    assert not any(sums)


async def test_problems_name_their_cell_and_the_rows_come_back_as_a_file_to_mend(office: Office) -> None:
    done = await office.bring((FILES / "tave_jobs.csv").read_bytes(), "tave.csv")
    cells = [(e["row"], e["column"], e["value"]) for e in done["errors"]]
    assert cells == [(6, "Event Date", "…"), (7, "Client Email", "…")]
    path = f"{office.path}/imports/{done['id']}"
    assert (await office.owner.got("GET", path))["can_undo"] is True
    mended = await office.owner.ask("GET", f"{path}/rejected.csv")
    lines = mended.text.splitlines()
    assert len(lines) == 3
    assert lines[2].endswith('"Client Email: This is not an e-mail address. Write it like name@example.com."') or (
        "Client Email: This is not an e-mail address" in lines[2]
    )
    fixed = mended.text.replace("2027-02-30", "2027-02-27").replace("cid at example", "cid@example.org")
    assert (await office.bring(fixed))["created"] == 2
    kept = await office.town.admin.fetchval("select errors::text from client_imports where id = $1", UUID(done["id"]))
    assert "cid at" not in kept


async def test_columns_dates_and_stages_are_corrected_by_whoever_knows(office: Office) -> None:
    data = "Who;When;Where;Money\nAna Li & Bo;03/04/2027;Barn;4000\n"
    trial = await office.trial(data)
    guessed = {c["header"]: (c["target"], c["confidence"] < 0.8) for c in trial["columns"]}
    assert guessed["Who"] == ("couple", True)
    choices = '{"columns": {"Where": "venue", "When": "wedding_on"}, "dates": "month_first", "stage": "completed"}'
    await office.bring(data, choices=choices)
    [found] = await office.clients()
    assert (found["wedding_on"], found["venue"], found["stage"], found["partner_name"]) == (
        "2027-03-04",
        "Barn",
        "completed",
        "Bo",
    )


async def test_a_later_list_completes_and_changes_and_never_erases(office: Office) -> None:
    ana = await office.add(name="Ana Lopez", email="ana@example.org", venue="Barn", note="Likes lilies", stage="held")
    await office.add(name="Ida Berg", wedding_on="2027-08-21")
    data = HEADER + "Ana López,Ben Carter,ANA@example.org,2027-06-05,Glasshouse,Booked\nida berg,,,2027-08-21,,\n"
    kept = await office.trial(data, choices='{"differing": "ours"}')
    assert [d["changes"] for d in kept["differences"]] == [
        [
            {"field": "partner_name", "ours": "", "theirs": "Ben Carter"},
            {"field": "wedding_on", "ours": "", "theirs": "2027-06-05"},
        ]
    ]
    done = await office.bring(data)
    assert (done["created"], done["updated"], done["skipped"]) == (0, 1, 1)
    now = await office.owner.got("GET", f"{office.path}/{ana['id']}")
    assert (now["venue"], now["stage"], now["note"], now["wedding_on"], now["name"]) == (
        "Glasshouse",
        "booked",
        "Likes lilies",
        "2027-06-05",
        "Ana Lopez",
    )
    back = await office.undo(done["id"])
    assert (back["removed"], back["restored"], back["kept"]) == (0, 1, [])
    then = await office.owner.got("GET", f"{office.path}/{ana['id']}")
    assert (then["venue"], then["stage"], then["wedding_on"], then["partner_name"]) == ("Barn", "held", None, "")
    await office.undo(done["id"], code=409)


async def test_who_may_be_the_same_stays_out_until_somebody_says(office: Office) -> None:
    await office.add(name="Ana Lopez", partner_name="Ben Carter")
    planner = "jo@plan.example.org"
    data = HEADER + f"Ana Lopez,Ben Carter,,2027-06-05,,\nCleo Reed,,{planner},,,\nDan Ek,,{planner},,,\n"
    trial = await office.trial(data)
    assert [(q["row"], q["couple_names"]) for q in trial["questions"]] == [(2, "Ana Lopez & Ben Carter")]
    assert "same e-mail" in trial["warnings"][0]["reason"]
    assert (await office.bring(data, choices='{"rows": {"3": "skip"}}'))["created"] == 1
    assert (await office.bring(data, choices='{"rows": {"2": "new"}}'))["created"] == 2
    assert len(await office.clients()) == 4


async def test_an_undo_leaves_what_was_changed_since_and_is_over_after_thirty_days(office: Office) -> None:
    done = await office.bring(HEADER + "".join(f"Person {n},,p{n}@example.org,,,\n" for n in range(4)))
    one = (await office.clients(q="person 2"))[0]
    await office.owner.got("PATCH", f"{office.path}/{one['id']}", {"stage": "completed"})
    back = await office.undo(done["id"])
    assert (back["removed"], [k["couple_names"] for k in back["kept"]]) == (3, ["Person 2"])
    assert names(await office.clients()) == {"Person 2"}
    old = await office.bring(HEADER + "Late One,,late@example.org,,,\n")
    await office.town.admin.execute(
        "update client_imports set finished_at = finished_at - $2::interval where id = $1",
        UUID(old["id"]),
        timedelta(days=31),
    )
    assert (await office.undo(old["id"], code=409))["code"] == "import_not_undoable"
    await office.town.admin.execute("select app.forget_uploads(90)")
    await office.town.admin.execute(
        "update client_imports set finished_at = finished_at - interval '90 days' where id = $1", UUID(old["id"])
    )
    await office.town.admin.execute("select app.forget_uploads(90)")
    row = await office.town.admin.fetchrow("select plan, undo from client_imports where id = $1", UUID(old["id"]))
    assert tuple(row) == (None, None)
    await office.owner.got("GET", f"{office.path}/imports/{old['id']}/rejected.csv", code=410)


async def test_of_two_imports_at_once_each_couple_comes_in_once(office: Office) -> None:
    rows = [f"Person {n},,p{n}@example.org,2027-07-{n % 28 + 1:02},,\n" for n in range(60)]
    first, second = HEADER + "".join(rows[:45]), HEADER + "".join(rows[15:])
    ana = office.add(name="Person 20", email="p20@example.org")
    done = await asyncio.gather(office.send(first), office.send(second), ana, return_exceptions=True)
    assert [done[0].status_code, done[1].status_code] == [201, 201]  # type: ignore[union-attr]
    found = await office.clients()
    assert len(found) == len({one["email"] for one in found}) == 60


async def test_two_hundred_clients_come_in_within_half_a_second_and_their_facts_are_bulk(office: Office) -> None:
    days = [f"2027-07-{n % 28 + 1:02}" for n in range(200)]
    rows = [f"Ana{n} Lopez,Ben{n} Li,p{n}@example.org,{on},Barn {n},Booked\n" for n, on in enumerate(days)]
    took = []
    for _ in range(3):
        started = time.perf_counter()
        done = await office.bring(HEADER + "".join(rows))
        took.append(time.perf_counter() - started)
        assert done["created"] == 200
        await office.undo(done["id"])
    assert min(took) < BUDGET_S, took
    told = await office.town.events(office.supplier, kind="supplier")
    assert {e.bulk for e in told if e.type == "client.added"} == {True}
    assert [e.bulk for e in told if e.type == "client.imported"] == [False] * 3


@pytest.mark.parametrize(
    ("data", "status", "code"),
    [
        (b"", 422, "import_empty"),
        (b"Name\n", 422, "import_empty"),
        (b"%PDF-1.7 a brochure", 422, "import_unreadable"),
        (b"A,B\n1,2\n", 422, "mapping_without_names"),
        (b"PK\x03\x04 not really", 422, "import_unreadable"),
        (b"Name\n" + b"Ana Li\n" * 20_001, 413, "import_too_many_rows"),
        (b"Name\n" + b"x" * (21 * 1024 * 1024), 413, "too_large"),
    ],
)
async def test_a_file_that_cannot_be_read_is_refused_in_words_and_nothing_is_kept(
    office: Office, data: bytes, status: int, code: str
) -> None:
    for dry in ("true", "false"):
        answer = await office.send(data, dry_run=dry)
        assert (answer.status_code, answer.json()["code"]) == (status, code)
        assert "guest" not in answer.json()["detail"]
    kept = "select count(*) from client_imports where supplier_id = $1"
    assert await office.town.admin.fetchval(kept, UUID(office.supplier)) == 0


@pytest.mark.parametrize(
    ("choices", "field"),
    [
        ("{", "choices"),
        ('{"columns": {"Nome": "name"}}', "Nome"),
        ('{"columns": {"Name": "shoe_size"}}', "Name"),
        ('{"rows": {"2": "marry"}}', "choices"),
        ('{"stage": "married"}', "choices"),
    ],
)
async def test_a_choice_that_makes_no_sense_names_itself(office: Office, choices: str, field: str) -> None:
    answer = await office.send("Name\nAna Li\n", choices=choices)
    assert answer.status_code == 422
    assert [error["field"] for error in answer.json()["errors"]] == [field]


class Inside(remote.Api):
    """The command line's way to WedSync, without a network; `is_away` says that it does not answer."""

    def __init__(self, office: Office) -> None:
        self.office = office
        self.is_away = False
        self.asked = 0

    async def send(
        self, method: str, path: str, content: bytes, *, content_type: str = "application/json"
    ) -> dict[str, Any]:
        self.asked += 1
        if self.is_away:
            raise remote.Away("It does not answer.")
        headers = {"content-type": content_type, "accept": "application/json"}
        answer = await self.office.owner._http.request(method, path, content=content, headers=headers)
        if answer.status_code >= 400:
            raise remote.Refused(answer.status_code, answer.json())
        return dict(answer.json())


async def test_a_watched_folder_brings_in_each_list_once_when_nobody_writes_it_any_more(
    office: Office, tmp_path: Path
) -> None:
    api, business = Inside(office), UUID(office.supplier)
    watch = client_import.opened(tmp_path, business)
    shoots = (FILES / "light_blue_shoots.csv").read_bytes()
    (tmp_path / "shoots.csv").write_bytes(shoots[:60])
    for odd in ("notes.pdf", "~$shoots.xlsx", ".hidden.csv", "shoots.csv.part"):
        (tmp_path / odd).write_bytes(shoots)
    assert await client_import.look(api, watch) == []
    (tmp_path / "shoots.csv").write_bytes(shoots)
    assert await client_import.look(api, watch) == []
    api.is_away = True
    assert "Trying again" in (await client_import.look(api, watch))[0]
    api.is_away = False
    assert await client_import.look(api, watch) == []
    assert await client_import.look(api, watch) == ["shoots.csv: 2 rows: 2 new, 0 changed, 0 as they are, 0 not read."]
    # The same list under another name, and after a new start, is known; one that is refused is left alone.
    (tmp_path / "again.csv").write_bytes(shoots)
    (tmp_path / "empty.csv").write_bytes(b"\n\n")
    watch, before = client_import.opened(tmp_path, business), api.asked
    told = [line for _ in range(3) for line in await client_import.look(api, watch)]
    assert len(told) == 1 and told[0].startswith("empty.csv: WedSync answered 422")
    assert api.asked == before + 1
    (tmp_path / "shoots.csv").write_bytes(shoots.replace(b"25/09/2027", b"26/09/2027"))
    told = [line for _ in range(2) for line in await client_import.look(api, watch)]
    assert told == ["shoots.csv: 2 rows: 0 new, 1 changed, 1 as they are, 0 not read."]
    # One that is too large is told once; what has come to its end is not read again.
    with (tmp_path / "huge.csv").open("wb") as huge:
        huge.truncate(client_import.BYTES_MAX + 1)
    told = [line for _ in range(4) for line in await client_import.look(api, watch)]
    assert told == ["huge.csv: it is larger than 20 MiB, and left alone until it changes."]
    assert set(watch.ended) == {"shoots.csv", "again.csv", "empty.csv", "huge.csv"}
    (tmp_path / client_import.KEPT_IN).unlink()
    (tmp_path / client_import.KEPT_IN).mkdir()
    (tmp_path / "more.csv").write_bytes(shoots.replace(b"25/09/2027", b"27/09/2027"))
    with pytest.raises(CannotRun, match="cannot be written"):
        for _ in range(2):
            await client_import.look(api, watch)
    (tmp_path / client_import.KEPT_IN).rmdir()
    with pytest.raises(CannotRun, match="no folder"):
        client_import.opened(tmp_path / "nowhere", business)
    foreign = client_import.opened(tmp_path, UUID(int=9))
    foreign.taken.clear()
    with pytest.raises(remote.Refused):
        for _ in range(2):
            await client_import.look(api, foreign)
