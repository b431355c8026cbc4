"""Files of guest lists: every encoding, delimiter and mess is read; what is not a list is refused in plain words."""

import io
from pathlib import Path

import openpyxl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from wedsync.guests.importing import sheet as sheets
from wedsync.guests.importing.sheet import Sheet, read_sheet
from wedsync.kit.errors import Refusal

FIXTURES = Path(__file__).parents[1] / "fixtures" / "imports"


def fixture(name: str) -> Sheet:
    return read_sheet((FIXTURES / name).read_bytes(), name)


def refusal(data: bytes, name: str = "list.csv") -> Refusal:
    with pytest.raises(Refusal) as refused:
        read_sheet(data, name)
    assert refused.value.detail.endswith((".", "!"))
    return refused.value


def test_the_messy_list_is_read_around_its_title_and_its_total() -> None:
    sheet = fixture("messy_300.csv")
    assert sheet.encoding == "cp1252"
    assert sheet.title.startswith("Our wedding – guest list")
    assert sheet.headers[0] == "Guest(s)"
    assert len(sheet.rows) == 300
    assert sheet.numbers[0] == 4, "a title row and a blank row stand above the headers"
    assert any("Total: 300" in note for note in sheet.notes)
    assert any("René" in cell for row in sheet.rows for cell in row)


def test_a_workbook_gives_its_first_visible_sheet_with_dates_numbers_and_answers_as_text() -> None:
    sheet = fixture("guest_book.xlsx")
    assert (sheet.kind, sheet.name, sheet.title) == ("xlsx", "Guests", "Ana & Ben, 4 July 2027")
    assert sheet.rows[0] == [
        "Clementine",
        "Hargreaves",
        "Hargreaves",
        "clem@example.com",
        "447700900131",
        "34",
        "yes",
        "2027-03-04",
    ]
    assert sheet.rows[3][6:] == ["no", "2027-04-13 18:30"]
    assert sheet.numbers == [4, 5, 6, 7, 8]
    assert any("hidden" in note for note in sheet.notes)
    assert any("'Tables'" in note for note in sheet.notes)


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-16-be", "cp1252", "mac_roman"])
@pytest.mark.parametrize("delimiter", [",", ";", "\t", "|"])
def test_any_encoding_and_delimiter_gives_the_same_cells(encoding: str, delimiter: str) -> None:
    lines = [
        ["First Name", "Last Name", "Email"],
        ["René", "Müller", "r@example.com"],
        ["Zoé", "Françoise", "z@example.com"],
    ]
    text = "\r\n".join(delimiter.join(line) for line in lines)
    sheet = read_sheet(text.encode(encoding), "list.csv")
    assert sheet.rows == lines[1:]
    assert sheet.delimiter == delimiter


def test_the_person_may_say_the_encoding() -> None:
    data = "Name\nŁukasz\n".encode("cp1250")
    assert read_sheet(data, "x.csv", encoding="cp1250").rows == [["Łukasz"]]
    with pytest.raises(Refusal, match="not written in"):
        read_sheet(b"Name\n\xff\xfe\xfa\n", "x.csv", encoding="utf-8")


def test_curly_quotes_of_windows_are_not_taken_for_letters_of_a_mac() -> None:
    sheet = read_sheet("Name\nSeán O’Hara\nEve D’Arcy\nA – B\n".encode("cp1252"), "x.csv")
    assert [row[0] for row in sheet.rows] == ["Seán O’Hara", "Eve D’Arcy", "A – B"]


def test_excels_separator_line_and_commas_inside_names_do_not_confuse() -> None:
    sheet = read_sheet(b"sep=;\r\nName;Email\r\nSmith, John;j@example.com\r\nDoe, Jane;d@example.com\r\n", "x.csv")
    assert sheet.rows == [["Smith, John", "j@example.com"], ["Doe, Jane", "d@example.com"]]
    assert sheet.numbers == [3, 4]


def test_a_list_without_headers_keeps_its_first_guest() -> None:
    sheet = read_sheet(b"John Smith,j@example.com\nJane Doe,d@example.com\n", "x.csv")
    assert sheet.headers == ["Column 1", "Column 2"]
    assert len(sheet.rows) == 2
    assert read_sheet(b"Ana\nBen\nCarla\n", "x.csv").rows == [["Ana"], ["Ben"], ["Carla"]]


def test_headers_in_no_known_language_are_headers_when_data_stands_below() -> None:
    sheet = read_sheet("Имя,Почта\nАнна,a@example.com\nБорис,b@example.com\n".encode(), "x.csv")
    assert sheet.headers == ["Имя", "Почта"]


def test_repeated_and_missing_headers_get_names_of_their_own() -> None:
    sheet = read_sheet(b"First Name,Email,Email,\nAna,a@example.com,b@example.com,\n", "x.csv")
    assert sheet.headers == ["First Name", "Email", "Email (2)"]
    wide = read_sheet(b"First Name,,Email,Email\nAna,x,a@example.com,b@example.com\n", "x.csv")
    assert wide.headers == ["First Name", "Column 2", "Email", "Email (2)"]


def test_a_row_with_too_many_cells_is_a_fault_of_that_row_alone() -> None:
    body = "".join(f"Guest{n},Leeds,g{n}@example.com\n" for n in range(10))
    sheet = read_sheet(f"First Name,City,Email\nAna,Ely, Cambs,a@example.com\n{body}".encode(), "x.csv")
    assert [fault.row for fault in sheet.faults] == [2]
    assert len(sheet.rows) == 10


def test_many_rows_longer_than_the_headers_mean_headers_are_missing() -> None:
    sheet = read_sheet(b"First Name,Email\nAna,a@example.com,x\nBen,b@example.com,y\n", "x.csv")
    assert sheet.headers == ["First Name", "Email", "Column 3"]


def test_headers_printed_again_further_down_are_not_guests() -> None:
    sheet = read_sheet(b"First Name,Email\nAna,a@example.com\nFirst Name,Email\nBen,b@example.com\n", "x.csv")
    assert [row[0] for row in sheet.rows] == ["Ana", "Ben"]


def test_control_characters_and_direction_overrides_are_gone_and_joiners_stay() -> None:
    cells = [cell for row in fixture("strange_names.csv").rows for cell in row]
    assert not any(char in cell for cell in cells for char in "\x00\x07\x1b\u202e\u202c")
    assert "👩‍👩‍👧" in cells
    assert "Evil" in cells


@pytest.mark.parametrize(
    ("data", "code", "word"),
    [
        (b"", "import_empty", "empty"),
        (b"\xef\xbb\xbf\r\n\x00", "import_empty", "empty"),
        (b",,,\n,,\n", "import_empty", "nothing"),
        (b"First Name,Last Name\n", "import_empty", "no guests"),
        (b"%PDF-1.7 ...", "import_unreadable", "PDF"),
        (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + b"\0" * 600, "import_unreadable", "password"),
        (b"<html><table><tr><td>Ana</td></tr></table></html>", "import_unreadable", "web page"),
        (b"BEGIN:VCARD\nFN:Ana\nEND:VCARD\n", "import_unreadable", "address-book"),
        (b"\x89PNG\r\n\x1a\n", "import_unreadable", "picture"),
        (bytes(range(256)) * 40, "import_unreadable", "not a text"),
        (b"\xff\xfeN\x00a\x00m", "import_unreadable", "damaged"),
        (b'Name,Email\n"Ana,a@example.com\n' + b"x,y@example.com\n" * 100, "import_unreadable", "never closed"),
    ],
)
def test_what_is_no_list_is_refused_and_says_what_to_do(data: bytes, code: str, word: str) -> None:
    refused = refusal(data)
    assert (refused.status, refused.code) == (422, code)
    assert word in refused.detail


def test_limits_are_refused_before_they_hurt() -> None:
    assert refusal(b"x" * (sheets.BYTES_MAX + 1)).status == 413
    rows = b"First Name,Email\n" + b"Ana,a@example.com\n" * (sheets.ROWS_MAX + 1)
    assert refusal(rows).code == "import_too_many_rows"
    wide = ",".join(f"Column name {n}" for n in range(sheets.COLUMNS_MAX + 1))
    assert refusal(f"First Name,{wide}\n".encode() + b"Ana," + b"x," * 257 + b"\n").code == "import_too_wide"
    assert refusal(b"Name\n" + b"a" * 200_000 + b"\n").code == "import_unreadable"


@settings(deadline=None)
@given(st.binary(max_size=400))
def test_no_bytes_do_anything_but_read_or_be_refused(data: bytes) -> None:
    try:
        sheet = read_sheet(data, "x.csv")
    except Refusal as refused:
        assert refused.status in {413, 422}
    else:
        assert len(sheet.rows) == len(sheet.numbers)
        assert all(len(row) == len(sheet.headers) for row in sheet.rows)
        assert len(set(sheet.headers)) == len(sheet.headers)


CELL = st.text(st.characters(exclude_categories=("Cs", "Cc", "Zl", "Zp", "Zs", "Cf")), min_size=1, max_size=12)


@settings(deadline=None)
@given(st.lists(st.tuples(CELL, CELL), min_size=1, max_size=6))
def test_a_workbook_and_a_csv_of_the_same_cells_read_the_same(rows: list[tuple[str, str]]) -> None:
    book = openpyxl.Workbook()
    page = book.active
    assert page is not None
    page.append(["First Name", "Last Name"])
    for row in rows:
        page.append([None, None])
        for place, value in enumerate(row, start=1):
            cell = page.cell(page.max_row, place)
            cell.value, cell.data_type = value, "s"
    out = io.BytesIO()
    book.save(out)
    found = read_sheet(out.getvalue(), "x.xlsx")
    body = [list(row) for row in rows if list(row) != ["First Name", "Last Name"]]
    assert found.headers == ["First Name", "Last Name"]
    assert found.rows == body or any("not a guest" in note for note in found.notes)
