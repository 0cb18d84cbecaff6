"""From which ages on a client is a teen and an adult at the practice; on the birthday access changes by itself."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from gateway.admin.coming import PAGE
from gateway.admin.foreseen import foresee
from gateway.admin.switches import Problem
from gateway.edge.errors import Rejected, Stale
from gateway.edge.guard import Guard, Route
from gateway.web.language import _
from gateway.web.pages import page, say, see_other
from models.numbers import whole

if TYPE_CHECKING:
    from collections.abc import Sequence

    from starlette.requests import Request
    from starlette.responses import Response

HERE = f"{PAGE}/ages"
_TEEN_MAX, _ADULT_MAX = 21, 25


@dataclass(frozen=True, slots=True)
class Sent:
    """Two ages in years, as they were typed."""

    teen_from: str
    adult_from: str

    def ages(self) -> dict[str, int] | None:
        """The ages; None where they make no sense."""
        teen, adult = whole(self.teen_from), whole(self.adult_from)
        if teen is None or adult is None or not 0 <= teen <= _TEEN_MAX or not teen < adult <= _ADULT_MAX:
            return None
        return {"teen_from": teen, "adult_from": adult}


async def ages_page(request: Request) -> Response:
    """The ages as they are."""
    return await _show(request)


async def preview_ages(request: Request) -> Response:
    """Whom other ages would reach, today."""
    form = await request.form()
    sent = _read(form)
    ages = sent.ages()
    if ages is None:
        return await _show(request, sent, problems=[_problem()], status=422)
    practice = await _practice(request)
    if all(practice[name] == years for name, years in ages.items()):
        await say(request, _("Nothing was changed."))
        return see_other(HERE)
    return await page(
        request,
        "admin/switch_preview.html",
        title=_("Ages"),
        turned=_in_words(ages),
        notes=[_("On each birthday into another age class access changes by itself; Coming changes shows the days.")],
        foreseen=await foresee(request, [{"practice": ages}]),
        action=HERE,
        back=HERE,
        undo=_("Counts from the very next request. To undo it, set the ages as they were."),
        kept=[("teen_from", sent.teen_from), ("adult_from", sent.adult_from), ("etag", str(form.get("etag", "")))],
    )


async def save_ages(request: Request) -> Response:
    """Set the ages, unless somebody else changed the settings since the page was read."""
    form, reader = await request.form(), request.state.reader
    sent = _read(form)
    ages = sent.ages()
    if ages is None:
        return await _show(request, sent, problems=[_problem()], status=422)
    etag = str(form.get("etag", ""))
    try:
        await request.app.state.authz.update_practice(reader.practice_id, ages, etag=etag, actor=reader.actor)
    except Stale:
        fresh = await _practice(request)
        now = _in_words({name: int(fresh[name]) for name in ("teen_from", "adult_from")})
        told = _("Somebody else changed the settings meanwhile. Now: %(now)s Your ages are kept below.", now=now)
        return await _show(request, sent, problems=[Problem(None, told)], status=409)
    except Rejected as error:
        return await _show(request, sent, problems=[Problem(error.field, error.detail)], status=422)
    await say(request, _("Saved. %(what)s", what=_in_words(ages)))
    return see_other(HERE)


def _read(form: Any) -> Sent:
    return Sent(*(str(form.get(name, "")).strip() for name in ("teen_from", "adult_from")))


def _problem() -> Problem:
    return Problem(
        "teen_from", _("Give two ages in years: a teen's of at most 21, and above it an adult's of at most 25.")
    )


def _in_words(ages: dict[str, int]) -> str:
    says = _("A client is a teen from the birthday at %(teen)s on, and an adult from the one at %(adult)s on.")
    return says % {"teen": ages["teen_from"], "adult": ages["adult_from"]}


async def _practice(request: Request) -> dict[str, Any]:
    found: dict[str, Any] = await request.app.state.authz.practice(request.state.reader.practice_id)
    return found


async def _show(
    request: Request, sent: Sent | None = None, *, problems: Sequence[Problem] = (), status: int = 200
) -> Response:
    practice = await _practice(request)
    return await page(
        request,
        "admin/ages.html",
        status=status,
        form=sent or Sent(str(practice["teen_from"]), str(practice["adult_from"])),
        etag=practice["etag"],
        problems=problems,
        problems_title=_("Somebody else saved first") if status == 409 else _("This was not saved"),
    )


ROUTES = (
    Route(HERE, ages_page, guard=Guard("update", "practice")),
    Route(HERE, save_ages, guard=Guard("update", "practice"), methods=("POST",)),
    Route(f"{HERE}/preview", preview_ages, guard=Guard("update", "practice"), methods=("POST",)),
)
