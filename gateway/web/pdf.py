"""Papers as PDF: the practice's letterhead, a title, text, tables and pictures, numbered pages.

The same content gives the same bytes on every machine and day, so that a hash of them means something. The files carry
their title and language, and their own letters (Vera, which comes with reportlab), so accents look alike everywhere.
"""

from __future__ import annotations

from functools import cache
from io import BytesIO
from typing import TYPE_CHECKING, Any
from xml.sax.saxutils import escape

from reportlab.lib import colors
from reportlab.lib.enums import TA_RIGHT
from reportlab.lib.pagesizes import LETTER
from reportlab.lib.styles import ParagraphStyle
from reportlab.lib.units import mm
from reportlab.pdfbase import pdfmetrics
from reportlab.pdfbase.ttfonts import TTFont
from reportlab.pdfgen.canvas import Canvas
from reportlab.platypus import Image, PageBreak, Paragraph, SimpleDocTemplate, Spacer, Table, TableStyle

from gateway.web.language import _, speaking

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping, Sequence

    from reportlab.platypus import Flowable

_MARGIN = 22 * mm
_WIDTH = LETTER[0] - 2 * _MARGIN
_INK, _SOFT, _LINE = colors.HexColor("#1c2733"), colors.HexColor("#4a5764"), colors.HexColor("#c9d1d9")
_FONTS = {"Vera": "Vera.ttf", "Vera-Bold": "VeraBd.ttf"}


class Paper:
    """One document in the making. `letterhead` as in `models.tables.records.Practice`; texts are plain texts."""

    def __init__(self, practice_name: str, letterhead: Mapping[str, Any], title: str, *, language: str = "en") -> None:
        self._practice, self._title, self._language = practice_name, title, language
        self._styles = _styles()
        self._story: list[Flowable] = [self._text(practice_name, "practice")]
        address = [str(line) for line in letterhead.get("address", ())]
        contact = [str(letterhead[name]) for name in ("phone", "email") if letterhead.get(name)]
        if letter := " · ".join([*address, *contact]):
            self._story.append(self._text(letter, "letter"))
        self._story += [Spacer(0, 7 * mm), self._text(title, "title")]

    def heading(self, text: str) -> None:
        """A heading within the document."""
        self._story.append(self._text(text, "heading"))

    def paragraph(self, text: str) -> None:
        """A paragraph; line ends in it are kept."""
        self._story.append(self._text(text, "body"))

    def facts(self, pairs: Sequence[tuple[str, str]]) -> None:
        """Labels with what they stand for, one below the other."""
        rows = [[self._text(label, "label"), self._text(value, "cell")] for label, value in pairs]
        if rows:
            style = TableStyle([("VALIGN", (0, 0), (-1, -1), "TOP"), ("LEFTPADDING", (0, 0), (0, -1), 0)])
            self._story += [Table(rows, colWidths=[_WIDTH * 0.3, _WIDTH * 0.7], style=style), Spacer(0, 3 * mm)]

    def table(
        self,
        head: Sequence[str],
        rows: Sequence[Sequence[str]],
        widths: Sequence[float] | None = None,
        numbers: Collection[int] = (),
    ) -> None:
        """A table; `widths` are parts of the whole width, `numbers` the columns whose text stands to the right."""
        parts = list(widths or [1.0] * len(head))
        columns = [_WIDTH * part / sum(parts) for part in parts]
        lines = [self._row(head, "label", numbers), *(self._row(row, "cell", numbers) for row in rows)]
        style = TableStyle(
            [
                ("VALIGN", (0, 0), (-1, -1), "TOP"),
                ("LINEBELOW", (0, 0), (-1, 0), 0.9, _INK),
                ("LINEBELOW", (0, 1), (-1, -1), 0.4, _LINE),
            ]
        )
        self._story += [Table(lines, colWidths=columns, style=style, repeatRows=1), Spacer(0, 4 * mm)]

    def image(self, png: bytes, width_mm: float) -> None:
        """A picture of this width, no wider and no higher than a page."""
        picture = Image(BytesIO(png))
        width = min(width_mm * mm, _WIDTH)
        height = width * picture.imageHeight / picture.imageWidth
        scale = min(1.0, 200 * mm / height)
        picture.drawWidth, picture.drawHeight, picture.hAlign = width * scale, height * scale, "LEFT"
        self._story.append(picture)

    def page_break(self) -> None:
        """What follows begins on a new page."""
        self._story.append(PageBreak())

    def bytes(self) -> bytes:
        """The PDF; the same for the same content."""
        with speaking(self._language):
            footer = _("Page %(number)s of %(count)s")
        written = BytesIO()
        document = SimpleDocTemplate(
            written,
            pagesize=LETTER,
            leftMargin=_MARGIN,
            rightMargin=_MARGIN,
            topMargin=_MARGIN,
            bottomMargin=_MARGIN,
            title=self._title,
            author=self._practice,
            subject=self._title,
            creator=self._practice,
            lang=self._language,
            displayDocTitle=True,
            invariant=1,
        )
        document.build(list(self._story), canvasmaker=_numbered(f"{self._practice} · {self._title}", footer))
        return written.getvalue()

    def _row(self, texts: Sequence[str], style: str, numbers: Collection[int]) -> list[Paragraph]:
        return [self._text(text, f"{style}_number" if at in numbers else style) for at, text in enumerate(texts)]

    def _text(self, text: str, style: str) -> Paragraph:
        return Paragraph(escape(_printable(text)).replace("\n", "<br/>"), self._styles[style])


def _numbered(running: str, footer: str) -> type[Canvas]:
    """A canvas that writes `Page 1 of 3` when it knows how many there are."""

    class Numbered(Canvas):  # type: ignore[misc]  # reportlab has no types.
        def __init__(self, *args: Any, **kwargs: Any) -> None:
            super().__init__(*args, **kwargs)
            self._finished: list[dict[str, Any]] = []

        def showPage(self) -> None:  # noqa: N802 - reportlab's name.
            self._finished.append(dict(self.__dict__))
            self._startPage()

        def save(self) -> None:
            for number, state in enumerate(self._finished, start=1):
                self.__dict__.update(state)
                self.setFont("Vera", 7.5)
                self.setFillColor(_SOFT)
                self.drawString(_MARGIN, 12 * mm, _printable(running)[:100])
                numbered = footer % {"number": number, "count": len(self._finished)}
                self.drawRightString(LETTER[0] - _MARGIN, 12 * mm, numbered)
                super().showPage()
            super().save()

    return Numbered


def _printable(text: str) -> str:
    """The text with a question mark for every sign that the letters do not have, instead of a gap."""
    known = _fonts()
    return "".join(sign if sign == "\n" or ord(sign) in known else "?" for sign in text)


@cache
def _fonts() -> frozenset[int]:
    """Make the letters known to reportlab; the signs that they have."""
    for name, file in _FONTS.items():
        pdfmetrics.registerFont(TTFont(name, file))
    pdfmetrics.registerFontFamily("Vera", normal="Vera", bold="Vera-Bold", italic="Vera", boldItalic="Vera-Bold")
    return frozenset(pdfmetrics.getFont("Vera").face.charToGlyph)


def _styles() -> dict[str, ParagraphStyle]:
    _fonts()
    body = ParagraphStyle(
        "body", fontName="Vera", fontSize=9.5, leading=14.5, textColor=_INK, spaceAfter=3 * mm, splitLongWords=1
    )
    cell = ParagraphStyle("cell", body, fontSize=9, leading=12.5, spaceAfter=0)
    label = ParagraphStyle("label", cell, fontName="Vera-Bold")
    return {
        "practice": ParagraphStyle(
            "practice", body, fontName="Vera-Bold", fontSize=12, leading=16, spaceAfter=0.5 * mm
        ),
        "letter": ParagraphStyle("letter", body, fontSize=7.5, leading=10.5, textColor=_SOFT),
        "title": ParagraphStyle("title", body, fontName="Vera-Bold", fontSize=15, leading=20, spaceAfter=4 * mm),
        "heading": ParagraphStyle(
            "heading",
            body,
            fontName="Vera-Bold",
            fontSize=11,
            leading=15,
            spaceBefore=3 * mm,
            spaceAfter=1.5 * mm,
            keepWithNext=1,
        ),
        "body": body,
        "cell": cell,
        "cell_number": ParagraphStyle("cell_number", cell, alignment=TA_RIGHT),
        "label": label,
        "label_number": ParagraphStyle("label_number", label, alignment=TA_RIGHT),
    }
