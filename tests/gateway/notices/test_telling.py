"""A notice reaches whoever may see the item, when that person wants it, and nobody else."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo

import pytest
from sqlalchemy import delete, update
from sqlmodel import select

from gateway.notices import telling
from gateway.notices.choices import Choice, choose, due_at
from gateway.notices.labels import keep_label
from gateway.notices.notify import Event
from gateway.notices.reminders import remind
from models.tables.identity import Person
from models.tables.mail import AppointmentReminder, Mail, Notice, NoticeStop
from models.vocabulary import SubjectType
from tests.gateway.notices.conftest import Post, words
from tests.gateway.portal_stack import portal

if TYPE_CHECKING:
    from pathlib import Path

    from sqlmodel import Session

    from gateway.records.store import RecordsStore
    from tests.gateway.portal_stack import SeededFiles

pytestmark = pytest.mark.anyio
ACCOUNT = SubjectType.ACCOUNT


async def choice(office: Post, name: str, client_id: str, event: str, chosen: Choice | None) -> None:
    await office.site.state.records.change(
        None, lambda session: choose(session, (ACCOUNT, name), client_id, event, chosen)
    )


async def test_only_those_who_may_see_the_item_are_told(office: Post) -> None:
    """doc_mia_letter is withheld from sam: dana hears of it and sam does not; of doc_mia_school both do."""
    await choice(office, "dana", "", Event.DOCUMENT, Choice.AT_ONCE)
    await choice(office, "sam", "", Event.DOCUMENT, Choice.AT_ONCE)
    await office.notify(Event.DOCUMENT, "mia", ("document", "doc_mia_letter"))
    assert await office.subjects() == {"dana": "M.: A new document"}
    await office.notify(Event.DOCUMENT, "mia", ("document", "doc_mia_school"))
    assert set(await office.subjects()) == {"dana", "sam"}


TOLD: tuple[tuple[Event, str, tuple[str, str] | None, set[str]], ...] = (
    (Event.INVOICE, "mia", ("invoice", "inv_mia_1"), {"dana"}),
    (Event.INVOICE, "mia", ("invoice", "inv_mia_2"), set()),  # sam's, who has no invoices
    (Event.INVOICE, "mia", ("invoice", "inv_mia_3"), {"gus"}),
    (Event.INVOICE, "rosa", ("invoice", "inv_rosa_1"), {"rosa", "tom"}),
    (Event.INVOICE, "rosa", ("invoice", "inv_rosa_2"), {"claims"}),
    (Event.DOCUMENT, "rosa", ("document", "doc_rosa_draft"), set()),
    (Event.DOCUMENT, "leo", ("document", "doc_leo_private"), {"leo"}),
    (Event.SIGN, "mia", ("document", "doc_mia_consent_dana"), {"dana"}),
    (Event.MESSAGE, "mia", ("thread", "thr_dana_ken"), {"dana"}),
    (Event.MESSAGE, "rosa", ("thread", "thr_rosa_ken"), {"rosa"}),
    (Event.PROFILE, "noah", None, {"cara"}),  # pam's invitation is open
    (Event.DOCUMENT, "rosa", ("document", "doc_mia_school"), set()),  # an item of another client
    (Event.DOCUMENT, "rosa", ("document", "nosuch"), set()),
)


async def test_each_event_reaches_the_right_people(office: Post) -> None:
    """As with the pages: the authz service decides for each person and item."""
    for event, client_id, item, told in TOLD:
        for name in ("dana", "sam", "gus", "leo", "rosa", "tom", "harbor", "cara", "maple", "ada"):
            await choice(office, name, "", event, Choice.AT_ONCE)
        await office.notify(event, client_id, item)
        assert set(await office.subjects()) == told, (event, item)


async def test_whoever_did_it_is_not_told(office: Post) -> None:
    await office.notify(Event.APPOINTMENT, "mia", ("appointment", "appt_mia_1"), but="dana")
    assert "dana" not in await office.subjects()
    await office.notify(Event.APPOINTMENT, "mia", ("appointment", "appt_mia_1"), accounts=["dana", "sam"], but="dana")
    assert await office.subjects() == {"sam": "M.: News about an appointment"}


async def test_access_that_ended_before_the_mail_is_not_told(office: Post) -> None:
    """What was allowed when it happened, and is not when the daily mail goes, is left out."""
    await office.notify(Event.DOCUMENT, "mia", ("document", "doc_mia_school"))
    assert await office.mails() == []
    grant = await office.site.state.authz.grant("g_sam_mia")
    changes = {"toggles": {"documents": False}}
    await office.site.state.authz.update_grant("g_sam_mia", changes, etag=grant["etag"], actor="staff/jo")
    office.site.clock.advance(days=1)
    assert set(await office.subjects()) == {"dana"}


async def test_one_daily_mail_has_a_section_for_each_child(office: Post) -> None:
    """At eight in the practice's morning, one mail for all; each child by the label that this parent chose."""
    await office.site.state.records.change(None, lambda session: keep_label(session, "dana", "leo", "Big one"))
    for item in ("doc_mia_school", "doc_mia_letter"):
        await office.notify(Event.DOCUMENT, "mia", ("document", item), path="/c/mia/documents")
    await office.notify(Event.DOCUMENT, "leo", ("document", "doc_leo_school"), path="/c/leo/documents")
    await office.notify(Event.INVOICE, "dana", ("invoice", "inv_dana_1"), path="/c/dana/invoices/inv_dana_1")
    office.site.clock.advance(hours=19, minutes=59)
    assert await office.mails() == []
    office.site.clock.advance(minutes=1)
    mails = {str(mail["To"]): mail for mail in await office.mails()}
    assert set(mails) == {"dana@mail.example", "sam@mail.example", "leo@mail.example"}
    mail = mails["dana@mail.example"]
    assert mail["Subject"] == "News in your portal: M., Big one, you"
    text = words(mail)
    assert (
        text.index("M.\n--\n- 2 new documents") < text.index("Big one\n-------\n- A new document") < text.index("You\n")
    )
    assert "http://127.0.0.1:8080/c/mia/documents" in text
    assert words(mails["sam@mail.example"]).count("- A new document") == 2  # The letter is withheld from him.
    office.site.clock.advance(days=1)
    assert await office.mails() == []


async def test_the_choice_for_a_client_wins_over_the_one_for_everyone(office: Post) -> None:
    await choice(office, "dana", "", Event.MESSAGE, Choice.NEVER)
    await office.notify(Event.MESSAGE, "mia", ("thread", "thr_dana_ken"))
    assert await office.subjects() == {}
    await choice(office, "dana", "mia", Event.MESSAGE, Choice.AT_ONCE)
    await office.notify(Event.MESSAGE, "mia", ("thread", "thr_dana_ken"))
    assert await office.subjects() == {"dana": "M.: A new message"}


async def test_never_chosen_while_a_notice_waits_ends_it(office: Post) -> None:
    await office.notify(Event.DOCUMENT, "mia", ("document", "doc_mia_letter"))
    assert await office.mails() == []
    await choice(office, "dana", "", "", Choice.NEVER)
    office.site.clock.advance(days=1)
    assert "dana" not in await office.subjects()


async def test_while_the_service_is_silent_notices_wait(office: Post) -> None:
    """No answer is no mail; the notice is told once the service answers again."""
    await office.notify(Event.MESSAGE, "mia", ("thread", "thr_dana_ken"))
    office.site.line.cut = True
    assert await office.mails() == []
    office.site.line.cut = False
    assert await office.subjects() == {"dana": "M.: A new message"}


async def test_staff_are_told_while_they_may_view_the_client(office: Post) -> None:
    """Lea is not assigned to mia, and the reviewer sees no client."""
    await office.notify_staff(Event.PAYMENT, "mia", "jo", "ken", "lea", "rex", "hal")
    assert await office.subjects() == {"jo": "M. N.: A payment came in", "ken": "M. N.: A payment came in"}
    await office.notify_staff(Event.REQUEST, None, "jo", "hal")
    assert await office.subjects() == {"jo": "A request from a family"}


async def test_a_mail_is_written_in_the_language_of_its_reader(office: Post) -> None:
    def speak(session: Session) -> None:
        session.get_one(Person, ("account", "dana")).language = "es"

    await office.site.state.records.change(None, speak)
    await office.notify(Event.MESSAGE, "mia", ("thread", "thr_dana_ken"))
    (mail,) = await office.mails()
    assert mail["Subject"] == "M.: Un mensaje nuevo"
    assert "Abrir el portal" in words(mail)
    assert words(mail, "html").startswith('<!doctype html>\n<html lang="es">')


async def told_by_four(office: Post) -> int:
    """How many mails four tellers make of the notices that are due."""
    await asyncio.gather(*(telling.tell(office.site.state) for _ in range(4)))
    return len(await office.mails())


async def test_tellers_at_once_make_one_mail(office: Post) -> None:
    """A notice that another process took is not told again, and of the second try nothing stays."""
    await office.notify(Event.MESSAGE, "mia", ("thread", "thr_dana_ken"))
    assert await told_by_four(office) == 1
    assert await office.site.state.records.read("northgate", lambda session: list(session.exec(select(Notice)))) == []


async def test_without_taking_notices_each_teller_makes_a_mail(office: Post, monkeypatch: pytest.MonkeyPatch) -> None:
    """The control of the test above: the notice is left there instead of taken."""
    await office.notify(Event.MESSAGE, "mia", ("thread", "thr_dana_ken"), accounts=["dana"])
    waiting = update(Notice).values(due_at=office.site.clock())
    await office.site.state.records.change("northgate", lambda session: session.execute(waiting) and None)
    monkeypatch.setattr(telling, "delete", lambda table: update(table).values(id=table.id))
    assert await told_by_four(office) > 1


def test_a_morning_is_eight_o_clock_on_the_wall_also_when_clocks_change() -> None:
    zone = ZoneInfo("America/Los_Angeles")
    for now, due in (
        (datetime(2026, 3, 7, 20, tzinfo=UTC), datetime(2026, 3, 8, 15, tzinfo=UTC)),
        (datetime(2026, 10, 31, 20, tzinfo=UTC), datetime(2026, 11, 1, 16, tzinfo=UTC)),
        (datetime(2026, 6, 15, 14, 59, tzinfo=UTC), datetime(2026, 6, 15, 15, tzinfo=UTC)),
        (datetime(2026, 6, 15, 15, tzinfo=UTC), datetime(2026, 6, 16, 15, tzinfo=UTC)),
    ):
        assert due_at(Choice.DAILY, now, zone) == due
        assert due_at(Choice.AT_ONCE, now, zone) - now == timedelta(0)


async def test_on_postgresql_too(tmp_path: Path, seeded_files: SeededFiles, seeded_postgres: str) -> None:
    """With row-level security: plan, tell, remind and deliver work for each practice, and leave nothing behind."""
    async with portal(tmp_path, seeded_files, records_database_url=seeded_postgres) as site:
        office, records = Post(site, tmp_path), site.state.records
        kept = {name: await rows_of(records, name, Mail) for name in ("northgate", "harborview", "solo", None)}
        await office.mails()
        await office.notify(Event.MESSAGE, "mia", ("thread", "thr_dana_ken"))
        await office.notify(Event.PROFILE, "wren", None, practice_id="harborview", accounts=["dana"])
        site.clock.now = datetime(2026, 6, 16, 17, tzinfo=UTC)
        await remind(site.state)
        await remind(site.state)
        told = sorted(
            (str(mail["To"]).partition("@")[0], str(mail["Subject"]).strip()) for mail in await office.mails()
        )
        assert told == [
            ("dana", "M.: A new message"),
            ("dana", "W.: A profile was added to your portal"),
            ("rosa", "An appointment on Wednesday, June 17, 2026 at 10:00 am (Pacific time)"),
            ("tom", "R.: An appointment on Wednesday, June 17, 2026 at 10:00 am (Pacific time)"),
            ("uma", "An appointment on Wednesday, June 17, 2026 at 11:00 am (Arizona time)"),
        ]
        assert await rows_of(records, "northgate", Notice) == []
        for name, before in kept.items():
            await records.change(name, partial(restore, before=before))


async def rows_of(records: RecordsStore, practice_id: str | None, table: type[Mail | Notice]) -> list[dict[str, Any]]:
    """What a practice's table holds."""
    return await records.read(practice_id, lambda session: [row.model_dump() for row in session.exec(select(table))])


def restore(session: Session, before: list[dict[str, Any]]) -> None:
    """Put the mails back as they were, and take away what notices left."""
    for table in (AppointmentReminder, NoticeStop, Mail):
        session.execute(delete(table))
    session.add_all([Mail(**row) for row in before])
