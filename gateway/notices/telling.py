"""Makes mails of notices.

First each notice gets its people and its time (`plan`); when the time has come, everything due for one person becomes
one mail with a section for each client (`tell`). Just before that the authz service is asked, with that person as the
subject, whether the item may be seen now: what may not is left out and never mentioned.
"""

from __future__ import annotations

import secrets
from collections import defaultdict
from hashlib import sha256
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo

import structlog
from sqlalchemy import delete
from sqlmodel import col, select

from gateway.edge.authz_client import Asking, Question
from gateway.edge.errors import CannotDecide, Rejected
from gateway.mail.post import letter, ordered_id, post
from gateway.notices.choices import Choice, Choices, due_at, read_choices
from gateway.notices.digest import Matter, compose
from gateway.notices.labels import default_labels, labels_of
from gateway.notices.notify import Event
from gateway.records.store import properties_of
from gateway.web.language import speaking
from models.tables.mail import Notice, NoticeStop
from models.tables.records import ITEMS, Client, Practice
from models.vocabulary import GrantStatus, Kind, SubjectType

if TYPE_CHECKING:
    from collections.abc import Sequence

    from sqlmodel import Session

    from gateway.mail.post import Letter
    from models.tables.identity import Person

ROUND_MAX = 200  # notices of one practice in one round
_BATCH_MAX = 50  # questions of one call
# Whoever reads a notice signs in before seeing the item, with a second factor where one is asked for.
_SIGNED_IN = ("pwd", "mfa")
# What must be allowed besides the view of the item, or in its place.
_ACTIONS = {Event.REMINDER: ("remind",), Event.SIGN: ("view", "sign")}
log: Any = structlog.get_logger()


async def tell(state: Any) -> None:
    """Plan what is new, and tell what is due."""
    known: list[Practice] = await state.records.read(None, lambda session: list(session.exec(select(Practice))))
    for practice in known:
        try:
            await _plan(state, practice)
            await _tell(state, practice)
        except CannotDecide as error:  # Nothing is told that could not be asked about; it waits.
            log.warning("notices_wait", practice=practice.id, reason=str(error))


async def _plan(state: Any, practice: Practice) -> None:
    """Give each new notice its people and its time, or drop it where nobody wants to hear of it."""
    fresh: list[Notice] = await state.records.read(
        practice.id,
        lambda session: list(
            session.exec(
                select(Notice)
                .where(Notice.practice_id == practice.id, col(Notice.due_at).is_(None))
                .order_by(Notice.id)
                .limit(ROUND_MAX)
            )
        ),
    )
    holders = await _holders(state, {notice.client_id for notice in fresh if notice.subject_id is None})
    now, zone = state.clock(), ZoneInfo(practice.zone)

    def work(session: Session) -> None:
        for notice in fresh:
            names = (notice.subject_id,) if notice.subject_id else holders.get(notice.client_id or "", ())
            kind = SubjectType(notice.subject_type)
            chosen = read_choices(session, kind, names)
            if session.execute(delete(Notice).where(col(Notice.id) == notice.id)).rowcount != 1:  # type: ignore[attr-defined]
                continue  # Another process was faster.
            for name in names:
                choice = chosen[name].of(notice.client_id, Event(notice.event))
                if name != notice.but and choice is not Choice.NEVER:
                    values = {"id": ordered_id(), "subject_id": name, "due_at": due_at(choice, now, zone)}
                    session.add(Notice(**notice.model_dump() | values))

    if fresh:
        await state.records.change(practice.id, work)


async def _holders(state: Any, client_ids: set[str | None]) -> dict[str, tuple[str, ...]]:
    """The accounts with an active grant, by client."""
    found: dict[str, tuple[str, ...]] = {}
    for client_id in filter(None, client_ids):
        try:
            grants = await state.authz.grants_of_client(client_id)
        except Rejected as error:
            log.warning("notices_of_unknown_client", client=client_id, reason=str(error))
            continue
        active = [grant["account_id"] for grant in grants if grant["status"] == GrantStatus.ACTIVE.value]
        found[client_id] = tuple(dict.fromkeys(active))
    return found


async def _tell(state: Any, practice: Practice) -> None:
    now = state.clock()
    due: list[Notice] = await state.records.read(
        practice.id,
        lambda session: list(
            session.exec(
                select(Notice)
                .where(Notice.practice_id == practice.id, col(Notice.due_at) <= now)
                .order_by(Notice.subject_id, Notice.id)
                .limit(ROUND_MAX)
            )
        ),
    )
    people: dict[tuple[SubjectType, str], list[Notice]] = defaultdict(list)
    for notice in due:
        people[SubjectType(notice.subject_type), str(notice.subject_id)].append(notice)
    for (kind, name), notices in people.items():
        await _tell_one(state, practice, kind, name, notices)


async def _tell_one(state: Any, practice: Practice, kind: SubjectType, name: str, notices: Sequence[Notice]) -> None:
    """One person's mail; without anything to tell, or nowhere to send it, the notices just go."""
    people: dict[str, Person] = await state.records.people(kind, [name])
    matters = await _allowed(state, practice, kind, name, await _matters(state, practice, kind, name, notices))
    person, token = people.get(name), secrets.token_urlsafe(32)
    mail: Letter | None = None
    if matters and person is not None and person.email:
        try:
            mail = await _letter(state, practice, person, matters, token)
        except ValueError as error:
            log.warning("notice_has_no_address", subject=f"{kind.value}/{name}", reason=str(error))
    ids = [notice.id for notice in notices]

    def work(session: Session) -> None:
        gone = session.execute(delete(Notice).where(col(Notice.id).in_(ids)))
        if gone.rowcount != len(ids):  # type: ignore[attr-defined]
            raise _Taken
        if mail is not None:
            hashed = sha256(token.encode()).hexdigest()
            stop = NoticeStop(token_hash=hashed, subject_type=kind.value, subject_id=name, made_at=state.clock())
            session.add(stop)
            post(session, mail, practice_id=practice.id)

    try:
        await state.records.change(practice.id, work)
    except _Taken:
        log.info("notices_told_elsewhere", practice=practice.id)


class _Taken(Exception):  # noqa: N818 - read as a sentence where it is raised.
    """Another process told it; nothing of ours may stay."""


async def _matters(
    state: Any, practice: Practice, kind: SubjectType, name: str, notices: Sequence[Notice]
) -> list[Matter]:
    """What the notices are about, as it is now; what is gone, or no longer wanted, is left out."""

    def read(session: Session) -> list[Matter]:
        choices: Choices = read_choices(session, kind, [name])[name]
        found = []
        for notice in notices:
            if choices.of(notice.client_id, Event(notice.event)) is Choice.NEVER:
                continue
            client = session.get(Client, notice.client_id) if notice.client_id else None
            table = ITEMS.get(notice.item_type or "")
            row = session.get(table, notice.item_id) if table is not None else None
            if (notice.client_id and client is None) or (notice.item_type and row is None):
                continue
            if row is not None and row.client_id != notice.client_id:
                continue
            found.append(Matter(Event(notice.event), client, notice.item_type, row, notice.path))
        return found

    matters: list[Matter] = await state.records.read(practice.id, read)
    return matters


async def _allowed(state: Any, practice: Practice, kind: SubjectType, name: str, matters: list[Matter]) -> list[Matter]:
    """What the person may see now."""
    if kind is SubjectType.STAFF:
        staff = await state.authz.staff_of(practice.id) if matters else []
        if not any(member["id"] == name and member["state"] == "active" for member in staff):
            return []
    asking = Asking({"type": kind.value, "id": name}, _SIGNED_IN)
    asked = [(number, question) for number, one in enumerate(matters) for question in _questions(kind, practice, one)]
    refused: set[int] = set()
    for start in range(0, len(asked), _BATCH_MAX):
        part = asked[start : start + _BATCH_MAX]
        answers = await state.authz.evaluate_all(asking, [question for _, question in part])
        refused |= {number for (number, _), allowed in zip(part, answers, strict=True) if not allowed}
    now = state.clock()
    return [one for number, one in enumerate(matters) if number not in refused and not one.is_over(now)]


def _questions(kind: SubjectType, practice: Practice, one: Matter) -> list[Question]:
    if one.client is None:
        return []
    if kind is SubjectType.STAFF:
        properties = {"client_id": one.client.id, "practice_id": practice.id}
        return [Question("view", "client", one.client.id, properties)]
    if one.row is None or one.item_type is None:
        return [Question("open", "portal", one.client.id, {"client_id": one.client.id})]
    properties = properties_of(one.item_type, one.row)
    return [Question(action, one.item_type, one.row.id, properties) for action in _ACTIONS.get(one.event, ("view",))]


async def _letter(state: Any, practice: Practice, person: Person, matters: list[Matter], token: str) -> Letter:
    labels = await _labels(state, person)
    site = state.settings.public_url
    with speaking(person.language):
        subject, sections = compose(SubjectType(person.subject_type), matters, labels, practice.zone, site)
    stop_url = f"{site}/notices/stop/{token}"
    return letter(
        "notice",
        person.email or "",
        person.language,
        unsubscribe=stop_url,
        subject=subject,
        sections=sections,
        settings_url=f"{site}/account/notices",
        stop_url=stop_url,
    )


async def _labels(state: Any, person: Person) -> dict[str, str]:
    """What the person's clients are called in the mail; `""` for the person."""
    if person.subject_type == SubjectType.STAFF.value:
        return {}
    grants = await state.authz.grants_of_account(person.subject_id)
    active = [grant for grant in grants if grant["status"] == GrantStatus.ACTIVE.value]
    found = await state.records.clients([grant["client_id"] for grant in active])
    called = default_labels({key: client.preferred for key, (client, _) in found.items()})
    own = {grant["client_id"]: "" for grant in active if grant["kind"] == Kind.SELF.value}
    chosen: dict[str, str] = await state.records.read(None, lambda session: labels_of(session, person.subject_id))
    return called | own | chosen
