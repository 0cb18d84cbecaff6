"""A copy of the policy to try changes on. It is the reader's own, and nothing in it ever serves."""

from __future__ import annotations

import io
import re
import zipfile
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo

from starlette.responses import Response

from gateway.edge.errors import NotFound, Rejected
from gateway.edge.guard import Guard, Route
from gateway.edge.questions import opens
from gateway.review.drafts import PLACES, SUITES, drafts_of, drop_draft, find_draft, new_draft, save_draft
from gateway.review.playground_words import outcome, size_of
from gateway.review.reading import SERVING, Version, told, version_asked
from gateway.web.formats import clock_time, day
from gateway.web.language import _
from gateway.web.pages import page, say, see_other

if TYPE_CHECKING:
    from collections.abc import Mapping

    from starlette.datastructures import FormData
    from starlette.requests import Request

    from gateway.review.drafts import Draft

PAGE = "/review/playground"
FILES_MAX = 150
_FIELD = "file:"
_PART = "[A-Za-z0-9_][A-Za-z0-9_-]*"
_NAME = re.compile(rf"facts\.yaml|invariants\.yaml|suites/{_PART}\.yaml|(?:{_PART}/){{0,4}}{_PART}\.polar")
_QUESTION = ("subject_type", "action", "resource_type")


async def playground_page(request: Request) -> Response:
    """The reader's drafts, and a new copy of any version."""
    return await _list(request)


async def begin(request: Request) -> Response:
    """Copy a version."""
    version = str((await request.form()).get("version", "")) or SERVING
    authz, actor = request.app.state.authz, request.state.reader.actor
    shelf = await told(authz.versions(actor=actor))
    digest = str(shelf["serving"]) if version == SERVING else version
    if digest not in {each["digest"] for each in shelf["versions"]}:
        raise NotFound
    draft = await new_draft(request, digest, await told(authz.texts(digest, actor=actor)))
    if draft is None:
        most = _("You have %(count)s drafts, which is the most. Delete one first.", count=len(PLACES))
        return await _list(request, problem=most, status=409)
    return see_other(f"{PAGE}/{draft.place}")


async def draft_page(request: Request) -> Response:
    """A draft with its texts, and what its last check found."""
    return await _show(request, await _draft(request))


async def change(request: Request) -> Response:
    """Whatever a button of the draft's form does; the texts are saved before anything else."""
    form = await request.form()
    draft, wanted = await _draft(request, may_be_gone=True), str(form.get("do", "check"))
    files, asked = _texts(form), {name: str(form.get(name, ""))[:20_000] for name in (*_QUESTION, "facts")}
    if wanted == "download":
        return _zip(files)
    if draft is None or (draft.revision != form.get("revision") and files != draft.files):
        # Another tab saved or deleted it meanwhile: neither text is lost.
        return await _keep_beside(request, draft, form, files, asked)
    do, _colon, name = wanted.partition(":")
    if do == "discard":
        await drop_draft(request, draft)
        await say(request, _("Draft %(number)s is deleted.", number=draft.place))
        return see_other(PAGE)
    draft = await save_draft(request, draft, files=files, asked=asked)
    here = f"{PAGE}/{draft.place}"
    if do == "add":
        return await _add(request, draft, str(form.get("new_name", "")).strip())
    if do == "remove":
        await save_draft(request, draft, files={other: text for other, text in files.items() if other != name})
        return see_other(f"{here}#files")
    if do == "restore" and name in draft.base:
        await save_draft(request, draft, files=files | {name: draft.base[name]})
        return see_other(f"{here}#files")
    if do == "stage":
        return await _stage(request, draft, str(form.get("note", ""))[:500])
    if do == "save":
        await say(request, _("The draft is saved."))
        return see_other(here)
    return await _check(request, draft)


async def _check(request: Request, draft: Draft) -> Response:
    try:
        ask = _asked(draft.asked)
    except ValueError as error:
        return await _show(request, draft, problem=str(error), status=422)
    try:
        found = await told(
            request.app.state.authz.try_copy(draft.files, draft.against, ask, actor=request.state.reader.actor)
        )
    except Rejected as error:
        return await _show(request, draft, problem=str(error), status=error.status)
    await save_draft(request, draft, found=found, checked=draft.revision)
    return see_other(f"{PAGE}/{draft.place}#found")


async def _add(request: Request, draft: Draft, name: str) -> Response:
    problem = ""
    if not _NAME.fullmatch(name) or len(name) > 120:
        problem = _("A file is named like limits/item.polar, invariants.yaml or suites/mine.yaml.")
    elif name in draft.files:
        problem = _("There is a file %(name)s already.", name=name)
    elif len(draft.files) >= FILES_MAX:
        problem = _("A draft has at most %(count)s files.", count=FILES_MAX)
    if problem:
        return await _show(request, draft, problem=problem, field="new_name", status=422)
    await save_draft(request, draft, files={**draft.files, name: draft.base.get(name, "")})
    return see_other(f"{PAGE}/{draft.place}?file={name}#files")


async def _stage(request: Request, draft: Draft, note: str) -> Response:
    try:
        staged = await told(request.app.state.authz.stage_version(draft.bundle, note, actor=request.state.reader.actor))
    except Rejected as error:
        lines = [f"{each['file']}:{each['line']}: {each['message']}" for each in error.problems[:10]]
        return await _show(request, draft, problem=" ".join([str(error), *lines]), status=error.status)
    await say(request, _("The draft is staged. It serves once it is deployed."))
    return see_other(f"/review/versions/{staged['digest']}")


async def _keep_beside(
    request: Request, draft: Draft | None, form: FormData, files: Mapping[str, str], asked: Mapping[str, str]
) -> Response:
    against = draft.against if draft is not None else str(form.get("against", ""))
    base = await told(request.app.state.authz.texts(against or SERVING, actor=request.state.reader.actor))
    copy = await new_draft(request, against, base, files=files, asked=asked)
    if copy is None:
        sentence = _(
            "This draft was changed in another tab, and there is no place for a second one. Download this text."
        )
        if draft is None:
            raise NotFound
        return await _show(request, draft, texts=files, problem=sentence, status=409, of=str(form.get("revision", "")))
    number = request.path_params["draft"]
    await say(
        request,
        _("Draft %(number)s was changed or deleted in another tab. Your text is kept here, as draft %(copy)s.",
          number=number, copy=copy.place),
    )  # fmt: skip
    return see_other(f"{PAGE}/{copy.place}")


async def _draft(request: Request, *, may_be_gone: bool = False) -> Any:
    place = request.path_params["draft"]
    known = place.isascii() and place.isdigit() and int(place) in PLACES
    draft = await find_draft(request, int(place)) if known else None
    if draft is None and not (may_be_gone and known):
        raise NotFound
    return draft


async def _list(request: Request, problem: str = "", status: int = 200) -> Response:
    shelf = await told(request.app.state.authz.versions(actor=request.state.reader.actor))
    drafts = [
        {"draft": draft, "when": _when(request, draft.saved_at), "changed": len(draft.changed)}
        for draft in await drafts_of(request)
    ]
    wanted = version_asked(request)
    return await page(
        request,
        "review/playground.html",
        status=status,
        drafts=drafts,
        problem=problem,
        versions=shelf["versions"],
        chosen=shelf["serving"] if wanted == SERVING else wanted,
        serving=shelf["serving"],
        days=7,
    )


async def _show(
    request: Request,
    draft: Draft,
    *,
    texts: Mapping[str, str] | None = None,
    problem: str = "",
    field: str = "",
    status: int = 200,
    of: str = "",
) -> Response:
    """The draft; or texts that are not kept, `of` the revision that they were written on."""
    (may_stage,) = await opens(request, [("stage", "policy")])
    files = draft.files if texts is None else texts
    found = None if draft.found is None else outcome(draft.found, files)
    noted = set() if found is None else {each.file for each in found.problems}
    query = request.query_params.get("file", "")
    changed = draft.changed
    return await page(
        request,
        "review/playground_draft.html",
        status=status,
        draft=draft,
        revision=of or draft.revision,
        problem=problem,
        field=field,
        version=Version(draft.against, serves=False),
        files=[
            {
                "name": name,
                "id": f"file-{number}",
                "text": text,
                "lines": text.count("\n") + 1,
                "how": changed.get(name, ""),
                "noted": name in noted,
                "open": name == query or name in noted or name in changed,
            }
            for number, (name, text) in enumerate(_in_order(files).items(), 1)
        ],
        removed=[name for name, how in changed.items() if how == "removed"],
        found=found,
        places={name: f"file-{number}" for number, name in enumerate(_in_order(files), 1)},
        may_stage=may_stage,
        saved=_when(request, draft.saved_at),
        size=size_of(files),
    )


def _in_order(files: Mapping[str, str]) -> dict[str, str]:
    first = ("facts.yaml", "main.polar", "invariants.yaml")
    return {
        name: files[name] for name in sorted(files, key=lambda name: (name not in first, name.startswith(SUITES), name))
    }


def _texts(form: FormData) -> dict[str, str]:
    """The texts of a form, with the line ends that files have."""
    return {
        name.removeprefix(_FIELD): text.replace("\r\n", "\n")
        for name, text in form.multi_items()
        if name.startswith(_FIELD) and isinstance(text, str)
    }


def _asked(fields: Mapping[str, str]) -> dict[str, Any] | None:
    """The question of a form; None when none is asked. ValueError says what cannot be read."""
    if not any(fields.get(name, "").strip() for name in _QUESTION):
        return None
    facts: dict[str, bool | str] = {}
    for line in fields.get("facts", "").splitlines():
        if not line.strip():
            continue
        name, equals, value = (part.strip() for part in line.partition("="))
        if not equals or not name or not value:
            raise ValueError(_("A fact is written like subject.kind = payer, and not like “%(line)s”.", line=line[:80]))
        facts[name] = {"true": True, "false": False}.get(value, value)
    return {name: fields.get(name, "").strip() for name in _QUESTION} | {"facts": facts}


def _zip(files: Mapping[str, str]) -> Response:
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w", zipfile.ZIP_DEFLATED) as archive:
        for name in sorted(files):
            if _NAME.fullmatch(name):
                archive.writestr(zipfile.ZipInfo(name, (1980, 1, 1, 0, 0, 0)), files[name])
    headers = {"content-disposition": 'attachment; filename="policy.zip"'}
    return Response(content.getvalue(), media_type="application/zip", headers=headers)


def _when(request: Request, seconds: float) -> str:
    moment = datetime.fromtimestamp(seconds, UTC).astimezone(ZoneInfo(request.state.reader.zone))
    return f"{day(moment.date())}, {clock_time(moment)}"


_MAY = Guard("run", "policy")
ROUTES = (
    Route(PAGE, playground_page, guard=_MAY),
    Route(PAGE, begin, guard=_MAY, methods=("POST",)),
    Route(f"{PAGE}/{{draft}}", draft_page, guard=_MAY),
    Route(f"{PAGE}/{{draft}}", change, guard=_MAY, methods=("POST",)),
)
