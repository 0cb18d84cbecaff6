"""How people want to hear of things: at once, in one mail a day, or never; for each client and event.

What an account chose for one client wins over what it chose for everyone, and that over the default: at once for what
somebody waits for or must not miss, the daily mail for papers and invoices, which keep until the morning.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, time, timedelta
from enum import StrEnum
from typing import TYPE_CHECKING

from sqlmodel import col, select

from gateway.notices.notify import Event
from models.tables.mail import NoticeChoice
from models.vocabulary import SubjectType

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from zoneinfo import ZoneInfo

    from sqlmodel import Session

DIGEST_HOUR = 8  # of the practice's zone
EVERYONE = ""  # in the place of a client: a choice for all clients
EVERYTHING = ""  # in the place of an event: never, whatever else was chosen
_DAILY = frozenset({Event.DOCUMENT, Event.SIGN, Event.FORM, Event.INVOICE})


class Choice(StrEnum):
    """When somebody hears of an event."""

    AT_ONCE = "at_once"
    DAILY = "daily"
    NEVER = "never"


def default_of(subject_type: SubjectType, event: Event) -> Choice:
    """What holds for whoever chose nothing; staff hear of everything at once."""
    return Choice.DAILY if subject_type is SubjectType.ACCOUNT and event in _DAILY else Choice.AT_ONCE


def offered(event: Event) -> tuple[Choice, ...]:
    """What may be chosen: a reminder in the mail of the next morning would come too late."""
    return (Choice.AT_ONCE, Choice.NEVER) if event is Event.REMINDER else tuple(Choice)


@dataclass(frozen=True, slots=True)
class Choices:
    """What one person chose: by (client, event)."""

    subject_type: SubjectType
    chosen: Mapping[tuple[str, str], Choice]

    @property
    def stopped(self) -> bool:
        """Whether this person wants no notices at all."""
        return self.chosen.get((EVERYONE, EVERYTHING)) is Choice.NEVER

    def of(self, client_id: str | None, event: Event) -> Choice:
        """What holds for an event of a client; None for what is about no client."""
        if self.stopped:
            return Choice.NEVER
        own = self.chosen.get((client_id or EVERYONE, event)) or self.chosen.get((EVERYONE, event))
        return own or default_of(self.subject_type, event)


def read_choices(session: Session, subject_type: SubjectType, subject_ids: Iterable[str]) -> dict[str, Choices]:
    """What each of these people chose."""
    chosen: dict[str, dict[tuple[str, str], Choice]] = {name: {} for name in subject_ids}
    rows = select(NoticeChoice).where(
        NoticeChoice.subject_type == subject_type.value, col(NoticeChoice.subject_id).in_(list(chosen))
    )
    for row in session.exec(rows):
        chosen[row.subject_id][row.client_id, row.event] = Choice(row.choice)
    return {name: Choices(subject_type, of_one) for name, of_one in chosen.items()}


def choose(
    session: Session, person: tuple[SubjectType, str], client_id: str, event: str, choice: Choice | None
) -> None:
    """Keep a choice; None takes it back."""
    subject_type, subject_id = person
    row = session.get(NoticeChoice, (subject_type.value, subject_id, client_id, event))
    if choice is None:
        if row is not None:
            session.delete(row)
        return
    row = row or NoticeChoice(
        subject_type=subject_type.value, subject_id=subject_id, client_id=client_id, event=event, choice=choice.value
    )
    row.choice = choice.value
    session.add(row)


def due_at(choice: Choice, now: datetime, zone: ZoneInfo) -> datetime:
    """When a notice of this moment is told: now, or with the next mail of the day."""
    if choice is Choice.AT_ONCE:
        return now
    here = now.astimezone(zone)
    day = here.date() if here.hour < DIGEST_HOUR else here.date() + timedelta(days=1)
    return datetime.combine(day, time(DIGEST_HOUR), zone)
