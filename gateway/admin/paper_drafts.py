"""The form of a new document (rows P21, P22; conflict c17)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from gateway.admin.paper_rows import ADDABLE
from gateway.portal.papers.documents import PDF, TITLE_CHARACTERS_MAX, Problem
from gateway.records.papers import EACH
from gateway.web.language import N_, _

if TYPE_CHECKING:
    from collections.abc import Mapping

    from starlette.requests import Request

    from gateway.records.files import Upload

TEXT_CHARACTERS_MAX = 50_000
SIGNER_RULES: Mapping[str, str] = {
    "nobody": N_("Nobody; it is only to be read"),
    "client": N_("The client"),
    "any_guardian": N_("Any one guardian"),
    EACH: N_("Each guardian and co-parent, on a copy of their own"),
    "named": N_("The people ticked below, all of them"),
}


@dataclass(frozen=True, slots=True)
class Draft:
    """What a new document's form holds."""

    title: str = ""
    text: str = ""
    category: str = "general"
    signer_rule: str = "nobody"
    signers: tuple[str, ...] = ()


async def read_draft(request: Request) -> Draft:
    """What the form was sent with."""
    fields = await request.form()
    return Draft(
        title=" ".join(str(fields.get("title", "")).split()),
        text=str(fields.get("text", "")).replace("\r\n", "\n").strip(),
        category=str(fields.get("category", "")),
        signer_rule=str(fields.get("signer_rule", "")),
        signers=tuple(sorted({str(value) for value in fields.getlist("signer")})),
    )


def problems_of(draft: Draft, sent: Upload | None, network: Mapping[str, Any]) -> list[Problem]:
    """What is wrong with a draft and its file; `network` as of `gateway.admin.paper_rows`."""
    problems = []
    if not draft.title:
        problems.append(Problem("title", _("Give the document a title.")))
    elif len(draft.title) > TITLE_CHARACTERS_MAX:
        problems.append(Problem("title", _("Shorten the title to %(limit)s letters.", limit=TITLE_CHARACTERS_MAX)))
    if sent is None and not draft.text:
        problems.append(Problem("text", _("Write the text, or choose a file.")))
    if sent is not None and draft.text:
        problems.append(Problem("text", _("Write the text or choose a file, not both.")))
    if len(draft.text) > TEXT_CHARACTERS_MAX:
        problems.append(Problem("text", _("Shorten the text to %(limit)s letters.", limit=TEXT_CHARACTERS_MAX)))
    if draft.category not in ADDABLE:
        problems.append(Problem("category", _("Choose a category of the list.")))
    if draft.signer_rule not in SIGNER_RULES:
        problems.append(Problem("signer_rule", _("Choose who signs.")))
    elif draft.signer_rule != "nobody" and sent is not None and sent.media_type != PDF:
        problems.append(Problem("file", _("Only a text or a PDF can be signed. Choose a PDF, or that nobody signs.")))
    if draft.signer_rule == "named" and not (draft.signers and set(draft.signers) <= set(network)):
        problems.append(Problem("signer_rule", _("Tick at least one person who is to sign.")))
    return problems
