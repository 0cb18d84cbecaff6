"""The site map of messages and mail to the owner."""

from __future__ import annotations

from gateway.edge.guard import Guard, Route
from gateway.edge.limits import MESSAGES
from gateway.portal.messages.owner_email import send_owner_email, write_owner_email
from gateway.portal.messages.threads import new_thread, send, start, thread, thread_file, threads

_VIEW = Guard("view", "thread")
_START = Guard("start", "thread")
_OWNER = Guard("send", "owner_email")

ROUTES: tuple[Route, ...] = (
    Route("/c/{client}/messages", threads, guard=_VIEW),
    Route("/c/{client}/messages/new", new_thread, guard=_START),
    Route("/c/{client}/messages/new", start, guard=_START, methods=("POST",), files=1, limit=MESSAGES),
    Route("/c/{client}/messages/{id}", thread, guard=_VIEW),
    # Whoever may read but not write is told why, with the draft still there: the handler asks before it sends.
    Route("/c/{client}/messages/{id}", send, guard=_VIEW, methods=("POST",), files=1, limit=MESSAGES),
    Route("/c/{client}/messages/{id}/files/{file}", thread_file, guard=_VIEW),
    Route("/c/{client}/email-owner", write_owner_email, guard=_OWNER),
    Route("/c/{client}/email-owner", send_owner_email, guard=_OWNER, methods=("POST",)),
)
