"""The site map of documents and signatures."""

from __future__ import annotations

from gateway.edge.guard import Guard, Route, public
from gateway.edge.limits import UPLOADS
from gateway.portal.papers.documents import document, document_file, documents
from gateway.portal.papers.handing_in import upload
from gateway.portal.papers.released import open_released, released, verify
from gateway.portal.papers.signing import copy, sign

_VIEW = Guard("view", "document")

ROUTES: tuple[Route, ...] = (
    Route("/c/{client}/documents", documents, guard=_VIEW),
    Route(
        "/c/{client}/documents", upload, guard=Guard("upload", "document"), methods=("POST",), files=1, limit=UPLOADS
    ),
    Route("/c/{client}/documents/{id}", document, guard=_VIEW),
    Route("/c/{client}/documents/{id}/download", document_file, guard=Guard("download", "document")),
    # `sign` asks for the action itself: of two clicks the second finds a document that nobody may sign any more.
    Route("/c/{client}/documents/{id}/sign", sign, guard=_VIEW, methods=("POST",)),
    Route("/c/{client}/documents/{id}/copy", copy, guard=Guard("sign", "document"), methods=("POST",)),
    Route("/released/{token}", released, guard=public),
    Route("/released/{token}", open_released, guard=public, methods=("POST",)),
    Route("/verify/{code}", verify, guard=public),
)
