"""Import and export: a file is handed in, what it would do is shown, and then it is done, or nothing is."""

from __future__ import annotations

import csv
import io
import re
import secrets
from typing import TYPE_CHECKING, Any

from sqlalchemy import update
from sqlmodel import col, func, select
from starlette.datastructures import UploadFile
from starlette.responses import Response

from gateway.admin.importing.jobs import Shown, draft, finish, pack, start, unpack
from gateway.admin.importing.plan import LEAVE, NEW, USE
from gateway.admin.importing.reading import UnreadableError, escaped
from gateway.admin.importing.shapes import FIELDS, MAPPED, SHAPES, TOGGLES, field_words
from gateway.admin.importing.telling import counts_said, describe, describe_export, names_of, past_of, summary_of
from gateway.admin.switches import Problem
from gateway.edge.errors import CannotDecide, NotFound, Rejected
from gateway.edge.guard import Guard, Route
from gateway.edge.questions import may
from gateway.records.files import FILE_BYTES_MAX
from gateway.web.language import N_, _
from gateway.web.pages import page, say, see_other
from gateway.web.paging import page_number, pages_of
from gateway.web.words import Badge
from models.tables.imports import ExportDone, ImportJob

if TYPE_CHECKING:
    from sqlmodel import Session
    from starlette.requests import Request

SIZE = 50
HISTORY = 20
MATCHES_MAX = 100  # of one page; the others are taken as they are here
_ONCE = re.compile(r"[0-9a-f]{32}")
_NAME_MAX = 120
_RUN = Guard("run", "import")
_JOB = "/admin/import/{job}"
_OUTCOMES = {
    "new": Badge(N_("New"), "good"),
    "unchanged": Badge(N_("Here already")),
    "kept": Badge(N_("Differs: stays as it is here"), "warn"),
    "changed": Badge(N_("Is changed as in the file"), "info"),
    "left_out": Badge(N_("Left out")),
}
_CHOICES = {
    USE: N_("The same person: use the one who is here"),
    LEAVE: N_("Leave these rows out"),
    NEW: N_("Somebody else: add a new client"),
}


async def show_imports(request: Request) -> Response:
    """Where to begin, and what was imported and exported before."""
    return await _start_page(request)


async def take_file(request: Request) -> Response:
    """Keep a file as a draft, and show what it would do."""
    form, app, reader = await request.form(), request.app.state, request.state.reader
    sent, once = form.get("file"), str(form.get("once", ""))
    if not isinstance(sent, UploadFile) or not sent.filename:
        return await _start_page(request, _("Choose a file first."))
    content = await sent.read(FILE_BYTES_MAX + 1)
    if len(content) > FILE_BYTES_MAX:
        return await _start_page(
            request,
            _("This file is larger than %(limit)s MB. Please import it in parts.", limit=FILE_BYTES_MAX // 1024**2),
        )
    job = ImportJob(
        id=secrets.token_hex(16),
        practice_id=reader.practice_id,
        once=once if _ONCE.fullmatch(once) else secrets.token_hex(16),
        file_name=" ".join("".join(sign for sign in sent.filename if sign.isprintable()).split())[-_NAME_MAX:]
        or "file",
        content=content,
        made_by=reader.id,
        made_at=app.clock(),
    )
    try:
        shown = await draft(app, job, reader.actor)
    except (UnreadableError, Rejected) as error:
        return await _start_page(request, str(error))
    job.plan, job.digest = pack(shown), shown.digest

    def write(session: Session) -> str:
        same = session.exec(select(ImportJob.id).where(ImportJob.once == job.once)).first()
        if same is None:
            session.add(job)
        return same or job.id

    return see_other(f"/admin/import/{await app.records.change(reader.practice_id, write)}")


async def show_job(request: Request) -> Response:
    """What a file would do, is doing or did."""
    job = await _job(request)
    if job.state == "draft":
        return await _draft_page(request, job, unpack(job.plan))
    response = await page(
        request, "admin/import_done.html", job=job, past=await past_of(request, job), counts=counts_said(job)
    )
    if job.state == "running":
        response.headers["Refresh"] = "4"
    return response


async def save_choices(request: Request) -> Response:
    """Keep what was chosen, and work out again what would happen."""
    job, form = await _draft(request), await request.form()
    options: dict[str, Any] = {
        "shape": str(form.get("shape", "")),
        "differing": "take" if form.get("differing") == "take" else "keep",
        "invite": form.get("invite") == "on",
        "settings": form.get("settings") == "on",
        "choices": {**job.options.get("choices", {}), **_prefixed(form, "choice ")},
    }
    if form.get("dates") in ("mdy", "dmy"):
        options["day_first"] = form.get("dates") == "dmy"
    columns = {name: column for name, column in _prefixed(form, "column ").items() if name in (*FIELDS, *TOGGLES)}
    if options["shape"] == MAPPED:
        options["columns"] = columns
    job.options = options
    await _work_out(request, job)
    return see_other(f"/admin/import/{job.id}?seen=again#what")


async def run(request: Request) -> Response:
    """Bring in what was shown; anything that changed since is shown anew first."""
    job, app, reader = await _draft(request), request.app.state, request.state.reader
    seen = str((await request.form()).get("digest", ""))
    shown = await _work_out(request, job)
    if shown.digest != seen or not shown.is_ready:
        await say(
            request, _("Nothing was imported: something changed since you looked. This is what would happen now.")
        )
        return see_other(f"/admin/import/{job.id}")
    if await start(app, job, shown, reader):
        try:
            await finish(app, reader.practice_id, job.id)
        except CannotDecide:
            await say(
                request, _("The import was interrupted. It is brought to its end by itself; look again in a minute.")
            )
    return see_other(f"/admin/import/{job.id}")


async def discard(request: Request) -> Response:
    """Forget a draft and its file."""
    job, app = await _draft(request), request.app.state
    gone = {"state": "discarded", "content": b"", "plan": b"", "finished_at": app.clock()}
    same = (col(ImportJob.id) == job.id, col(ImportJob.state) == "draft")
    statement = update(ImportJob).where(*same).values(**gone)
    await app.records.change(job.practice_id, lambda session: session.execute(statement) and None)
    await say(request, _("The file was discarded. Nothing was imported."))
    return see_other("/admin/import")


async def download_faults(request: Request) -> Response:
    """What is wrong with the rows, as a table."""
    job = await _draft(request)
    out = io.StringIO()
    table = csv.writer(out)
    table.writerow([_("Line"), _("Column"), _("What is wrong")])
    for fault in unpack(job.plan).faults:
        table.writerow([fault.line or "", escaped(fault.column), escaped(fault.sentence)])
    headers = {"Content-Disposition": 'attachment; filename="errors.csv"', "Cache-Control": "no-store"}
    return Response(out.getvalue().encode("utf-8-sig"), media_type="text/csv; charset=utf-8", headers=headers)


async def _work_out(request: Request, job: ImportJob) -> Shown:
    app = request.app.state
    try:
        shown = await draft(app, job, request.state.reader.actor)
    except (UnreadableError, Rejected) as error:
        await say(request, str(error))
        return unpack(job.plan)
    values = {"options": job.options, "plan": pack(shown), "digest": shown.digest, "problem": ""}
    same = (col(ImportJob.id) == job.id, col(ImportJob.state) == "draft")
    statement = update(ImportJob).where(*same).values(**values)
    await app.records.change(job.practice_id, lambda session: session.execute(statement) and None)
    return shown


async def _job(request: Request) -> ImportJob:
    practice_id, job_id = request.state.reader.practice_id, request.path_params["job"]
    job: ImportJob | None = await request.app.state.records.read(
        practice_id, lambda session: session.get(ImportJob, job_id)
    )
    if job is None or job.practice_id != practice_id:
        raise NotFound
    return job


async def _draft(request: Request) -> ImportJob:
    job = await _job(request)
    if job.state != "draft":
        raise NotFound
    return job


def _prefixed(form: Any, prefix: str) -> dict[str, str]:
    return {
        name.removeprefix(prefix): value
        for name, value in form.multi_items()
        if name.startswith(prefix) and isinstance(value, str) and value
    }


async def _start_page(request: Request, problem: str = "") -> Response:
    practice_id = request.state.reader.practice_id
    first = (page_number(request) - 1) * HISTORY

    def read(session: Session) -> tuple[list[ImportJob], int, list[ExportDone]]:
        mine = col(ImportJob.practice_id) == practice_id
        newest = select(ImportJob).where(mine).order_by(col(ImportJob.made_at).desc(), ImportJob.id)
        total = session.exec(select(func.count()).select_from(ImportJob).where(mine)).one()
        exports = select(ExportDone).where(ExportDone.practice_id == practice_id)
        latest = exports.order_by(col(ExportDone.done_at).desc()).limit(5)
        return list(session.exec(newest.offset(first).limit(HISTORY))), total, list(session.exec(latest))

    jobs, total, exports = await request.app.state.records.read(practice_id, read)
    names = await names_of(
        request, [*(job.started_by or job.made_by for job in jobs), *(each.done_by for each in exports)]
    )
    (may_export,) = await may(request, [("export", "records", {})])
    return await page(
        request,
        "admin/import.html",
        status=422 if problem else 200,
        problems=[Problem("file", problem)] if problem else [],
        once=secrets.token_hex(16),
        limit=FILE_BYTES_MAX // 1024**2,
        shapes=[(shape.product, _(shape.says)) for shape in SHAPES.values()],
        history=[describe(request, job, names) for job in jobs],
        exports=[describe_export(request, done, names) for done in exports],
        may_export=may_export,
        pages=pages_of(request, total, HISTORY),
    )


async def _draft_page(request: Request, job: ImportJob, shown: Shown) -> Response:
    wanted = request.query_params.get("show", "")
    chosen = [step for step in sorted(shown.steps, key=lambda step: step.line) if wanted in ("", step.outcome)]
    first = (page_number(request) - 1) * SIZE
    matches = sorted(shown.matches, key=lambda match: (bool(match.choice), match.line))
    return await page(
        request,
        "admin/import_draft.html",
        job=job,
        shown=shown,
        product=SHAPES[shown.shape].product if shown.shape in SHAPES else "",
        options=job.options,
        differs=any(step.outcome in ("kept", "changed") for step in shown.steps),
        problem=job.problem,
        summary=summary_of(shown),
        steps=chosen[first : first + SIZE],
        outcomes={name: Badge(_(badge.label), badge.tone) for name, badge in _OUTCOMES.items()},
        shows=[
            (name, _(badge.label), sum(s.outcome == name for s in shown.steps)) for name, badge in _OUTCOMES.items()
        ],
        wanted=wanted,
        faults=shown.faults[:SIZE],
        matches=matches[:MATCHES_MAX],
        more_matches=max(0, len(matches) - MATCHES_MAX),
        choice_words={name: _(words) for name, words in _CHOICES.items()},
        fields=[(name, _(field_words(name)), shown.columns.get(name, "")) for name in (*FIELDS, *TOGGLES)],
        pages=pages_of(request, len(chosen), SIZE),
    )


ROUTES = (
    Route("/admin/import", show_imports, guard=_RUN),
    Route("/admin/import", take_file, guard=_RUN, methods=("POST",), files=1),
    Route(_JOB, show_job, guard=_RUN),
    Route(_JOB, save_choices, guard=_RUN, methods=("POST",)),
    Route(f"{_JOB}/run", run, guard=_RUN, methods=("POST",)),
    Route(f"{_JOB}/discard", discard, guard=_RUN, methods=("POST",)),
    Route(f"{_JOB}/errors.csv", download_faults, guard=_RUN),
)
