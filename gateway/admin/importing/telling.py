"""What imports and exports are called on the pages: what would happen, what happened, by whom and when."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

from gateway.web.formats import clock_time, day
from gateway.web.language import N_, _, ngettext
from gateway.web.words import Badge
from models.vocabulary import SubjectType

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from datetime import datetime

    from starlette.requests import Request

    from gateway.admin.importing.jobs import Shown
    from models.tables.imports import ExportDone, ImportJob

_STATES = {
    "draft": Badge(N_("Not imported yet"), "warn"),
    "running": Badge(N_("Under way"), "info"),
    "done": Badge(N_("Imported"), "good"),
    "discarded": Badge(N_("Discarded")),
}


@dataclass(frozen=True, slots=True)
class Past:
    """An import or export of the past, or one that waits."""

    title: str
    by: str
    when: str
    state: Badge
    says: str
    href: str


def summary_of(shown: Shown) -> list[str]:
    """What would happen, a sentence for each sort of thing."""
    clients, access = shown.number_of("new", "clients"), shown.number_of("new", "grants")
    contacts = sum(contact["grant"] is None for contact in shown.records.get("contacts", ()))
    changed = shown.number_of("changed", "clients") + shown.number_of("changed", "grants")
    kept = shown.number_of("kept", "clients") + shown.number_of("kept", "grants")
    here = sum(step.outcome == "unchanged" for step in shown.steps)
    left = sum(step.outcome == "left_out" for step in shown.steps)
    mailed = shown.invited
    told = (
        (clients, ngettext("%(count)s client is added.", "%(count)s clients are added.", clients, count=clients)),
        (access, ngettext("Access is given once.", "Access is given %(count)s times.", access, count=access)),
        (
            contacts,
            ngettext(
                "%(count)s contact is kept without access.",
                "%(count)s contacts are kept without access.",
                contacts,
                count=contacts,
            ),
        ),
        (
            changed,
            ngettext(
                "%(count)s row is changed as in the file.",
                "%(count)s rows are changed as in the file.",
                changed,
                count=changed,
            ),
        ),
        (
            kept,
            ngettext(
                "%(count)s row differs and stays as it is here.",
                "%(count)s rows differ and stay as they are here.",
                kept,
                count=kept,
            ),
        ),
        (here, ngettext("%(count)s row is here already.", "%(count)s rows are here already.", here, count=here)),
        (left, ngettext("%(count)s row is left out.", "%(count)s rows are left out.", left, count=left)),
        (
            mailed,
            ngettext("%(count)s person is told by mail.", "%(count)s people are told by mail.", mailed, count=mailed),
        ),
    )
    said = [sentence for number, sentence in told if number]
    if access and not mailed:
        said.append(_("Nobody is mailed. Invitations can be sent later, from each person's page."))
    if not (clients or access or contacts or changed or shown.faults):
        said.insert(0, _("Nothing would change."))
    return said


def counts_said(job: ImportJob) -> list[str]:
    """What an import did, a phrase for each sort of thing."""
    words = {
        "clients": N_("Clients added: %(count)s"),
        "access": N_("Accesses given: %(count)s"),
        "contacts": N_("Contacts kept: %(count)s"),
        "changed": N_("Changed as in the file: %(count)s"),
        "kept": N_("Different, and left as they were: %(count)s"),
        "unchanged": N_("Here already: %(count)s"),
        "left_out": N_("Left out: %(count)s"),
        "invited": N_("Told by mail: %(count)s"),
    }
    return [_(sentence, count=job.counts[name]) for name, sentence in words.items() if job.counts.get(name)]


async def past_of(request: Request, job: ImportJob) -> Past:
    """An import, with who imports it."""
    return describe(request, job, await names_of(request, [job.started_by or job.made_by]))


def describe(request: Request, job: ImportJob, names: Mapping[str, str]) -> Past:
    """An import of the past, or one that waits."""
    by, badge = job.started_by or job.made_by, _STATES[job.state]
    return Past(
        title=job.file_name,
        by=names.get(by, by),
        when=_moment(request, job.finished_at or job.started_at or job.made_at),
        state=Badge(_(badge.label), badge.tone),
        says=" · ".join(counts_said(job)),
        href=f"/admin/import/{job.id}",
    )


def _moment(request: Request, at: datetime) -> str:
    local = at.astimezone(ZoneInfo(request.state.reader.zone))
    return f"{day(local.date())}, {clock_time(local)}"


async def names_of(request: Request, staff: Sequence[str]) -> dict[str, str]:
    """The names of staff, by id."""
    people = await request.app.state.records.people(SubjectType.STAFF, sorted(set(staff)))
    return {staff_id: person.name for staff_id, person in people.items()}


def describe_export(request: Request, done: ExportDone, names: Mapping[str, str]) -> Past:
    """An export of the past."""
    return Past(
        title=_("Export with files") if done.with_files else _("Export"),
        by=names.get(done.done_by, done.done_by),
        when=_moment(request, done.done_at),
        state=Badge(_("Taken out"), "info"),
        says="",
        href="",
    )
