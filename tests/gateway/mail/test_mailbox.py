"""The demo's mailbox shows mails as text, and is nowhere else; a practice sees which of its mails failed."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from sqlalchemy import update

from gateway.mail.delivery import deliver
from gateway.mail.post import Letter, post
from models.tables.mail import Mail
from tests.gateway.portal_stack import portal

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

    from tests.gateway.portal_stack import Portal, SeededFiles

pytestmark = pytest.mark.anyio


@pytest.fixture
async def site(tmp_path: Path, seeded_files: SeededFiles) -> AsyncIterator[Portal]:
    async with portal(tmp_path, seeded_files) as running:
        yield running


async def send(site: Portal, to: str, subject: str, text: str, practice_id: str | None = None) -> str:
    """The id of a new mail."""
    mail = Letter(to=to, subject=subject, text=text, html=f"<script>alert(1)</script>{text}")

    def work(session: object) -> str:
        post(session, mail)  # type: ignore[arg-type]
        (row,) = session.new  # type: ignore[attr-defined]
        return str(row.id)

    found: str = await site.state.records.change(practice_id, work)
    return found


async def test_a_mail_is_shown_as_text_with_its_links(site: Portal) -> None:
    """Nothing of its HTML is run or shown; the newest mail comes first, and an address finds its own."""
    name = await send(site, "ann@mail.example", "<b>Hi</b>", "See http://127.0.0.1:8080/join/a_b-c\n<i>x</i> & y\n")
    await send(site, "bob@mail.example", "Later", "x")
    await deliver(site.state)
    browser = site.browser()
    page = (await browser.get("/demo/mailbox")).text
    assert page.index("Later") < page.index("&lt;b&gt;Hi&lt;/b&gt;")
    assert "Later" not in (await browser.get("/demo/mailbox?to=ANN")).text
    mail = (await browser.get(f"/demo/mailbox/{name}")).text
    assert '<a href="http://127.0.0.1:8080/join/a_b-c">http://127.0.0.1:8080/join/a_b-c</a>' in mail
    assert "&lt;i&gt;x&lt;/i&gt; &amp; y" in mail
    assert "alert" not in mail
    assert "/demo/mailbox" in (await browser.get("/sign-in")).text


async def test_names_that_are_no_mail_lead_nowhere(site: Portal) -> None:
    (site.state.settings.data_dir / "mail").mkdir(exist_ok=True)
    (site.state.settings.data_dir / "mail" / "secret.eml").write_text("Subject: x\n\nx")
    for name in ("secret", "f" * 32, "..%2frecords", "%00"):
        assert (await site.browser().get(f"/demo/mailbox/{name}")).status_code in (400, 404)


async def test_a_demo_that_sends_mail_has_no_mailbox(tmp_path: Path, seeded_files: SeededFiles) -> None:
    async with portal(tmp_path, seeded_files, smtp_url="smtp://127.0.0.1:9") as site:
        assert (await site.browser().get("/demo/mailbox")).status_code == 404
        object.__setattr__(site.state.settings, "smtp_url", "")
        assert (await site.browser().get("/demo/mailbox")).status_code == 200
        object.__setattr__(site.state.settings, "profile", "production")
        answer = await site.browser().http.get("/demo/mailbox", headers={"host": "127.0.0.1"})
        assert answer.status_code == 404


async def test_a_practice_sees_its_failed_mails_and_has_them_tried_again(site: Portal) -> None:
    """Owner and administrator do; a therapist and another practice do not, nor can they touch them."""
    name = await send(site, "gone@mail.example", "Receipt", "x", "northgate")
    failed = update(Mail).where(Mail.id == name).values(state="failed", tries=1, last_error="550 no such user")  # type: ignore[arg-type]
    await site.state.records.change("northgate", lambda session: session.execute(failed) and None)
    jo, hal, ken = [await site.as_(who) for who in ("jo", "hal", "ken")]
    page = (await jo.get("/admin/mail")).text
    assert "gone@mail.example" in page
    assert "550 no such user" in page
    assert "gone@mail.example" not in (await hal.get("/admin/mail")).text
    assert (await ken.get("/admin/mail")).status_code == 403
    assert (await hal.post(f"/admin/mail/{name}/again", {}, "/admin/practice")).status_code == 404
    assert (await ken.post(f"/admin/mail/{name}/again", {}, "/admin")).status_code == 403
    assert (await jo.post(f"/admin/mail/{name}/again", {}, "/admin/mail")).status_code == 303
    await deliver(site.state)
    assert (site.state.settings.data_dir / "mail" / f"{name}.eml").exists()
    assert (await jo.post(f"/admin/mail/{name}/again", {}, "/admin/practice")).status_code == 404
    assert "Every mail arrived." in (await jo.get("/admin/mail")).text
