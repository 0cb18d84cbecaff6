"""The site map of the mailbox of the demo, the settings of notices, and the mails that failed."""

from __future__ import annotations

from gateway.edge.guard import Guard, Route, public, signed_in
from gateway.mail.failures import failures, try_again
from gateway.mail.mailbox import mail, mailbox
from gateway.notices.settings import of_client, overview, save_client, save_overview
from gateway.notices.stopping import ask, stop

ROUTES: tuple[Route, ...] = (
    Route("/demo/mailbox", mailbox, guard=public),
    Route("/demo/mailbox/{mail}", mail, guard=public),
    Route("/account/notices", overview, guard=signed_in),
    Route("/account/notices", save_overview, guard=signed_in, methods=("POST",)),
    Route("/account/notices/{client}", of_client, guard=signed_in),
    Route("/account/notices/{client}", save_client, guard=signed_in, methods=("POST",)),
    Route("/notices/stop/{token}", ask, guard=public),
    Route("/notices/stop/{token}", stop, guard=public, methods=("POST",), signed=True),
    Route("/admin/mail", failures, guard=Guard("view", "practice")),
    Route("/admin/mail/{mail}/again", try_again, guard=Guard("update", "practice"), methods=("POST",)),
)
