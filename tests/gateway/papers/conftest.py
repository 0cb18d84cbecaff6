"""What the tests of papers share: a portal of their own over the seeded cast, and small files."""

from __future__ import annotations

from io import BytesIO
from typing import TYPE_CHECKING

import pytest
from PIL import Image
from reportlab.pdfgen.canvas import Canvas

if TYPE_CHECKING:
    from tests.gateway.portal_stack import Portal


@pytest.fixture
def site(quiet_site: Portal) -> Portal:
    return quiet_site


def pdf_file(text: str = "One page.") -> bytes:
    """A small PDF."""
    written = BytesIO()
    canvas = Canvas(written, invariant=1)
    canvas.drawString(72, 720, text)
    canvas.showPage()
    canvas.save()
    return written.getvalue()


def photo(kind: str = "JPEG") -> bytes:
    """A picture that says where and with what it was taken."""
    notes = Image.Exif()
    notes[0x010F] = "Secretcam"
    notes.get_ifd(0x8825)[1] = "N"
    written = BytesIO()
    Image.new("RGB", (40, 20), "red").save(written, kind, exif=notes)
    return written.getvalue()
