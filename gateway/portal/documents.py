"""Documents: the list, one to read, and its file (rows P21, Y20)."""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass
from typing import TYPE_CHECKING

from sqlmodel import col
from starlette.responses import Response

from gateway.edge.questions import listing, may
from gateway.web.formats import day
from gateway.web.pages import page
from gateway.web.paging import page_number, pages_of
from gateway.web.staff import staff_names
from gateway.web.words import Badge
from models.tables.records import Document

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from starlette.requests import Request

SIZE = 50
TO_SIGN_MAX = 100
_CATEGORIES = {
    "billing": "Billing",
    "legal": "Legal",
    "sensitive": "Sensitive",
    "minor_consented": "Private",
    "part2": "Protected",
}
_BLANK_LINE = re.compile(r"\n[ \t]*\n")


@dataclass(frozen=True, slots=True)
class DocumentView:
    """A document in words; `body` in paragraphs."""

    id: str
    href: str
    title: str
    summary: str
    state: Badge | None
    to_sign: bool
    body: tuple[str, ...]


def describe(row: Document, *, authors: Mapping[str, str], to_sign: bool) -> DocumentView:
    """The document as this reader sees it."""
    author = authors.get(row.author)
    parts = (day(row.dated), f"from {author}" if author else "", _CATEGORIES.get(row.category, ""))
    return DocumentView(
        id=row.id,
        href=f"/c/{row.client_id}/documents/{row.id}",
        title=row.title,
        summary=" · ".join(part for part in parts if part),
        state=Badge("Signed", "good") if row.state == "signed" else None,
        to_sign=to_sign,
        body=paragraphs(row.body),
    )


def paragraphs(text: str) -> tuple[str, ...]:
    """The paragraphs of a text, which empty lines separate."""
    return tuple(part for part in (block.strip() for block in _BLANK_LINE.split(text)) if part)


async def documents(request: Request) -> Response:
    """The documents the reader may read, those waiting for their signature first."""
    signing = await documents_to_sign(request)
    found = await listing(
        request,
        "document",
        order_by=(col(Document.dated).desc(),),
        limit=SIZE,
        offset=(page_number(request) - 1) * SIZE,
    )
    waiting = {view.id for view in signing}
    others = await in_words(request, [row for row in found.rows if row.id not in waiting], to_sign=False)
    pages = pages_of(request, found.total, SIZE)
    return await page(
        request, "portal/documents.html", to_sign=signing if pages.number == 1 else [], others=others, pages=pages
    )


async def documents_to_sign(request: Request) -> list[DocumentView]:
    """The documents that the reader may both read and sign."""
    readable = await listing(
        request,
        "document",
        action="sign",
        order_by=(col(Document.dated).desc(),),
        limit=TO_SIGN_MAX,
    )
    return await in_words(request, readable.rows, to_sign=True)


async def document(request: Request) -> Response:
    """One document to read."""
    row: Document = request.state.item
    may_download, may_sign = await may(request, [("download", "document", row), ("sign", "document", row)])
    (paper,) = await in_words(request, [row], to_sign=may_sign)
    return await page(request, "portal/document.html", paper=paper, may_download=may_download)


async def document_file(request: Request) -> Response:
    """One document as a text file."""
    row: Document = request.state.item
    (paper,) = await in_words(request, [row], to_sign=False)
    client = request.state.client
    head = (client.practice_name, f"{paper.title}\nAbout {client.name}\n{paper.summary}")
    return Response(
        "\n\n".join((*head, *paper.body)) + "\n",
        media_type="text/plain; charset=utf-8",
        headers={"Content-Disposition": f'attachment; filename="{_file_name(paper.title)}.txt"'},
    )


async def in_words(request: Request, rows: Sequence[Document], *, to_sign: bool) -> list[DocumentView]:
    """The documents with the names of their authors."""
    authors = await staff_names(request, [row.author for row in rows])
    return [describe(row, authors=authors, to_sign=to_sign) for row in rows]


def _file_name(title: str) -> str:
    plain = unicodedata.normalize("NFKD", title).encode("ascii", "ignore").decode()
    return re.sub(r"[^A-Za-z0-9]+", "-", plain).strip("-")[:80] or "document"
