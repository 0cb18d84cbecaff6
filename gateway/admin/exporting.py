"""Taking a whole practice out: one ZIP of CSV and JSON that says of itself what it holds, and can be imported again."""

from __future__ import annotations

import csv
import io
import re
import secrets
import zipfile
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo

import orjson
from sqlmodel import col, select
from starlette.responses import StreamingResponse

from gateway.admin.importing.reading import ACCESS, PEOPLE, escaped
from gateway.admin.importing.shapes import FIELDS, TOGGLES
from gateway.edge.errors import NotFound
from gateway.edge.guard import Guard, Route
from gateway.edge.questions import may, visible
from gateway.records.files import load_file
from gateway.web.language import _
from models.tables.getting_in import Contact
from models.tables.imports import ExportDone
from models.tables.records import Client, Document
from models.vocabulary import Feature

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterable, Mapping, Sequence

    from sqlmodel import Session
    from starlette.requests import Request
    from starlette.responses import Response

PAGE = 500  # documents read at once
_PARTS = ("staff", "clients", "grants", "withheld", "blocks", "assigned")
_UNSAFE = re.compile(r"[^A-Za-z0-9._-]+")
Row = list[str]


async def export(request: Request) -> Response:
    """The practice as a ZIP file, written while it is sent; the service decides and records it before that."""
    app, reader = request.app.state, request.state.reader
    (allowed,) = await may(request, [("export", "records", {})])
    if not allowed:
        raise NotFound
    with_files = (await request.form()).get("files") == "on"
    access = await _read_access(app.authz, reader.practice_id, reader.actor)
    clients, contacts = await app.records.read(
        reader.practice_id, lambda session: _read_people(session, reader.practice_id, access)
    )
    papers = await _read_papers(request)
    downloadable = await _read_papers(request, action="download") if with_files else []
    done = ExportDone(
        id=secrets.token_hex(16),
        practice_id=reader.practice_id,
        done_by=reader.id,
        done_at=app.clock(),
        with_files=with_files,
    )
    await app.records.change(reader.practice_id, lambda session: session.add(done))
    members = {
        "README.txt": _readme().encode(),
        PEOPLE: _people(access, clients, contacts),
        "switches.csv": _switches(access),
        "withheld.csv": _table(("account_id", "client_id", "type", "id"), access["withheld"]),
        "blocks.csv": _table(("account_id", "client_id", "reason"), access["blocks"]),
        "staff.csv": _table(("id", "roles", "state", "subscribed", "may_invite", "available"), access["staff"]),
        "assigned.csv": _table(("staff_id", "client_id"), access["assigned"]),
        "documents.csv": _documents(papers),
        ACCESS: orjson.dumps(access, option=orjson.OPT_INDENT_2),
    }
    name = f"{reader.practice_id}-{app.clock().astimezone(ZoneInfo(reader.zone)).date().isoformat()}.zip"
    headers = {"Content-Disposition": f'attachment; filename="{name}"', "Cache-Control": "no-store"}
    files = [(paper.id, str(paper.file_id)) for paper in downloadable if paper.file_id]
    stream = _stream(app.records, reader.practice_id, members, files)
    return StreamingResponse(stream, media_type="application/zip", headers=headers)


async def _read_access(authz: Any, practice_id: str, actor: str) -> dict[str, Any]:
    """Every page of the service's export, as of one instant."""
    found: dict[str, Any] = {"practice": None, **{part: [] for part in _PARTS}}
    after, at = "", None
    while True:
        told = await authz.export_page(practice_id, after=after, at=at, actor=actor)
        found["practice"] = told["practice"] or found["practice"]
        for part in _PARTS:
            found[part] += told[part]
        after, at = told["next"], told["at"]
        if not after:
            return {"version": 1, "at": at, **found}


def _read_people(
    session: Session, practice_id: str, access: Mapping[str, Any]
) -> tuple[dict[str, Client], dict[str, list[Contact]]]:
    """The practice's clients by id, and its own contacts by client."""
    clients = {client.id: client for client in session.exec(select(Client).where(Client.practice_id == practice_id))}
    chosen = select(Contact).where(Contact.practice_id == practice_id, col(Contact.merged_into).is_(None))
    contacts: dict[str, list[Contact]] = {}
    granted: set[str] = set()
    for contact in session.exec(chosen.order_by(Contact.name, Contact.id)):
        contacts.setdefault(contact.client_id, []).append(contact)
        granted.add(str(contact.grant_id))
    # Who was let in over the API is known by the account alone: a person's own name is not the practice's to tell.
    for grant in access["grants"]:
        if grant["id"] not in granted:
            about = {name: grant[name] for name in ("account_id", "client_id", "kind")}
            made = Contact(**about, practice_id=practice_id, grant_id=grant["id"], name=grant["account_id"])
            contacts.setdefault(grant["client_id"], []).append(made)
    return clients, contacts


async def _read_papers(request: Request, action: str = "view") -> list[Document]:
    """The documents that the reader may see (or download)."""
    found: list[Document] = []
    clause = await visible(request, "document", action)
    while True:
        rows, total = await request.app.state.records.rows(
            Document,
            request.state.reader.practice_id,
            clause,
            order_by=(col(Document.dated),),
            limit=PAGE,
            offset=len(found),
        )
        found += rows
        if not rows or len(found) >= total:
            return found


def _people(access: Mapping[str, Any], clients: Mapping[str, Client], contacts: Mapping[str, list[Contact]]) -> bytes:
    """A row for each person of a client's network, and one for a client who has nobody."""
    grants = {grant["id"]: grant for grant in access["grants"]}
    names = (*FIELDS, *TOGGLES)
    rows = []
    for entry in access["clients"]:
        client = clients.get(entry["id"])
        if client is not None and client.merged_into:
            continue
        about = {
            "client_id": entry["id"],
            "client_name": client.name if client else entry["id"],
            "client_preferred": client.preferred if client else "",
            "client_born": entry["born"],
            "client_self_managing": entry["self_managing"],
            "client_assent": entry["assent"],
            "client_active": _word(entry["active"]),
        }
        network = contacts.get(entry["id"], [])
        rows += [about | _contact(contact, grants.get(str(contact.grant_id))) for contact in network] or [about]
    return _written(names, ([row.get(name) or "" for name in names] for row in rows))


def _contact(contact: Contact, grant: Mapping[str, Any] | None) -> dict[str, str]:
    said = {
        "contact_name": contact.name,
        "contact_email": contact.email or "",
        "contact_phone": contact.phone or "",
        "kind": contact.kind,
        "access": _word(grant is not None),
    }
    if grant is None:
        return said
    said |= {
        "account_id": grant["account_id"],
        "status": grant["status"],
        "kind": grant["kind"],
        "proof": grant["proof"],
    }
    said |= {name: grant[name] or "" for name in ("from", "until")}
    return said | {name: _word(grant["toggles"].get(feature.value, False)) for name, feature in TOGGLES.items()}


def _switches(access: Mapping[str, Any]) -> bytes:
    levels = [("", access["practice"]), *((client["id"], client) for client in access["clients"])]
    rows = [
        [level, feature.value, _word(holder["switches"][feature.value])]
        for level, holder in levels
        for feature in Feature
    ]
    return _written(("client_id", "feature", "on"), rows)


def _documents(papers: Iterable[Document]) -> bytes:
    names = ("id", "client_id", "title", "category", "state", "dated", "author", "signer_rule", "file_id")
    return _table(names, [{name: getattr(paper, name) for name in names} for paper in papers])


def _table(names: Sequence[str], entries: Iterable[Mapping[str, Any]]) -> bytes:
    return _written(names, ([_text(entry[name]) for name in names] for entry in entries))


def _written(names: Sequence[str], rows: Iterable[Row]) -> bytes:
    """CSV that every spreadsheet reads, in which nothing is calculated."""
    out = io.StringIO(newline="")
    table = csv.writer(out)
    table.writerow(names)
    for row in rows:
        table.writerow([escaped(cell) for cell in row])
    return out.getvalue().encode("utf-8-sig")


def _text(value: Any) -> str:
    if isinstance(value, bool):
        return _word(value)
    if isinstance(value, list):
        return " ".join(map(str, value))
    return "" if value is None else str(value)


def _word(on: bool) -> str:
    return "yes" if on else "no"


class _Sink(io.RawIOBase):
    """Where a ZIP file is written to that goes out at once; it cannot be rewound."""

    def __init__(self) -> None:
        self.waiting = bytearray()

    def writable(self) -> bool:
        """Yes."""
        return True

    def write(self, data: Any) -> int:
        """Keep it until it is taken."""
        self.waiting += data
        return len(data)

    def take(self) -> bytes:
        """What was written since."""
        taken = bytes(self.waiting)
        self.waiting.clear()
        return taken


async def _stream(
    records: Any, practice_id: str, members: Mapping[str, bytes], files: Sequence[tuple[str, str]]
) -> AsyncIterator[bytes]:
    sink = _Sink()
    with zipfile.ZipFile(sink, "w", zipfile.ZIP_DEFLATED) as packed:
        for name, content in members.items():
            packed.writestr(name, content)
            yield sink.take()
        for document_id, file_id in files:
            stored = await load_file(records, practice_id, file_id)
            if stored is not None:
                packed.writestr(f"files/{document_id}-{_UNSAFE.sub('_', stored.name)}", stored.content)
                yield sink.take()
    yield sink.take()


def _readme() -> str:
    return _(
        "This is everything that Kinguard keeps of access at your practice, as of the moment of the export.\n\n"
        "people.csv     one row for each person of each client's network, with what they may use\n"
        "switches.csv   what is on or off for the practice (no client_id) and for each client\n"
        "withheld.csv   items that are kept from a person (* is everyone but the client)\n"
        "blocks.csv     safety blocks, with the reason\n"
        "staff.csv      who works at the practice; assigned.csv to whom each client is assigned\n"
        "documents.csv  the documents of the families; files/ holds them, if you asked for them\n"
        "access.json    the same access data for programs: what POST /v1/practices/{id}/imports takes\n\n"
        "Text is UTF-8, columns are separated by commas, days are written as 2017-03-09.\n"
        "`until` is the first day without access. A ' before = + - or @ keeps a spreadsheet from calculating.\n"
        "To bring it in again: Import and export, choose this ZIP file. Passwords, messages, invoices and\n"
        "appointments are not in it; people get new invitations.\n"
    )


ROUTES = (Route("/admin/export", export, guard=Guard("run", "import"), methods=("POST",)),)
