"""A file of rows as any program writes it: encodings, separators and quoted line ends, within limits."""

from __future__ import annotations

import codecs
import csv
import io
import re
import zipfile
from dataclasses import dataclass

from gateway.web.language import N_, _

ROWS_MAX = 10_000
COLUMNS_MAX = 100
CELL_MAX = 2_000  # characters
UNPACKED_MAX = 24 * 1024 * 1024  # bytes of one member of an export
PEOPLE, ACCESS = "people.csv", "access.json"  # of Kinguard's own export
_SEPARATORS = {",": N_("commas"), ";": N_("semicolons"), "\t": N_("tabs")}
_CONTROLS = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f]")
_HINT = re.compile(r"sep=(.)\r?\n")  # how Excel says its separator
_FORMULA = re.compile(r"'+[=+\-@\t\r]")
_CALCULATED = re.compile(r"'*[=+\-@\t\r]")


class UnreadableError(Exception):
    """The file cannot be read as rows; the message says where and what to do, in the reader's language."""


@dataclass(frozen=True, slots=True)
class Line:
    """A row: the number of the line on which it begins, and its cells."""

    number: int
    cells: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Table:
    """The rows of a file. `encoding` and `separator` are what was found; `access` is the JSON of an export."""

    encoding: str
    separator: str
    header: tuple[str, ...]
    lines: tuple[Line, ...]
    access: bytes = b""


def read_table(content: bytes) -> Table:
    """The rows of a CSV file, or of an export of Kinguard; UnreadableError for anything else."""
    if not content.strip():
        raise UnreadableError(_("This file is empty. Please choose another one."))
    if content.startswith(b"PK"):
        return _read_export(content)
    return _read_csv(content)


def text_of(cell: str) -> str:
    """What a cell says: on one line, and without the mark that keeps a program from calculating it."""
    plain = " ".join(cell.split())
    return plain[1:] if _FORMULA.match(plain) else plain


def _read_export(content: bytes) -> Table:
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as packed:
            names = set(packed.namelist())
            if PEOPLE not in names:
                raise UnreadableError(
                    _(
                        "This is no export of Kinguard: it has no %(name)s. Save a spreadsheet as CSV first.",
                        name=PEOPLE,
                    )
                )
            people = _unpack(packed, PEOPLE)
            access = _unpack(packed, ACCESS) if ACCESS in names else b""
    except (zipfile.BadZipFile, zipfile.LargeZipFile, NotImplementedError, RuntimeError, OSError, EOFError) as error:
        raise UnreadableError(_("This ZIP file cannot be read. Please save it again.")) from error
    table = _read_csv(people)
    return Table(table.encoding, table.separator, table.header, table.lines, access)


def _unpack(packed: zipfile.ZipFile, name: str) -> bytes:
    """No more than a limit is ever unpacked, whatever the file says of itself."""
    try:
        with packed.open(name) as member:
            found = member.read(UNPACKED_MAX + 1)
    except Exception as error:  # zlib, lzma and bz2 have errors of their own.
        raise UnreadableError(_("This ZIP file cannot be read. Please save it again.")) from error
    if len(found) > UNPACKED_MAX:
        raise UnreadableError(_("%(name)s in this file is too large. Please import it in parts.", name=name))
    return found


def _read_csv(content: bytes) -> Table:
    encoding, text = _decode(content)
    if (control := _CONTROLS.search(text)) is not None:
        line = len(text[: control.start()].split("\n"))
        raise UnreadableError(_("Line %(line)s is no text. Save the table as CSV, then choose that file.", line=line))
    skipped = 0
    if (hint := _HINT.match(text)) is not None:
        separator, text, skipped = hint[1], text[hint.end() :], 1
        if separator not in _SEPARATORS:
            raise UnreadableError(_("Columns have to be separated by commas, semicolons or tabs."))
    else:
        separator = _separator(text)
    header, lines = _rows(text, separator, skipped)
    return Table(encoding, _SEPARATORS[separator], header, lines)


def _decode(content: bytes) -> tuple[str, str]:
    """UTF-8 and UTF-16 tell themselves apart; what is neither is taken for what Windows programs write."""
    for mark, name in (
        (codecs.BOM_UTF8, "utf-8-sig"),
        (codecs.BOM_UTF16_LE, "utf-16"),
        (codecs.BOM_UTF16_BE, "utf-16"),
    ):
        if content.startswith(mark):
            try:
                return name.removesuffix("-sig").upper(), content.decode(name)
            except UnicodeDecodeError as error:
                raise UnreadableError(
                    _("This file is damaged: it begins as %(name)s and is not.", name=name)
                ) from error
    try:
        return "UTF-8", content.decode("utf-8")
    except UnicodeDecodeError:
        pass
    try:
        return "Windows-1252", content.decode("cp1252")
    except UnicodeDecodeError as error:
        line = len(content[: error.start].split(b"\n"))
        raise UnreadableError(
            _("Line %(line)s has a character that cannot be read. Save the table as CSV UTF-8.", line=line)
        ) from error


def _separator(text: str) -> str:
    """The one that cuts the first row into most columns; the comma where none does."""

    def columns(separator: str) -> int:
        try:
            return len(next(csv.reader(io.StringIO(text, newline=""), delimiter=separator), []))
        except csv.Error:
            return 0

    return max(_SEPARATORS, key=columns)


def _rows(text: str, separator: str, skipped: int) -> tuple[tuple[str, ...], tuple[Line, ...]]:
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=separator, strict=True)
    header: tuple[str, ...] = ()
    lines: list[Line] = []
    begins = 1 + skipped
    try:
        for cells in reader:
            number, begins = begins, reader.line_num + skipped + 1
            if not any(cell.strip() for cell in cells):
                continue
            if not header:
                header = _header(cells)
                continue
            if len(lines) == ROWS_MAX:
                words = _("This file has more than %(count)s rows. Please import it in parts.", count=ROWS_MAX)
                raise UnreadableError(words)
            lines.append(_line(number, cells, header))
    except csv.Error as error:
        words = _("Line %(line)s: a quotation mark is opened and not closed, or a cell is far too long.", line=begins)
        raise UnreadableError(words) from error
    if not header or not lines:
        raise UnreadableError(_("This file has no rows below its column names."))
    return header, tuple(lines)


def _header(cells: list[str]) -> tuple[str, ...]:
    names = [" ".join(cell.split()) for cell in cells]
    while names and not names[-1]:
        names.pop()
    if len(names) > COLUMNS_MAX:
        raise UnreadableError(_("This file has more than %(count)s columns.", count=COLUMNS_MAX))
    if any(len(name) > CELL_MAX for name in names):
        raise UnreadableError(_("The first line has to hold the names of the columns."))
    known: set[str] = set()
    for name in names:
        if name and name.casefold() in known:
            raise UnreadableError(_("The column “%(name)s” is there twice. Rename or remove one.", name=name[:60]))
        known.add(name.casefold())
    return tuple(names)


def _line(number: int, cells: list[str], header: tuple[str, ...]) -> Line:
    if any(cell.strip() for cell in cells[len(header) :]):
        raise UnreadableError(
            _("Line %(line)s has more cells than there are column names. Put quotation marks around it.", line=number)
        )
    if any(len(cell) > CELL_MAX for cell in cells):
        words = _("Line %(line)s has a cell of more than %(count)s characters.", line=number, count=CELL_MAX)
        raise UnreadableError(words)
    filled = [*cells, *[""] * (len(header) - len(cells))]
    return Line(number, tuple(filled[: len(header)]))


def escaped(text: str) -> str:
    """The text for a cell that a spreadsheet shows and never calculates; `text_of` takes the mark off again."""
    return f"'{text}" if _CALCULATED.match(text) else text
