"""Spreadsheets made to hurt: each is refused before the parser sees it, and honest files of odd shape are not."""

import io
import zipfile
from collections.abc import Callable, Mapping
from typing import Any

import openpyxl
import pytest
from openpyxl.styles import Font

from wedsync.guests.importing import workbook
from wedsync.guests.importing.sheet import read_sheet
from wedsync.kit.errors import Refusal

SHEET = "xl/worksheets/sheet1.xml"
STRINGS = "xl/sharedStrings.xml"


def book(change: Callable[[Any], object] = lambda page: None) -> bytes:
    """A small honest list, changed as the test wants."""
    made = openpyxl.Workbook()
    page = made.active
    page.append(["First Name", "Email"])
    page.append(["Ana", "ana@example.com"])
    change(page)
    out = io.BytesIO()
    made.save(out)
    return out.getvalue()


def repacked(
    data: bytes, changes: Mapping[str, Callable[[bytes], bytes]], extra: Mapping[str, bytes] | None = None
) -> bytes:
    """The same archive with some parts rewritten and some added."""
    out = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(data)) as old, zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as new:
        for name in old.namelist():
            new.writestr(name, changes.get(name, lambda body: body)(old.read(name)))
        for name, body in (extra or {}).items():
            new.writestr(name, body)
    return out.getvalue()


def refused(data: bytes) -> Refusal:
    with pytest.raises(Refusal) as caught:
        read_sheet(data, "list.xlsx")
    assert caught.value.status in {413, 422}
    assert caught.value.detail.endswith(".")
    return caught.value


def test_a_part_that_inflates_a_thousandfold_is_refused() -> None:
    data = repacked(book(), {SHEET: lambda body: body.replace(b"</sheetData>", b" " * 60_000_000 + b"</sheetData>")})
    assert len(data) < 100_000
    assert refused(data).code == "import_too_large"


def test_many_moderate_parts_together_are_refused() -> None:
    part = bytes(range(256)) * 40_000
    assert refused(repacked(book(), {}, {f"xl/worksheets/x{n}.xml": part for n in range(7)})).code == "import_too_large"


def test_declared_sizes_of_pictures_count_too(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(workbook, "DECLARED_BYTES_MAX", 1024 * 1024)
    assert refused(repacked(book(), {}, {"xl/media/1.png": bytes(1024 * 1024)})).code == "import_too_large"


def test_thousands_of_members_are_refused() -> None:
    assert (
        refused(repacked(book(), {}, {f"x/{n}": b"" for n in range(workbook.MEMBERS_MAX)})).code == "import_too_large"
    )


def test_a_part_that_lies_about_its_size_is_refused() -> None:
    data = bytearray(repacked(book(), {SHEET: lambda body: body + b" " * 100_000}))
    with zipfile.ZipFile(io.BytesIO(bytes(data))) as archive:
        member = archive.getinfo(SHEET)
    for size_at in (data.find(b"PK\x01\x02", data.rfind(SHEET.encode()) - 60) + 24, member.header_offset + 22):
        data[size_at : size_at + 4] = (200).to_bytes(4, "little")
    assert refused(bytes(data)).code == "import_unreadable"


@pytest.mark.parametrize(
    "cell",
    [
        b'<row r="1048576"><c r="XFD1048576" t="inlineStr"><is><t>x</t></is></c></row>',
        b"<row r='1048576'><c r = 'XFD1048576'><v>1</v></c></row>",
        b'<x:row r="1048576"><x:c r="XFD1048576"><x:v>1</x:v></x:c></x:row>',
        b'<row r="1048576"><c><v>1</v></c></row>',
        b'<row r="1048576" a="/>"><c><v>1</v></c></row>',
        b'<row r="3">' + b"<c><v>1</v></c>" * 5_000 + b"</row>",
        b"<row><c><v>1</v></c></row>" * 30_000,
        b'<!--<c "--><row r="1048576"><c r="XFD1048576"><v>1</v></c></row><!--" />-->',
    ],
    ids=["far", "oddly-written", "prefixed", "by-row", "quoted", "wide-without-references", "rows", "in-a-comment"],
)
def test_a_cell_that_spans_the_world_is_refused_because_the_parser_would_abort_the_process(cell: bytes) -> None:
    data = repacked(book(), {SHEET: lambda body: body.replace(b"</sheetData>", cell + b"</sheetData>")})
    assert refused(data).code == "import_too_large"


def test_empty_formatted_cells_far_away_are_forgiven() -> None:
    data = book(lambda page: setattr(page.cell(1_048_576, 16_384), "font", Font(bold=True)))
    assert read_sheet(data, "list.xlsx").rows == [["Ana", "ana@example.com"]]
    libre = {SHEET: lambda body: body.replace(b"</sheetData>", b'<row r="1048576" ht="12.8"></row></sheetData>')}
    assert len(read_sheet(repacked(book(), libre), "list.xlsx").rows) == 1


def with_shared_strings(strings: bytes) -> bytes:
    """The list as Excel writes it: its texts in a part of their own, used by number."""
    kind = b"application/vnd.openxmlformats-officedocument.spreadsheetml.sharedStrings+xml"
    relation = b"http://schemas.openxmlformats.org/officeDocument/2006/relationships/sharedStrings"
    cells = b'<row r="3"><c r="A3" t="s"><v>0</v></c><c r="B3" t="s"><v>1</v></c></row></sheetData>'
    changes = {
        SHEET: lambda body: body.replace(b"</sheetData>", cells),
        "[Content_Types].xml": lambda body: body.replace(
            b"</Types>", b'<Override PartName="/xl/sharedStrings.xml" ContentType="' + kind + b'"/></Types>'
        ),
        "xl/_rels/workbook.xml.rels": lambda body: body.replace(
            b"</Relationships>",
            b'<Relationship Id="rId99" Type="' + relation + b'" Target="sharedStrings.xml"/></Relationships>',
        ),
    }
    space = b'<sst xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main">'
    return repacked(book(), changes, {STRINGS: space + strings + b"</sst>"})


def test_texts_kept_apart_from_the_cells_are_read() -> None:
    strings = b"<si><t>Zo\xc3\xab</t></si><si><r><t>zoe</t></r><r><t>@example.com</t></r></si>"
    assert read_sheet(with_shared_strings(strings), "list.xlsx").rows[1] == ["Zoë", "zoe@example.com"]


def test_one_endless_text_used_by_every_cell_is_refused() -> None:
    long = b"<si><t>" + b"A" * (workbook.STRING_BYTES_MAX + 1) + b"</t></si>"
    assert refused(with_shared_strings(long)).code == "import_too_large"


@pytest.mark.parametrize("trick", [b"<si><t>AAA<!--<si-->AAA</t></si>", b"<si><t>AAA</t><si><t>AAA</t></si>"])
def test_texts_that_hide_their_length_are_refused(trick: bytes) -> None:
    assert refused(with_shared_strings(trick)).code == "import_unreadable"


@pytest.mark.parametrize(
    "change",
    [
        lambda body: b'<!DOCTYPE x [<!ENTITY a "aaaa">]>' + body,
        lambda body: b"\xff\xfe" + body.decode().encode("utf-16-le"),
        lambda body: body.replace(b"<sheetData>", b"<sheetData>\x00"),
        lambda body: body[: len(body) // 2],
    ],
    ids=["entities", "utf-16", "zero", "cut-off"],
)
def test_parts_no_list_has_are_refused(change: Callable[[bytes], bytes]) -> None:
    assert refused(repacked(book(), {SHEET: change})).code == "import_unreadable"


def test_archives_that_are_no_workbook_are_refused() -> None:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        archive.writestr("word/document.xml", "<w/>")
    assert "not an Excel one" in refused(out.getvalue()).detail
    assert refused(b"PK\x03\x04" + b"\x00" * 40).code == "import_unreadable"
    assert refused(book()[:-60]).code == "import_unreadable"
    empty = openpyxl.Workbook()
    page = io.BytesIO()
    empty.save(page)
    assert refused(page.getvalue()).code == "import_empty"


def test_a_part_given_twice_is_refused() -> None:
    out = io.BytesIO(book())
    with pytest.warns(UserWarning, match="Duplicate"), zipfile.ZipFile(out, "a") as archive:
        archive.writestr(SHEET, b"<worksheet/>")
    assert "twice" in refused(out.getvalue()).detail
