"""The pages of the calendar, over the gateway and the service."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

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


async def test_all_pages_open(site: Portal) -> None:
    rosa = await site.as_("rosa")
    for path in (
        "/c/rosa/calendar",
        "/c/rosa/calendar?view=month",
        "/c/rosa/calendar?view=week&on=2026-06-17",
        "/calendar",
        "/calendar?view=month",
        "/calendar?view=week",
        "/c/rosa/calendar/pdf",
        "/calendar/pdf?view=month",
        "/c/rosa/appointments/appt_rosa_3",
        "/c/rosa/appointments/appt_rosa_3/cancel",
        "/c/rosa/appointments/appt_rosa_3/move",
        "/c/rosa/appointments/new",
        "/c/rosa/calendar/feed",
    ):
        answer = await rosa.get(path)
        print(path, answer.status_code, len(answer.content))
        assert answer.status_code == 200
