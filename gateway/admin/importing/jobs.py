"""An import from the file to its end: a draft that is shown, then both databases, each in one transaction.

The authz service gets its part first, by the job's id, which counts once however often it is sent; then the records get
theirs together with the word that the job is done. One that was broken off between the two is brought to its end by
`resume_imports`, from the plan that was frozen when it began.
"""

from __future__ import annotations

import hashlib
import zlib
from dataclasses import asdict, dataclass, field, replace
from datetime import date, timedelta
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo

import orjson
import structlog
from anyio import to_thread
from sqlalchemy import update
from sqlmodel import col, select

from gateway.account.invitations import Inviting
from gateway.admin.importing.known import Ages, Known, read_known
from gateway.admin.importing.plan import Draft, Drafter, Match, Step, add_rest
from gateway.admin.importing.reading import Table, UnreadableError, read_table
from gateway.admin.importing.rows import Fault, is_day_first, read_rows
from gateway.admin.importing.shapes import MAPPED, SHAPES, columns_of, detect
from gateway.admin.importing.writing import write_records
from gateway.edge.authz_line import acting_amr
from gateway.edge.errors import CannotDecide, Rejected
from gateway.web.language import _
from models.tables.imports import ImportJob
from models.tables.records import Practice

if TYPE_CHECKING:
    from collections.abc import Mapping

    from sqlmodel import Session

AGAIN = timedelta(seconds=45)  # after which a running job is taken up by the next beat
KEPT = timedelta(days=7)  # a draft that nobody finishes
log: Any = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class Shown:
    """A dry run as the page shows it. `steps` and `faults` are in the order of the file."""

    shape: str
    encoding: str
    separator: str
    lines: int
    unused: list[str]
    day_first: bool
    header: list[str]
    columns: dict[str, str]
    steps: list[Step]
    matches: list[Match]
    faults: list[Fault]
    has_settings: bool
    invited: int
    body: dict[str, Any] = field(default_factory=dict)
    records: dict[str, Any] = field(default_factory=dict)
    digest: str = ""

    @property
    def questions(self) -> list[Match]:
        """Matches that nobody answered."""
        return [match for match in self.matches if not match.choice]

    @property
    def is_ready(self) -> bool:
        """Whether everything in the file can be brought in."""
        return bool(self.digest) and not self.faults and not self.questions

    def number_of(self, outcome: str, part: str) -> int:
        """How many rows of clients, of access, or (part empty) of contacts without it have an outcome."""
        return sum(step.outcome == outcome and step.part == part for step in self.steps)


def pack(shown: Shown) -> bytes:
    """The dry run as it is kept."""
    return zlib.compress(orjson.dumps(asdict(shown)))


def unpack(plan: bytes) -> Shown:
    """What `pack` made."""
    found = orjson.loads(zlib.decompress(plan))
    found["steps"] = [Step(**each) for each in found["steps"]]
    found["matches"] = [Match(**{**each, "choices": tuple(each["choices"])}) for each in found["matches"]]
    found["faults"] = [Fault(**each) for each in found["faults"]]
    return Shown(**found)


async def draft(state: Any, job: ImportJob, actor: str) -> Shown:
    """What the job would do now. UnreadableError for a file that cannot be read, Rejected when the service refuses."""
    practice, table = await state.authz.practice(job.practice_id), await to_thread.run_sync(read_table, job.content)
    kept = await state.records.practice(job.practice_id)
    today = state.clock().astimezone(ZoneInfo(kept.zone)).date()
    ages = Ages(today, practice["teen_from"], practice["adult_from"])
    known = await state.records.read(job.practice_id, lambda session: read_known(session, job.practice_id, ages))
    shown = await to_thread.run_sync(_draft, job, table, known, today)
    if shown.shape == "" or not shown.columns:
        return shown
    wanted = {**shown.body, "key": job.id, "dry_run": True}
    told = await state.authz.run_import(job.practice_id, wanted, actor=actor)
    return _told(shown, told)


def _draft(job: ImportJob, table: Table, known: Known, today: date) -> Shown:
    options = job.options
    found = detect(table.header)
    shape = SHAPES.get(options.get("shape") or "", found) if options.get("shape") != MAPPED else None
    columns = {name: column for name, column in options.get("columns", {}).items() if column in table.header}
    columns = columns or columns_of(shape, table.header)
    day_first = options.get("day_first", is_day_first(table, columns))
    about = {
        "encoding": table.encoding,
        "separator": table.separator,
        "lines": len(table.lines),
        "unused": [name for name in table.header if name and name not in columns.values()],
        "header": list(table.header),
        "day_first": day_first,
    }
    if not _has_names(columns):
        none: dict[str, Any] = {"steps": [], "matches": [], "faults": [], "has_settings": False, "invited": 0}
        return Shown(shape="", columns={}, **about, **none)
    sheet = read_rows(table, shape, columns, day_first=day_first, today=today)
    made = Drafter(sheet, known, columns, job.id, options.get("choices", {})).make()
    has_settings = _add_rest(made, table, bool(options.get("settings")))
    made.body["differing"] = "take" if options.get("differing") == "take" else "keep"
    invited = {contact["account_id"] for contact in made.records["contacts"] if contact["account_id"]}
    return Shown(
        shape=MAPPED if shape is None else shape.id,
        columns=columns,
        steps=made.steps,
        matches=made.matches,
        faults=made.faults,
        has_settings=has_settings,
        invited=len(invited) if options.get("invite") else 0,
        body=made.body,
        records=made.records,
        **about,
    )


def _has_names(columns: Mapping[str, str]) -> bool:
    return ("client_name" in columns or "client_first" in columns) and "client_born" in columns


def _add_rest(made: Draft, table: Table, wants_settings: bool) -> bool:
    """Whether the file holds settings of a practice; what else an export holds joins the draft."""
    if not table.access:
        return False
    try:
        access = orjson.loads(table.access)
        add_rest(made, access, lambda _part: wants_settings)
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        words = _("access.json in this file is not as an export writes it. Choose people.csv out of it instead.")
        raise UnreadableError(words) from error
    return bool(access.get("practice"))


def _told(shown: Shown, told: Mapping[str, Any]) -> Shown:
    """The draft with what the service says of it."""
    outcomes = {"clients": told["clients"], "grants": [grant["outcome"] for grant in told["grants"]]}
    names = {"passed_over": "left_out", "refused": "new"}
    steps = [
        replace(step, outcome=names.get(said, said))
        if step.part and (said := outcomes[step.part][step.place])
        else step
        for step in shown.steps
    ]
    lines = {(step.part, step.place): step.line for step in shown.steps if step.part}
    faults = list(shown.faults)
    for problem in told["problems"]:
        part, _dot, rest = problem["at"].partition(".")
        place, _dot, name = rest.partition(".")
        line = lines.get((part, int(place)), 0) if place.isdigit() else 0
        field_name = {"born": "client_born"}.get(name, name.replace("toggles.", "toggle_"))
        faults.append(Fault(line, shown.columns.get(field_name, ""), problem["message"]))
    records = hashlib.sha256(orjson.dumps([shown.records, shown.invited], option=orjson.OPT_SORT_KEYS)).hexdigest()
    digest = f"{told['digest']} {records}"
    return replace(shown, steps=steps, faults=sorted(faults, key=lambda fault: fault.line), digest=digest)


async def start(state: Any, job: ImportJob, shown: Shown, reader: Any) -> bool:
    """Freeze the plan and let the job run; False when somebody else started or discarded it first."""
    now, amr = state.clock(), " ".join(acting_amr.get())
    plan = pack(shown)

    def write(session: Session) -> bool:
        values = {"state": "running", "plan": plan, "digest": shown.digest, "problem": ""}
        values |= {"started_by": reader.id, "started_amr": amr, "started_at": now}
        same = (
            col(ImportJob.id) == job.id,
            col(ImportJob.practice_id) == job.practice_id,
            col(ImportJob.state) == "draft",
        )
        done: Any = session.execute(update(ImportJob).where(*same).values(**values))
        return bool(done.rowcount)

    return bool(await state.records.change(job.practice_id, write))


async def finish(state: Any, practice_id: str, job_id: str) -> None:
    """Bring a running job to its end; it may have been broken off anywhere. CannotDecide leaves it running."""
    job = await state.records.read(practice_id, lambda session: session.get(ImportJob, job_id))
    if job is None or job.state != "running":
        return
    shown = unpack(job.plan)
    token = acting_amr.set(tuple(job.started_amr.split()))
    try:
        wanted = {**shown.body, "key": job.id, "expected": shown.digest.partition(" ")[0]}
        told = await state.authz.run_import(practice_id, wanted, actor=f"staff/{job.started_by}")
    except Rejected as error:  # Then the service did nothing, and the records have nothing yet.
        await _put(state, job, {"state": "draft", "problem": error.detail})
        return
    finally:
        acting_amr.reset(token)
    await _put(state, job, {"placed_at": job.placed_at or state.clock()})
    practice = await state.records.practice(practice_id)
    inviting = Inviting(practice, str(job.started_by), state.clock(), state.settings.public_url)
    invites = bool(job.options.get("invite"))

    def write(session: Session) -> None:
        running = session.exec(select(ImportJob).where(col(ImportJob.id) == job_id).with_for_update()).one()
        if running.state != "running":
            return  # Another process was faster.
        write_records(session, shown, told, running, inviting, invites=invites)
        running.state, running.finished_at = "done", inviting.now
        running.counts = counts_of(shown)
        running.content, running.plan = b"", b""

    await state.records.change(practice_id, write)


def counts_of(shown: Shown) -> dict[str, int]:
    """What the history says of an import."""
    return {
        "clients": shown.number_of("new", "clients"),
        "contacts": len(shown.records["contacts"]),
        "access": shown.number_of("new", "grants"),
        "changed": shown.number_of("changed", "grants") + shown.number_of("changed", "clients"),
        "kept": shown.number_of("kept", "grants") + shown.number_of("kept", "clients"),
        "unchanged": sum(step.outcome == "unchanged" for step in shown.steps),
        "left_out": sum(step.outcome == "left_out" for step in shown.steps),
        "invited": shown.invited,
    }


async def _put(state: Any, job: ImportJob, values: Mapping[str, Any]) -> None:
    same = (
        col(ImportJob.id) == job.id,
        col(ImportJob.practice_id) == job.practice_id,
        col(ImportJob.state) == "running",
    )
    statement = update(ImportJob).where(*same).values(**values)
    await state.records.change(job.practice_id, lambda session: session.execute(statement) and None)


async def resume_imports(state: Any) -> int:
    """Bring jobs to their end that were broken off, and forget drafts that nobody finished; how many were resumed."""
    now, resumed = state.clock(), 0
    practices = await state.records.read(None, lambda session: list(session.exec(select(Practice.id))))
    for practice_id in practices:
        waiting = (col(ImportJob.practice_id) == practice_id, col(ImportJob.state) == "running")
        old = col(ImportJob.started_at) < now - AGAIN
        chosen = select(ImportJob.id).where(*waiting, old)
        for job_id in await state.records.read(practice_id, lambda session, it=chosen: list(session.exec(it))):
            try:
                await finish(state, practice_id, job_id)
                resumed += 1
            except CannotDecide as error:
                log.warning("import_waits", job=job_id, reason=str(error))
            except Exception:  # One import that fails must not hold up the others; it stays visible as under way.
                log.exception("import_failed", job=job_id)
        stale = (
            col(ImportJob.practice_id) == practice_id,
            col(ImportJob.state) == "draft",
            col(ImportJob.made_at) < now - KEPT,
        )
        gone = {"state": "discarded", "content": b"", "plan": b"", "finished_at": now}
        statement = update(ImportJob).where(*stale).values(**gone)
        await state.records.change(practice_id, lambda session, it=statement: session.execute(it) and None)
    return resumed
