"""The gateway works the same on PostgreSQL and Redis, and two processes of it share sessions and counts."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from gateway.app import create_app
from gateway.edge.attempts import FOR_ONE_NAME_MAX
from tests.gateway.portal_stack import Browser, SeededFiles, living, portal

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = pytest.mark.anyio


@pytest.mark.usefixtures("redis")
async def test_two_processes_on_postgresql_and_redis_are_one_portal(
    tmp_path: Path, seeded_files: SeededFiles, seeded_postgres: str, redis_url: str
) -> None:
    settings = {"records_database_url": seeded_postgres, "redis_url": redis_url, "session_secret": "s" * 32}
    async with portal(tmp_path, seeded_files, **settings) as site:
        other = create_app(site.state.settings, clock=site.clock, authz_transport=site.line)
        async with living(other):
            dana = await site.as_("dana")
            elsewhere = Browser(other)
            elsewhere.http.cookies = dana.http.cookies
            for path, status in (
                ("/c/mia/invoices/inv_mia_1", 200),
                ("/c/mia/invoices/inv_mia_2", 404),
                ("/c/wren", 200),
            ):
                assert (await dana.get(path)).status_code == status
                assert (await elsewhere.get(path)).status_code == status
            listed = (await elsewhere.get("/c/mia/invoices")).text
            assert "NG-1044" in listed
            assert "NG-1045" not in listed
            assert (await (await site.as_("jo")).get("/admin/clients/mia")).status_code == 200

            await elsewhere.post("/sign-out", {}, "/")
            assert (await dana.get("/c/mia")).headers["location"] == "/sign-in?next=/c/mia"

            for _ in range(FOR_ONE_NAME_MAX):
                await Browser(other).sign_in("tom", "wrong")
            assert (await site.browser().sign_in("tom")).status_code == 429


async def test_without_redis_nobody_comes_in(tmp_path: Path, seeded_files: SeededFiles) -> None:
    async with portal(tmp_path, seeded_files, redis_url=f"unix://{tmp_path}/none.socket") as site:
        answer = await site.browser().sign_in("dana")
        assert answer.status_code == 503
        assert "set-cookie" not in answer.headers
