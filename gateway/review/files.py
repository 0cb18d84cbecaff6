"""The policy's files, read in order, and searched."""

from __future__ import annotations

from typing import TYPE_CHECKING

from gateway.edge.guard import Guard, Route
from gateway.review.facts import ROUTES as FACT_ROUTES
from gateway.review.reading import FILES, lines_of, told, version_asked, version_of
from gateway.review.rules import ROUTES as RULE_ROUTES
from gateway.web.pages import page

if TYPE_CHECKING:
    from starlette.requests import Request
    from starlette.responses import Response

WORDS_MAX = 200
_MAY = Guard("view", "policy")


async def files_page(request: Request) -> Response:
    """Every file of a version in reading order; or what a search finds."""
    actor, wanted = request.state.reader.actor, request.query_params.get("q", "").strip()[:WORDS_MAX]
    answer = await told(request.app.state.authz.policy_files(version_asked(request), wanted, actor=actor))
    files = answer["files"]
    return await page(
        request,
        "review/files.html",
        version=version_of(answer),
        files=files,
        wanted=wanted,
        found=answer["found"],
        permits=sum(file["permits"] for file in files),
        forbids=sum(file["forbids"] for file in files),
        lines=sum(file["lines"] for file in files),
        facts=answer["facts"],
        questions=answer["questions"],
    )


async def file_page(request: Request) -> Response:
    """One file with its lines numbered, its words marked and what they name linked."""
    name = request.path_params["name"]
    answer = await told(
        request.app.state.authz.policy_file(version_asked(request), name, actor=request.state.reader.actor)
    )
    version = version_of(answer)
    return await page(
        request,
        "review/files_text.html",
        version=version,
        file=answer,
        lines=lines_of(version, answer["lines"]),
        path=request.url.path,
    )


ROUTES = (
    Route(FILES, files_page, guard=_MAY),
    Route(f"{FILES}/{{name}}", file_page, guard=_MAY),
    *RULE_ROUTES,
    *FACT_ROUTES,
)
