"""Puts what one person may know into a subject and sections, one for each client, by label."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from typing import TYPE_CHECKING

from gateway.notices.labels import default_labels, initials
from gateway.notices.notify import Event
from gateway.notices.words import family_line, reminder_line, staff_line
from gateway.web.language import _
from models.tables.records import Appointment
from models.vocabulary import SubjectType

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from datetime import datetime

    from models.tables.records import Client, Item

_LABELS_IN_SUBJECT_MAX = 4


@dataclass(frozen=True, slots=True)
class Matter:
    """One thing to tell: what happened, about whom and what, and the page that shows it."""

    event: Event
    client: Client | None
    item_type: str | None
    row: Item | None
    path: str

    def is_over(self, now: datetime) -> bool:
        """Whether there is nothing to remind of any more."""
        if self.event is not Event.REMINDER:
            return False
        return not isinstance(self.row, Appointment) or self.row.state != "booked" or self.row.starts_at <= now


@dataclass(frozen=True, slots=True)
class Section:
    """What there is for one client; without a label, for the reader."""

    label: str
    lines: tuple[str, ...]
    url: str


def compose(
    kind: SubjectType, matters: Sequence[Matter], labels: Mapping[str, str], zone: str, site: str
) -> tuple[str, list[Section]]:
    """Subject and sections, in the order of the matters. `labels` are the reader's own, by client."""
    by_client: dict[str, list[Matter]] = defaultdict(list)
    for one in matters:
        by_client[one.client.id if one.client else ""].append(one)
    sections = [_section(kind, of_one, labels, zone, site) for of_one in by_client.values()]
    several = len(sections) > 1
    if len(sections) == 1 and len(sections[0].lines) == 1:
        (section,) = sections
        return f"{section.label}: {section.lines[0]}" if section.label else section.lines[0], sections
    named = [section.label or _("you") for section in sections]
    if not several and not sections[0].label:
        return _("News in your portal"), sections
    shown = ", ".join(named[:_LABELS_IN_SUBJECT_MAX]) + (" …" if len(named) > _LABELS_IN_SUBJECT_MAX else "")
    if several:
        sections = [Section(one.label or _("You"), one.lines, one.url) for one in sections]
    return _("News in your portal: %(labels)s", labels=shown), sections


def _section(kind: SubjectType, matters: Sequence[Matter], labels: Mapping[str, str], zone: str, site: str) -> Section:
    client = matters[0].client
    counted: dict[Event, set[str]] = defaultdict(set)
    lines: dict[str, None] = {}
    for one in matters:
        if isinstance(one.row, Appointment) and one.event is Event.REMINDER:
            lines[reminder_line(one.row, zone)] = None
        else:
            counted[one.event].add(one.row.id if one.row else one.path)
    line = staff_line if kind is SubjectType.STAFF else family_line
    lines |= {line(event, len(things)): None for event, things in counted.items()}
    paths = {one.path for one in matters}
    home = ("/admin" if kind is SubjectType.STAFF else f"/c/{client.id}") if client else "/"
    return Section(_label(kind, client, labels), tuple(lines), site + (paths.pop() if len(paths) == 1 else home))


def _label(kind: SubjectType, client: Client | None, labels: Mapping[str, str]) -> str:
    if client is None:
        return ""
    if kind is SubjectType.STAFF:
        return initials(client.name)
    return labels[client.id] if client.id in labels else default_labels({client.id: client.preferred})[client.id]
