"""A practice entered on the command line: its owner chooses a password by the link, and nobody else can."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from authz_service.commands.founding import found_practice
from authz_service.trail.changes import Origin
from gateway.practices import NotAddedError, add_practice
from gateway.settings import Settings
from tests.gateway.portal_stack import portal

if TYPE_CHECKING:
    from pathlib import Path

    from tests.gateway.portal_stack import SeededFiles

ARGUMENTS = {
    "zone": "America/New_York",
    "name": "Northside Counseling",
    "owner": "ana",
    "owner-name": "Ana Ruiz",
    "owner-email": "Ana@Northside.example",
}


def arguments(practice: str = "northside", **changed: str) -> list[str]:
    named = {**ARGUMENTS, **{name.replace("_", "-"): value for name, value in changed.items()}}
    return [practice, *(part for name, value in named.items() for part in (f"--{name}", value))]


@pytest.mark.anyio
async def test_the_link_leads_the_owner_to_a_password_and_in(tmp_path: Path, seeded_files: SeededFiles) -> None:
    async with portal(tmp_path, seeded_files) as running:
        origin = Origin("command line", "r1", "system/operator")
        found_practice(running.authz.service.store, origin, "northside", "America/New_York", "ana")
        link = add_practice(running.state.settings, arguments(), running.clock)
        path = "/" + link.split("/", 3)[3]
        browser = running.browser()
        refused = await browser.sign_in("ana@northside.example", "northgate-demo-2026")
        assert refused.status_code != 303
        new = "a lamp beside the old harbor"
        chosen = await browser.post(path, {"new_password": new, "confirm_password": new}, path)
        assert chosen.status_code in {200, 303}, chosen.text
        assert "new_password" not in (await running.browser().get(path)).text, "the link is worth one use"
        entered = await browser.sign_in("ana@northside.example", new)
        assert entered.status_code == 303


@pytest.mark.parametrize(
    ("given", "words"),
    [
        (arguments("northgate"), "practice northgate already"),
        (arguments(owner="jo"), "staff member jo already"),
        (arguments("north side"), "ids"),
        (arguments(zone="Mars/Olympus"), "no time zone"),
        (arguments(owner_email="ana"), "e-mail address"),
        (arguments(name=" "), "must not be empty"),
        (["northside"], "--name"),
    ],
)
def test_what_cannot_be_entered_is_said_in_one_line(
    given: list[str], words: str, tmp_path: Path, seeded_sqlite: Path, standing_clock: object
) -> None:
    settings = Settings(data_dir=tmp_path, records_database_url=f"sqlite:///{seeded_sqlite}")
    with pytest.raises(NotAddedError, match=words) as refused:
        add_practice(settings, given, standing_clock)  # type: ignore[arg-type]
    assert "\n" not in str(refused.value)
