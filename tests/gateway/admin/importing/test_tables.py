"""A table is read as any program writes it, or refused with the line and the way out; never anything else."""

from __future__ import annotations

import io
import zipfile
from datetime import date
from typing import TYPE_CHECKING

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gateway.admin.importing.reading import (
    CELL_MAX,
    ROWS_MAX,
    UNPACKED_MAX,
    UnreadableError,
    escaped,
    read_table,
    text_of,
)
from gateway.admin.importing.rows import is_day_first, read_rows
from gateway.admin.importing.shapes import FIELDS, SHAPES, TOGGLES, columns_of, detect
from models.vocabulary import Feature, Kind
from tests.conftest import ROOT

if TYPE_CHECKING:
    from gateway.admin.importing.rows import Sheet

SAMPLES = ROOT / "docs" / "imports"
TODAY = date(2026, 6, 15)
TWO = "Client Name,Date of Birth\nJosé Núñez,2017-03-09\n"


def sheet_of(content: bytes, shape: str | None = None) -> Sheet:
    table = read_table(content)
    found = SHAPES[shape] if shape else detect(table.header)
    columns = columns_of(found, table.header)
    return read_rows(table, found, columns, day_first=is_day_first(table, columns), today=TODAY)


@pytest.mark.parametrize("shape", SHAPES)
def test_each_products_sample_is_told_by_its_header_and_read_without_a_fault(shape: str) -> None:
    content = (SAMPLES / f"{shape}.csv").read_bytes()
    found = detect(read_table(content).header)
    assert found is not None
    assert found.id == shape
    assert sheet_of(content).faults == []


@pytest.mark.parametrize(
    ("shape", "who", "kind", "on", "off"),
    [
        ("procentive", "Emeka Okafor", Kind.GUARDIAN, set(), {Feature.DOCUMENTS, Feature.PAYMENTS}),
        ("caresmartz360", "Joan Hayes", Kind.EMERGENCY_CONTACT, set(), set()),
        ("caresmartz360", "Walter Hayes", Kind.SELF, set(), set()),
        ("caresmartz360", "Birch House", Kind.COMMUNITY, set(), set()),
        (
            "mbpractice",
            "Jonas Weiss",
            Kind.GUARDIAN,
            {Feature.BASICS, Feature.CALENDAR},
            {Feature.MESSAGES, Feature.DOCUMENTS, Feature.INVOICES, Feature.PAYMENTS, Feature.FORMS},
        ),
        ("webaba", "Paul Chen", Kind.GUARDIAN, {Feature.SCHEDULING}, {Feature.MESSAGES, Feature.PAYMENTS}),
        (
            "my_clients_plus",
            "Grace Moreno",
            Kind.SELF,
            {Feature.PAYMENTS, Feature.INVOICES, Feature.FORMS},
            {Feature.SCHEDULING, Feature.MESSAGES},
        ),
        (
            "kinguard",
            "Luis Vega",
            Kind.CO_PARENT,
            {Feature.BASICS, Feature.CALENDAR},
            set(Feature) - {Feature.BASICS, Feature.CALENDAR},
        ),
    ],
)
def test_what_a_products_columns_mean(shape: str, who: str, kind: Kind, on: set[Feature], off: set[Feature]) -> None:
    sheet = sheet_of((SAMPLES / f"{shape}.csv").read_bytes())
    row = next(row for row in sheet.access if row.name == who)
    assert row.kind is kind
    assert {feature for feature, is_on in row.toggles.items() if is_on} == on
    assert {feature for feature, is_on in row.toggles.items() if not is_on} == off


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "cp1252"])
@pytest.mark.parametrize("separator", [",", ";", "\t"])
@pytest.mark.parametrize("ends", ["\n", "\r\n", "\r"])
def test_encodings_separators_and_line_ends(encoding: str, separator: str, ends: str) -> None:
    content = TWO.replace(",", separator).replace("\n", ends).encode(encoding)
    table = read_table(content)
    assert table.header == ("Client Name", "Date of Birth")
    assert [line.cells for line in table.lines] == [("José Núñez", "2017-03-09")]


def test_a_quoted_line_end_belongs_to_its_cell_and_lines_are_counted_as_in_the_file() -> None:
    table = read_table(b'Client Name,Note\nAnn,"first\nsecond, and last"\nBen,"say ""so"""\n')
    assert [(line.number, line.cells) for line in table.lines] == [
        (2, ("Ann", "first\nsecond, and last")),
        (4, ("Ben", 'say "so"')),
    ]


@pytest.mark.parametrize(
    ("content", "says"),
    [
        (b"", "empty"),
        (b" \r\n ", "empty"),
        (b"Client Name\n", "no rows"),
        (b"a,a\n1,2\n", "twice"),
        (b"a,b\n1,2,3\n", "Line 2 has more cells"),
        (b'a,b\n1,"open\n', "Line 2"),
        (b"a,b\n1,\x00\n", "Line 2 is no text"),
        (b"a,b\n1,\x81\n", "Line 2 has a character"),
        (b"a,b\n1," + b"x" * (CELL_MAX + 1), "Line 2 has a cell"),
        (b"a\n" + b"1\n" * (ROWS_MAX + 1), "10000 rows"),
        (b"a\n" + b"x" * 200_000 + b"\n", "Line 2"),
        (",".join(f"c{number}" for number in range(101)).encode() + b"\n1\n", "100 columns"),
        (b"PK\x03\x04 not a zip", "ZIP"),
    ],
)
def test_what_is_no_table_is_refused_with_its_line(content: bytes, says: str) -> None:
    with pytest.raises(UnreadableError, match=says):
        read_table(content)


def packed(**members: bytes) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as file:
        for name, content in members.items():
            file.writestr(name.replace("_", "."), content)
    return out.getvalue()


def test_a_workbook_and_a_bomb_are_refused_before_they_fill_the_memory() -> None:
    with pytest.raises(UnreadableError, match="no export"):
        read_table(packed(workbook_xml=b"<x/>"))
    bomb = packed(people_csv=b"a" * (UNPACKED_MAX + 1))
    assert len(bomb) < 100_000
    with pytest.raises(UnreadableError, match="too large"):
        read_table(bomb)


@pytest.mark.parametrize(
    ("column", "value", "place", "says"),
    [
        ("client_born", "13/13/2017", "client_born", "no such day"),
        ("client_born", "9 March", "client_born", "no date"),
        ("client_born", "03/09/17", "client_born", "no date"),
        ("client_born", "2030-01-01", "client_born", "Nobody"),
        ("client_born", "", "client_born", "missing"),
        ("client_name", "", "client_name", "missing"),
        ("kind", "aunt", "kind", "no kind"),
        ("kind", "", "kind", "missing"),
        ("contact_email", "", "contact_email", "missing"),
        ("contact_email", "ann at home", "contact_email", "no e-mail address"),
        ("access", "maybe", "access", "neither yes nor no"),
        ("toggle_forms", "2", "toggle_forms", "neither yes nor no"),
        ("status", "gone", "status", "not known"),
        ("proof", "yes", "proof", "not known"),
        ("from", "2026-02-30", "from", "no such day"),
        ("until", "2020-01-01", "until", "after the first day"),
        ("client_id", "a b", "client_id", "no id"),
    ],
)
def test_each_fault_names_line_column_and_way_out(column: str, value: str, place: str, says: str) -> None:
    good = {
        "client_id": "kit",
        "client_name": "Kit Marlow",
        "client_born": "2016-05-01",
        "contact_name": "Anna Marlow",
        "contact_email": "anna@example.org",
        "kind": "guardian",
        "access": "yes",
        "status": "pending",
        "from": "2026-01-01",
        "until": "",
        "proof": "none",
        "toggle_basics": "yes",
        "toggle_forms": "yes",
    }
    assert written({**good}).faults == []
    (fault,) = written({**good, column: value}).faults
    assert (fault.line, fault.column) == (2, place)
    assert says in fault.sentence


def written(row: dict[str, str]) -> Sheet:
    return sheet_of(f"{','.join(row)}\n{','.join(row.values())}\n".encode(), "kinguard")


def test_an_address_belongs_to_one_person_and_in_a_strict_table_to_one_client() -> None:
    head = "client_name,client_born,contact_name,contact_email,kind,toggle_basics\n"
    rows = "Kit M,2016-05-01,Ann,a@x.org,guardian,yes\nKit M,2016-05-01,Bob,A@X.org,guardian,yes\n"
    (fault,) = sheet_of((head + rows).encode()).faults
    assert (fault.line, fault.column) == (3, "contact_email")
    assert "Ann in line 2" in fault.sentence
    strict = "First Name,Last Name,Date of Birth,Email,Send Client Portal Invite\n"
    rows = "Ann,Lee,1980-01-01,a@x.org,Yes\nAnn,Lee,1981-01-01,a@x.org,Yes\n"
    (fault,) = sheet_of((strict + rows).encode()).faults
    assert (fault.line, fault.column) == (3, "Email")


def test_a_day_is_read_as_the_whole_column_has_it() -> None:
    head = "Client Name,Date of Birth\n"
    sheet = sheet_of(f"{head}Ann,03/04/2017\nBen,13/04/2017\n".encode(), "caresmartz360")
    assert [client.born for client in sheet.clients.values()] == [date(2017, 4, 3), date(2017, 4, 13)]
    sheet = sheet_of(f"{head}Ann,03/04/2017\n".encode(), "caresmartz360")
    assert [client.born for client in sheet.clients.values()] == [date(2017, 3, 4)]


@settings(max_examples=200, deadline=None)
@given(st.text(max_size=30))
def test_a_formula_stays_a_text_out_and_in(text: str) -> None:
    plain = " ".join(text.split())
    cell = escaped(plain)
    assert not cell or cell[0] not in "=+-@\t\r"
    assert text_of(cell) == plain


_CELLS = st.one_of(
    st.text(max_size=12), st.sampled_from(["yes", "2017-03-09", "guardian", "a@x.org", "=1+1", "31/02/2017"])
)
_ROWS = st.lists(st.lists(_CELLS, max_size=8), max_size=6)


@settings(max_examples=300, deadline=None)
@given(st.one_of(st.binary(max_size=400), _ROWS.map(lambda rows: "\n".join(",".join(row) for row in rows).encode())))
def test_any_bytes_are_a_clear_refusal_or_a_table(content: bytes) -> None:
    try:
        table = read_table(content)
    except UnreadableError:
        return
    columns = dict(zip([*FIELDS, *TOGGLES], [name for name in table.header if name], strict=False))
    sheet = read_rows(table, None, columns, day_first=False, today=TODAY)
    assert all(fault.sentence and fault.line >= 1 for fault in sheet.faults)
