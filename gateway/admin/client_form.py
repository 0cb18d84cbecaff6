"""The form for a client: what staff type, read and checked (rows M5, W11, W12)."""

from __future__ import annotations

import re
import secrets
from dataclasses import dataclass
from datetime import date
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo

from gateway.admin.cautions import ClientSaid
from gateway.admin.switches import Problem
from gateway.mail.address import is_address
from gateway.web.language import N_, _
from models.vocabulary import AgeClass, SelfManaging

if TYPE_CHECKING:
    from collections.abc import Mapping

    from starlette.datastructures import FormData
    from starlette.requests import Request

NAME_MAX = 120
YEARS_MAX = 130
_ONCE = re.compile(r"[0-9a-f]{32}")
SELF_MANAGING = {
    SelfManaging.NO.value: (N_("No"), N_("A parent, guardian or other contact uses the portal for them.")),
    SelfManaging.YES.value: (N_("Yes"), N_("They have a portal of their own and are invited themselves.")),
    SelfManaging.SHARED.value: (N_("Shared"), N_("A teen with a portal of their own, beside the guardians.")),
}
FIELDS = {
    "name": N_("Full name"),
    "preferred": N_("Name they are called by"),
    "born": N_("Day of birth"),
    "self_managing": N_("Manages a portal of their own"),
    "assent": N_("The teen agrees that guardians see documents, forms and messages"),
    "active": N_("In care"),
}


@dataclass(frozen=True, slots=True)
class EnteredClient:
    """What the form says; `once` is the form's own key, `values` are texts by the names of FIELDS.

    `therapist` is a staff member's id, empty for nobody yet.
    """

    once: str
    values: dict[str, str]
    email: str = ""
    therapist: str = ""

    def said(self) -> ClientSaid:
        """What a warning may follow from, of a new client; the form was checked."""
        born = date.fromisoformat(self.values["born"])
        return ClientSaid(self.values["name"], born, self.values["self_managing"], self.email, is_new=True)

    @property
    def client_id(self) -> str:
        """One id for one form: sent twice, it makes one client."""
        return f"c_{self.once[:20]}"


def blank_client() -> EnteredClient:
    """A form that nobody has filled in yet."""
    values = {**dict.fromkeys(FIELDS, ""), "self_managing": SelfManaging.NO.value, "assent": "given", "active": "yes"}
    return EnteredClient(secrets.token_hex(16), values)


def read_client(form: FormData, stored: Mapping[str, str] | None = None) -> EnteredClient:
    """What was sent; of a field that the form did not show, what is stored."""

    def text(name: str, most: int = NAME_MAX) -> str:
        value = form.get(name, "")
        return " ".join(value.split())[:most] if isinstance(value, str) else ""

    known = dict(stored or blank_client().values)
    values = {name: text(name) if name in form else known[name] for name in FIELDS}
    if form.get("shows") == "standing":  # Boxes that are not ticked are not sent.
        values["active"] = "yes" if form.get("active") == "yes" else "no"
    if form.get("shows-assent") == "yes":
        values["assent"] = "given" if form.get("assent") == "given" else "withheld"
    values["preferred"] = values["preferred"] or (values["name"].split() or [""])[0]
    once = text("once", 32)
    key = once if _ONCE.fullmatch(once) else secrets.token_hex(16)
    return EnteredClient(key, values, text("email", 254), text("therapist"))


def check_client(request: Request, entered: EnteredClient) -> list[Problem]:
    """What is wrong with the fields; each line names the way out."""
    found, values = [], entered.values
    if not values["name"]:
        found.append(Problem("name", _("Enter the name of the client.")))
    born = born_of(values)
    today = today_of(request)
    if born is None:
        found.append(Problem("born", _("Enter the day of birth, as in 2017-03-09.")))
    elif born > today:
        found.append(Problem("born", _("The day of birth lies in the future. Please check the year.")))
    elif today.year - born.year > YEARS_MAX:
        found.append(Problem("born", _("The day of birth lies too far back. Please check the year.")))
    if values["self_managing"] not in SELF_MANAGING:
        found.append(Problem("self_managing", _("Choose yes, no or shared.")))
    if entered.email and not is_address(entered.email):
        found.append(Problem("email", _("Enter an address such as ann@example.org, or leave it empty.")))
    return found


def born_of(values: Mapping[str, str]) -> date | None:
    """The day of birth, None for what is no day."""
    try:
        return date.fromisoformat(values["born"])
    except ValueError:
        return None


def age_of(born: date, practice: Mapping[str, Any], today: date) -> AgeClass:
    """The age class by the practice's own ages."""
    years = today.year - born.year - ((today.month, today.day) < (born.month, born.day))
    if years >= practice["adult_from"]:
        return AgeClass.ADULT
    return AgeClass.TEEN if years >= practice["teen_from"] else AgeClass.CHILD


def today_of(request: Request) -> date:
    """Today, on the calendar of the reader's practice."""
    today: date = request.app.state.clock().astimezone(ZoneInfo(request.state.reader.zone)).date()
    return today
