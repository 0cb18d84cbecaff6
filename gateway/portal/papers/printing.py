"""Documents on paper: the text, or the file that was handed in, and a page that certifies the signatures (row P21)."""

from __future__ import annotations

from dataclasses import dataclass
from io import BytesIO
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo

from pypdf import PdfReader, PdfWriter
from pypdf.errors import PyPdfError

from gateway.web.formats import clock_time, day, zone_name
from gateway.web.language import _
from gateway.web.pdf import Paper
from gateway.web.words import KINDS
from models.vocabulary import Kind

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from models.tables.papers import Signature, StoredFile

DRAWN_WIDTH_MM = 70
_SECOND_FACTORS = {"otp", "mfa", "hwk", "swk"}  # RFC 8176


@dataclass(frozen=True, slots=True)
class Letter:
    """A document in words, and what surrounds it. `site` is the URL by which browsers know the gateway."""

    practice_name: str
    letterhead: Mapping[str, Any]
    about: str
    title: str
    summary: str
    body: Sequence[str]
    zone: str
    site: str
    language: str
    notice: str = ""  # what must go with it


def print_document(
    letter: Letter, file: StoredFile | None, signatures: Sequence[Signature], *, reader_id: str | None
) -> bytes:
    """The PDF: the same for the same document, signatures and reader (None: staff, who are shown every detail)."""
    if file is not None:
        return _joined(file.content, _certificate(letter, signatures, reader_id, paper=None).bytes())
    paper = Paper(letter.practice_name, letter.letterhead, letter.title, language=letter.language)
    paper.facts([(_("About"), letter.about), (_("Document"), letter.summary)])
    if letter.notice:
        paper.paragraph(letter.notice)
    for paragraph in letter.body:
        paper.paragraph(paragraph)
    if signatures:
        paper.page_break()
        _certificate(letter, signatures, reader_id, paper=paper)
    return paper.bytes()


def _certificate(
    letter: Letter, signatures: Sequence[Signature], reader_id: str | None, *, paper: Paper | None
) -> Paper:
    """The page of the signatures, on a paper of its own or at the end of one."""
    if paper is None:
        paper = Paper(letter.practice_name, letter.letterhead, letter.title, language=letter.language)
        paper.facts([(_("About"), letter.about), (_("Document"), letter.summary)])
        if letter.notice:
            paper.paragraph(letter.notice)
    if not signatures:
        return paper
    paper.heading(_("Certificate of electronic signature"))
    zone = ZoneInfo(letter.zone)
    for signature in signatures:
        signed = signature.signed_at.astimezone(zone)
        when = f"{day(signed.date())}, {clock_time(signed)} ({zone_name(letter.zone)})"
        if reader_id is not None and signature.account_id != reader_id:
            paper.paragraph(_("Signed by another person on %(day)s.", day=day(signed.date())))
            continue
        kinds = ", ".join(_(KINDS[Kind(kind)]) for kind in signature.kinds)
        factor = _("password and second factor") if _SECOND_FACTORS & set(signature.amr) else _("password")
        paper.facts(
            [
                (_("Signed as"), signature.typed_name),
                (_("Account"), f"{signature.name} ({kinds})" if kinds else signature.name),
                (_("Signed on"), when),
                (_("Signed in by"), factor),
                (_("Agreed to"), signature.consent),
                (_("SHA-256 of what was signed"), signature.content_sha256),
                (_("Check it at"), f"{letter.site}/verify/{signature.practice_id}.{signature.id}"),
            ]
        )
        if signature.drawn is not None:
            paper.image(signature.drawn, DRAWN_WIDTH_MM)
    return paper


def _joined(signed: bytes, certificate: bytes) -> bytes:
    """The file as it was signed, with the certificate after its last page."""
    writer = PdfWriter()
    try:
        writer.append(PdfReader(BytesIO(signed)), import_outline=False)
    except (PyPdfError, ValueError, KeyError, TypeError, AttributeError, IndexError, RecursionError):
        return certificate  # A file that cannot be taken apart; it can be loaded as it is by whoever may read it.
    writer.append(PdfReader(BytesIO(certificate)), import_outline=False)
    written = BytesIO()
    writer.write(written)
    return written.getvalue()
