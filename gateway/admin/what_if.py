"""What-if: a supposed change of the practice, a client or one person's access, and whom it would reach (e2.4).

The questions are links with their answer, so they can be kept and compared; nothing is changed by asking.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import date, timedelta
from typing import TYPE_CHECKING, Any

from gateway.admin.coming import midnight_of, today_of
from gateway.admin.foreseen import foresee
from gateway.admin.people import describe, names_known
from gateway.admin.switches import Problem
from gateway.edge.errors import Rejected
from gateway.edge.guard import Guard, Route
from gateway.web.formats import day
from gateway.web.language import N_, _
from gateway.web.pages import page
from gateway.web.paging import page_number, pages_of
from gateway.web.words import FEATURES, KINDS
from models.numbers import whole
from models.vocabulary import Feature, Kind, PlanAudience

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from datetime import datetime

    from starlette.datastructures import QueryParams
    from starlette.requests import Request
    from starlette.responses import Response

SIZE = 50
_FORBIDDEN = 403
_NEW_ACCOUNT = "somebody-new"  # No account of this name needs to exist: the grant is only supposed.
_ON_OFF = (("off", N_("Off")), ("on", N_("On")))
_YES_NO = (("no", N_("No")), ("yes", N_("Yes")))
_PLANS = (
    (PlanAudience.NOBODY.value, N_("Nobody")),
    (PlanAudience.CLIENT_ONLY.value, N_("The client only")),
    (PlanAudience.CLIENT_AND_GUARDIANS.value, N_("The client and the guardians")),
)


@dataclass(frozen=True, slots=True)
class Choice:
    """A field of a question: a select, or a date or number where there are no options."""

    name: str
    label: str
    options: tuple[tuple[str, str], ...] = ()
    type: str = "select"
    value: str = ""


@dataclass(frozen=True, slots=True)
class Question:
    """One thing that can be supposed."""

    about: str
    title: str
    fields: tuple[Choice, ...]


@dataclass(frozen=True, slots=True)
class Supposed:
    """What the reader supposed: the changes of POST /v1/what-if, or another day, and a sentence that says it."""

    sentence: str
    changes: tuple[Mapping[str, Any], ...] = ()
    day: date | None = None


class NotAskedError(Exception):
    """The question cannot be read; `problem` says which field."""

    def __init__(self, problem: Problem) -> None:
        super().__init__(problem.sentence)
        self.problem = problem


async def practice_what_if(request: Request) -> Response:
    """Supposed changes of the whole practice."""
    practice = await request.app.state.authz.practice(request.state.reader.practice_id)
    ages = (str(practice["teen_from"]), str(practice["adult_from"]))
    questions = (
        _feature_question("switch", _("A feature switched for the whole practice")),
        Question("contacts", _("Portal access for contacts"), (_choice("yes", _("Allowed"), _YES_NO),)),
        Question("plans", _("Who may read service plans"), (_choice("audience", _("Service plans are for"), _PLANS),)),
        Question(
            "ages",
            _("Ages of teen and adult"),
            (
                Choice("teen_from", _("Teen from"), type="number", value=ages[0]),
                Choice("adult_from", _("Adult from"), type="number", value=ages[1]),
            ),
        ),
        _day_question(),
    )
    return await _show(
        request, questions, _of_practice, back="/admin/changes", title=_("What if, for the whole practice")
    )


async def client_what_if(request: Request) -> Response:
    """Supposed changes of one client."""
    client = request.state.client
    kinds = tuple((kind.value, _(label)) for kind, label in KINDS.items())
    questions = (
        _feature_question("switch", _("A feature switched for %(name)s", name=client.preferred)),
        Question("contact", _("A new contact"), (Choice("kind", _("Kind of contact"), kinds),)),
        Question("care", _("%(name)s in care", name=client.preferred), (_choice("yes", _("In care"), _YES_NO),)),
        Question("assent", _("The teen agrees to the guardians' access"), (_choice("yes", _("Agrees"), _YES_NO),)),
        Question("born", _("Another date of birth"), (Choice("born", _("Born on"), type="date"),)),
        _day_question(),
    )
    title = _("What if, for %(name)s", name=client.name)
    return await _show(request, questions, _of_client, back=f"/admin/clients/{client.id}", title=title)


async def grant_what_if(request: Request) -> Response:
    """Supposed changes of one person's access to a client."""
    client, grant = request.state.client, request.state.item
    person = describe(grant, (await names_known(request, [grant]))[grant["id"]])
    questions = (
        _feature_question("toggle", _("A box of %(who)s", who=person.first)),
        Question(
            "status",
            _("The access of %(who)s stopped", who=person.first),
            (_choice("status", _("How"), (("suspended", N_("Suspended")), ("ended", N_("Ended for good")))),),
        ),
        Question("last", _("A last day"), (Choice("last", _("Last day"), type="date"),)),
        _day_question(),
    )
    back = f"/admin/clients/{client.id}/grants/{grant['id']}"
    return await _show(request, questions, _of_grant, back=back, title=_("What if, for %(name)s", name=person.name))


def _of_practice(request: Request, about: str, asked: QueryParams) -> Supposed:
    match about:
        case "switch":
            feature, on = _feature(asked)
            change = {"switches": {feature.value: on}}
            whom = _("the whole practice")
            return Supposed(_switched(feature, whom, on=on), ({"practice": change},))
        case "contacts":
            yes = asked.get("yes") == "yes"
            says = (
                _("Portal access for contacts is allowed.") if yes else _("Portal access for contacts is not allowed.")
            )
            return Supposed(says, ({"practice": {"contacts_allowed": yes}},))
        case "plans":
            audience = dict(_PLANS).get(asked.get("audience", ""))
            if audience is None:
                raise NotAskedError(Problem("plans-audience", _("Choose who may read service plans.")))
            says = _("Service plans are for: %(whom)s.", whom=_(audience))
            return Supposed(says, ({"practice": {"plan_audience": asked["audience"]}},))
        case "ages":
            teen, adult = whole(asked.get("teen_from", "")), whole(asked.get("adult_from", ""))
            if teen is None or adult is None or not 0 <= teen < adult <= 25:
                raise NotAskedError(
                    Problem("ages-teen_from", _("Give two ages, the teen's below the adult's, up to 25."))
                )
            says = _("Teens are from %(teen)s years on, adults from %(adult)s.", teen=teen, adult=adult)
            return Supposed(says, ({"practice": {"teen_from": teen, "adult_from": adult}},))
    return _another_day(request, asked)


def _of_client(request: Request, about: str, asked: QueryParams) -> Supposed:
    client = request.state.client
    change: dict[str, Any] = {"client": client.id}
    yes = asked.get("yes") == "yes"
    match about:
        case "switch":
            feature, on = _feature(asked)
            says = _switched(feature, client.preferred, on=on)
            return Supposed(says, ({**change, "switches": {feature.value: on}},))
        case "contact":
            kind = asked.get("kind", "")
            if kind not in set(Kind):
                raise NotAskedError(Problem("contact-kind", _("Choose what the new contact would be.")))
            new = {"client_id": client.id, "account_id": _NEW_ACCOUNT, "kind": kind}
            says = _("%(name)s has a new contact: %(kind)s.", name=client.preferred, kind=_(KINDS[Kind(kind)]))
            return Supposed(says, ({"new_grant": new},))
        case "care":
            says = _("%(name)s is in care.") if yes else _("%(name)s is no longer in care.")
            return Supposed(says % {"name": client.preferred}, ({**change, "active": yes},))
        case "assent":
            says = _("%(name)s agrees to the guardians' access.") if yes else _("%(name)s does not agree any more.")
            return Supposed(says % {"name": client.preferred}, ({**change, "assent": "given" if yes else "withheld"},))
        case "born":
            born = _date(asked, "born", "born-born")
            says = _("%(name)s was born on %(day)s.", name=client.preferred, day=day(born))
            return Supposed(says, ({**change, "born": born.isoformat()},))
    return _another_day(request, asked)


def _of_grant(request: Request, about: str, asked: QueryParams) -> Supposed:
    grant, name = request.state.item, request.state.client.preferred
    change: dict[str, Any] = {"grant": grant["id"]}
    match about:
        case "toggle":
            feature, on = _feature(asked)
            return Supposed(_switched(feature, _("this person"), on=on), ({**change, "toggles": {feature.value: on}},))
        case "status":
            status = "suspended" if asked.get("status") == "suspended" else "ended"
            stopped = (
                _("This access to %(name)s is suspended.")
                if status == "suspended"
                else _("This access to %(name)s has ended.")
            )
            return Supposed(stopped % {"name": name}, ({**change, "status": status},))
        case "last":
            last = _date(asked, "last", "last-last")
            says = _("The last day of this access is %(day)s. What the day after changes:", day=day(last))
            until = last + timedelta(days=1)
            return Supposed(says, ({**change, "until": until.isoformat()},), max(until, today_of(request)))
    return _another_day(request, asked)


def _another_day(request: Request, asked: QueryParams) -> Supposed:
    on = _date(asked, "day", "day-day")
    if not today_of(request) < on < today_of(request) + timedelta(days=365 * 30):
        raise NotAskedError(Problem("day-day", _("Choose a day after today, at most 30 years ahead.")))
    return Supposed(_("It is %(day)s, and nobody changed anything before.", day=day(on)), (), on)


async def _show(request: Request, questions: Sequence[Question], read: Any, *, back: str, title: str) -> Response:
    asked, foreseen, supposed, problems, pages = request.query_params, None, None, [], None
    about = asked.get("about", "")
    if about in {question.about for question in questions}:
        try:
            supposed = read(request, about, asked)
            foreseen = await _foresee(request, supposed)
            pages = pages_of(request, foreseen.people, SIZE)
        except NotAskedError as error:
            problems = [error.problem]
        except Rejected as error:
            told = (
                _("Your own access does not include making this change.")
                if error.status == _FORBIDDEN
                else error.detail
            )
            problems = [Problem(None, told)]
    return await page(
        request,
        "admin/what_if.html",
        status=422 if problems else 200,
        title=title,
        back=back,
        questions=questions,
        about=about,
        asked=asked,
        supposed=supposed,
        foreseen=foreseen,
        problems=problems,
        pages=pages,
    )


async def _foresee(request: Request, supposed: Supposed) -> Any:
    client = request.state.client
    clients = None if client is None else [client.id]
    compare_at: datetime | None = None
    if supposed.day is not None and supposed.day > today_of(request):
        compare_at = midnight_of(request, supposed.day)[1]
    start = (page_number(request) - 1) * SIZE
    shown = slice(start, start + SIZE)
    found = await foresee(request, supposed.changes, compare_at=compare_at, clients=clients, shown=shown)
    new = _("The new contact")
    rows = (replace(row, who=new, href="") if row.who == _NEW_ACCOUNT else row for row in found.rows)
    return replace(found, rows=tuple(rows))


def _feature(asked: QueryParams) -> tuple[Feature, bool]:
    name = asked.get("feature", "")
    if name not in set(Feature):
        about = asked.get("about", "")
        raise NotAskedError(Problem(f"{about}-feature", _("Choose a feature.")))
    return Feature(name), asked.get("on") == "on"


def _switched(feature: Feature, whom: str, *, on: bool) -> str:
    says = _("%(feature)s is on for %(whom)s.") if on else _("%(feature)s is off for %(whom)s.")
    return says % {"feature": _(FEATURES[feature].label), "whom": whom}


def _date(asked: QueryParams, name: str, field: str) -> date:
    try:
        found = date.fromisoformat(asked.get(name, ""))
    except ValueError as error:
        raise NotAskedError(Problem(field, _("Choose a day."))) from error
    if not 1900 <= found.year <= 2200:
        raise NotAskedError(Problem(field, _("Choose a day between 1900 and 2200.")))
    return found


def _feature_question(about: str, title: str) -> Question:
    features = tuple((feature.value, _(words.label)) for feature, words in FEATURES.items())
    return Question(about, title, (Choice("feature", _("Feature"), features), _choice("on", _("Switched"), _ON_OFF)))


def _day_question() -> Question:
    return Question(
        "day", _("Another day: birthdays, and access that begins or ends"), (Choice("day", _("Day"), type="date"),)
    )


def _choice(name: str, label: str, options: Sequence[tuple[str, str]]) -> Choice:
    return Choice(name, label, tuple((value, _(text)) for value, text in options))


ROUTES = (
    Route("/admin/changes/what-if", practice_what_if, guard=Guard("update", "switch")),
    Route("/admin/clients/{client}/what-if", client_what_if, guard=Guard("view", "grant")),
    Route("/admin/clients/{client}/grants/{grant}/what-if", grant_what_if, guard=Guard("view", "grant")),
)
