"""Mails reach a real SMTP server once, in order, over TLS, and none is lost or sent in the clear."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from typing import TYPE_CHECKING
from urllib.parse import quote

import pytest
from sqlmodel import select

from gateway.mail import delivery
from gateway.mail.delivery import deliver, forget
from gateway.mail.post import FAILED, Letter, post
from models.tables.mail import Mail
from tests.gateway.mail.server import PASSWORD, USER, certificate, context, smtp_server

if TYPE_CHECKING:
    from pathlib import Path

    from sqlmodel import Session

    from tests.gateway.mail.conftest import Queue

pytestmark = pytest.mark.anyio
SQLITE = pytest.mark.parametrize("records_url", ["sqlite"], indirect=True)


async def test_a_mail_arrives_as_it_was_written(queue: Queue) -> None:
    """Both bodies, names and words of any script, a date, and an id; then its content is kept no longer."""
    async with smtp_server() as inbox:
        queue.send_by(f"smtp://127.0.0.1:{inbox.port}")
        await queue.post(
            "José Peña <jose@mail.example>",
            "Año nuevo: 你好",
            html="<p>¡Buen día!</p>",
            unsubscribe="https://portal.example/notices/stop/x",
        )
        await queue.post("anna@mail.example", practice_id=None)
        await deliver(queue.state)
    anna, jose = inbox.mails  # What belongs to no practice goes first.
    assert anna["To"] == "anna@mail.example"
    assert jose["To"].addresses[0].display_name == "José Peña"
    assert jose["From"].addresses[0].display_name == "Portál Northgate"
    assert jose["Subject"] == "Año nuevo: 你好"
    assert jose["Date"].datetime == queue.clock().replace(microsecond=0)
    assert jose["List-Unsubscribe"] == "<https://portal.example/notices/stop/x>"
    assert jose["List-Unsubscribe-Post"] == "List-Unsubscribe=One-Click"
    assert jose.get_content_type() == "multipart/alternative"
    assert [part.get_content().strip() for part in jose.iter_parts()] == ["Good day", "<p>¡Buen día!</p>"]
    (row,) = await queue.rows()
    assert jose["Message-ID"] == f"<{row.id}@northgate.example>"
    assert (row.state, row.content, row.tries) == ("sent", None, 1)
    await deliver(queue.state)
    assert len(inbox.mails) == 2


@SQLITE
@pytest.mark.parametrize("at_once", [True, False])
async def test_the_password_goes_over_tls_only(
    queue: Queue, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, at_once: bool
) -> None:
    """With TLS from the start and with STARTTLS, against the certificates that the machine trusts."""
    pem = certificate(tmp_path)
    scheme = "smtps" if at_once else "smtp"
    async with smtp_server(tls=context(pem), at_once=at_once, auth=True) as inbox:
        queue.send_by(f"{scheme}://{USER}:{quote(PASSWORD, safe='')}@127.0.0.1:{inbox.port}")
        await queue.post("anna@mail.example")
        await deliver(queue.state)
        assert inbox.mails == []  # Nobody vouches for the certificate.
        monkeypatch.setenv("SSL_CERT_FILE", str(pem))
        queue.clock.advance(minutes=2)
        await deliver(queue.state)
    assert len(inbox.mails) == 1
    assert inbox.encrypted == [True]


@SQLITE
async def test_without_tls_a_password_is_not_sent_nor_written_down(
    queue: Queue, capfd: pytest.CaptureFixture[str]
) -> None:
    """A server that offers no STARTTLS gets nothing; neither the log nor the row has the password."""
    async with smtp_server() as inbox:
        queue.send_by(f"smtp://{USER}:{quote(PASSWORD, safe='')}@127.0.0.1:{inbox.port}")
        await queue.post("anna@mail.example")
        await deliver(queue.state)
    assert inbox.mails == []
    (row,) = await queue.rows()
    assert row.state == "waiting"
    assert row.last_error
    said = capfd.readouterr()
    assert "mail_line_down" in said.out + said.err
    for text in (row.last_error, said.out, said.err):
        assert "hush" not in text


async def test_a_wrong_password_fails_no_mail_for_good(
    queue: Queue, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pem = certificate(tmp_path)
    monkeypatch.setenv("SSL_CERT_FILE", str(pem))
    async with smtp_server(tls=context(pem), auth=True) as inbox:
        queue.send_by(f"smtp://{USER}:wrong@127.0.0.1:{inbox.port}")
        await queue.post("anna@mail.example")
        await deliver(queue.state)
    (row,) = await queue.rows()
    assert row.state == "waiting"
    assert row.last_error.startswith("535")


async def test_a_refusal_for_now_is_tried_again_later_and_one_for_good_is_not(queue: Queue) -> None:
    """Between tries the pause doubles; the others of the same round are not held up."""
    async with smtp_server() as inbox:
        queue.send_by(f"smtp://127.0.0.1:{inbox.port}")
        inbox.answers = {"busy@mail.example": "451 try later", "gone@mail.example": "550 no such user here"}
        inbox.on_data = {"full@mail.example": "552 mailbox full"}
        for name in ("busy", "gone", "full", "anna"):
            await queue.post(f"{name}@mail.example")
        await deliver(queue.state)
        assert [mail["To"] for mail in inbox.mails] == ["anna@mail.example"]
        rows = {row.recipient.partition("@")[0]: row for row in await queue.rows()}
        assert rows["busy"].last_error == "451 try later"
        assert {name: row.state for name, row in rows.items()} == {
            "busy": "waiting",
            "gone": "failed",
            "full": "failed",
            "anna": "sent",
        }
        assert rows["gone"].last_error == "550 no such user here"
        assert rows["gone"].content is not None
        for tries, minutes in ((1, 1), (2, 2), (3, 4), (4, 8)):
            (busy,) = [row for row in await queue.rows() if row.state == "waiting"]
            assert busy.tries == tries
            assert busy.next_try_at == queue.clock() + timedelta(minutes=minutes)
            queue.clock.advance(minutes=minutes)
            await deliver(queue.state)
        inbox.answers.clear()
        queue.clock.advance(hours=4)
        await deliver(queue.state)
    assert [mail["To"] for mail in inbox.mails] == ["anna@mail.example", "busy@mail.example"]
    assert inbox.mails[1]["Date"].datetime < queue.clock()


async def test_the_log_has_the_code_of_a_refusal_alone(queue: Queue, capfd: pytest.CaptureFixture[str]) -> None:
    """Servers answer with the address in their words; staff read them on their page, and the log keeps the code."""
    async with smtp_server() as inbox:
        queue.send_by(f"smtp://127.0.0.1:{inbox.port}")
        inbox.answers = {"gone@mail.example": "550 <gone@mail.example> no such user"}
        await queue.post("gone@mail.example")
        await deliver(queue.state)
    (row,) = await queue.rows()
    assert row.last_error == "550 <gone@mail.example> no such user"
    said = capfd.readouterr()
    assert "mail_failed" in said.out + said.err
    assert "gone@mail.example" not in said.out + said.err
    assert "550" in said.out + said.err


async def test_after_three_days_a_mail_is_given_up(queue: Queue) -> None:
    async with smtp_server() as inbox:
        queue.send_by(f"smtp://127.0.0.1:{inbox.port}")
        inbox.answers = {"busy@mail.example": "451 try later"}
        await queue.post("busy@mail.example")
        await deliver(queue.state)
        queue.clock.advance(hours=73)
        await deliver(queue.state)
    assert [row.state for row in await queue.rows()] == ["failed"]


async def test_while_the_server_is_down_nothing_is_lost(queue: Queue) -> None:
    """No answer is not a refusal; when the server is back, every mail goes."""
    async with smtp_server() as inbox:
        port = inbox.port
    queue.send_by(f"smtp://127.0.0.1:{port}")
    for number in range(3):
        await queue.post(f"anna{number}@mail.example")
    for _ in range(4):
        await deliver(queue.state)
    rows = await queue.rows()
    assert {row.state for row in rows} == {"waiting"}
    assert all(row.last_error for row in rows)
    async with smtp_server(port=port) as inbox:
        queue.clock.advance(minutes=5)
        await deliver(queue.state)
    assert len(inbox.mails) == 3


async def test_a_crash_after_the_handover_repeats_the_same_message(
    queue: Queue, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The same Message-ID and date, so that the other side can tell; before the pause is over nothing is sent."""

    async def crash(*_: object, **__: object) -> None:
        raise KeyboardInterrupt

    async with smtp_server() as inbox:
        queue.send_by(f"smtp://127.0.0.1:{inbox.port}")
        await queue.post("anna@mail.example")
        with monkeypatch.context() as patch:
            patch.setattr(delivery, "_end", crash)
            with pytest.raises(KeyboardInterrupt):
                await deliver(queue.state)
        await deliver(queue.state)
        assert len(inbox.mails) == 1
        queue.clock.advance(minutes=1)
        await deliver(queue.state)
    first, second = inbox.mails
    assert (first["Message-ID"], first["Date"]) == (second["Message-ID"], second["Date"])
    assert [row.state for row in await queue.rows()] == ["sent"]


async def sent_by_four(queue: Queue) -> int:
    """How often a mail arrives that four carriers send at once."""
    async with smtp_server() as inbox:
        queue.send_by(f"smtp://127.0.0.1:{inbox.port}")
        await queue.post("anna@mail.example")
        await asyncio.gather(*(deliver(queue.state) for _ in range(4)))
    return len(inbox.mails)


async def test_several_carriers_send_a_mail_once(queue: Queue) -> None:
    assert await sent_by_four(queue) == 1


async def test_without_the_claim_each_carrier_sends_it(queue: Queue, monkeypatch: pytest.MonkeyPatch) -> None:
    """The control of the test above: each carrier takes the row as it read it."""

    async def taken(_state: object, _practice_id: object, mail: object) -> object:
        mail.first_tried_at = queue.clock()  # type: ignore[attr-defined]
        return mail

    monkeypatch.setattr(delivery, "_claim", taken)
    assert await sent_by_four(queue) > 1


async def test_what_was_sent_long_ago_is_forgotten(queue: Queue) -> None:
    await queue.post("anna@mail.example")
    await deliver(queue.state)
    assert len(list((queue.folder / "mail").glob("*.eml"))) == 1
    queue.clock.advance(days=31)
    await forget(queue.state)
    assert await queue.rows() == []


async def test_what_a_failed_mail_said_is_deleted_once_nobody_sends_it_again(queue: Queue) -> None:
    """A week for the practice to have it tried again; the row says for a month that it did not arrive."""
    await queue.post("rosa@mail.example")

    def fail(session: Session) -> None:
        row = session.exec(select(Mail)).one()
        row.state, row.ended_at = FAILED, queue.clock()

    await queue.state.records.change("northgate", fail)
    for days, kept in ((6, [True]), (2, [False]), (24, [])):
        queue.clock.advance(days=days)
        await forget(queue.state)
        assert [row.content is not None for row in await queue.rows()] == kept


async def test_a_practice_posts_and_sees_only_its_own_mail(queue: Queue) -> None:
    """A mail belongs to the practice of its transaction; another's is refused."""
    await queue.post("anna@mail.example")
    assert await queue.rows("harborview") == []
    assert await queue.rows(None) == []
    mail = Letter(to="anna@mail.example", subject="", text="")
    with pytest.raises(ValueError, match="in a transaction of northgate"):
        await queue.state.records.change(None, lambda session: post(session, mail, practice_id="northgate"))
