"""What served, serves and waits; and a bundle handed in to wait with them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from gateway.edge.errors import Refused, Rejected
from gateway.edge.guard import Guard, Route
from gateway.edge.questions import may
from gateway.edge.refusals import staff_refusal
from gateway.review.reading import told as answer_of
from gateway.review.version import ROUTES as VERSION
from gateway.review.version_difference import ROUTES as DIFFERENCE
from gateway.review.version_service import ROUTES as SERVICE
from gateway.review.version_upload import BYTES_MAX, FILES_MAX, BundleUnreadableError, read_upload
from gateway.review.version_words import PAGE, read_shelf, version_href
from gateway.web.language import _
from gateway.web.pages import page, say, see_other

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from starlette.requests import Request
    from starlette.responses import Response

NOTE_MAX = 500
_LINE_MAX = 200


async def versions_page(request: Request) -> Response:
    """Everything that is kept, and what served when; whose practice does not keep the policy is told so."""
    try:
        return await _page(request)
    except Refused:
        return await page(request, "review/versions_elsewhere.html")


async def stage(request: Request) -> Response:
    """Keep what was handed in, once it is proven; every problem is listed with its file and line."""
    authz, actor = request.app.state.authz, request.state.reader.actor
    form = await request.form()
    note = " ".join(str(form.get("note", "")).split())
    if len(note) > NOTE_MAX:
        return await _page(
            request, note=note, problem=("note", _("The note has at most %(most)s letters.", most=NOTE_MAX))
        )
    try:
        serving = await answer_of(authz.version("serving", actor=actor))
        files = await read_upload(form, [each["name"] for each in serving["files"]])
    except BundleUnreadableError as error:
        return await _page(request, note=note, problem=("files", str(error)))
    try:
        version = await authz.stage_version(files, note, actor=actor)
    except Rejected as error:
        if error.status == 403:
            raise Refused(staff_refusal()) from error
        return await _page(request, note=note, problem=("files", error.detail), faults=_faults(error, files))
    await say(request, _("It is staged: proven, and kept beside what serves."))
    return see_other(version_href(version["digest"]))


def _faults(error: Rejected, files: Mapping[str, str]) -> list[dict[str, object]]:
    """What is wrong, with the line as it was handed in."""
    found = []
    for problem in error.problems:
        lines, line = files.get(problem["file"], "").splitlines(), int(problem["line"])
        text = lines[line - 1][:_LINE_MAX] if 0 < line <= len(lines) else ""
        found.append({"file": problem["file"], "line": line, "message": problem["message"], "text": text})
    return found


async def _page(
    request: Request,
    note: str = "",
    problem: tuple[str, str] | None = None,
    faults: Sequence[Mapping[str, object]] = (),
) -> Response:
    shelf = await read_shelf(request)
    may_stage, may_deploy = await may(request, [("stage", "policy", {}), ("deploy", "policy", {})])
    problems = [] if problem is None else [{"field": problem[0], "sentence": problem[1]}]
    return await page(
        request,
        "review/versions.html",
        status=422 if problems else 200,
        shelf=shelf,
        may_stage=may_stage,
        may_deploy=may_deploy,
        note=note,
        note_max=NOTE_MAX,
        kilobytes=BYTES_MAX // 1024,
        problems=problems,
        faults=faults,
    )


ROUTES = (
    Route(PAGE, versions_page, guard=Guard("view", "policy")),
    Route(PAGE, stage, guard=Guard("stage", "policy"), methods=("POST",), files=FILES_MAX),
    *SERVICE,
    *VERSION,
    *DIFFERENCE,
)
