"""The form for a contact: what staff type and tick, read and checked (rows W16 to W19)."""

from __future__ import annotations

import re
import secrets
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from gateway.admin.authorities import AUTHORITIES
from gateway.admin.proofs import EnteredProof, check_proof, read_proof
from gateway.admin.switches import Problem
from gateway.mail.address import is_address
from gateway.web.language import LANGUAGES, _
from models.vocabulary import Kind

if TYPE_CHECKING:
    from starlette.datastructures import FormData

NAME_MAX = 80
PHONE_MAX = 40
FORMS_MAX = 50
_ONCE = re.compile(r"[0-9a-f]{32}")


@dataclass(frozen=True, slots=True)
class Entered:
    """What the form says. `once` is the form's own key: however often it is sent, it counts once."""

    once: str
    kind: str = Kind.GUARDIAN.value
    first_name: str = ""
    last_name: str = ""
    email: str = ""
    phone: str = ""
    language: str = "en"
    access: bool = True
    own_switches: bool = False
    on: frozenset[str] = frozenset()
    confirmed: bool = False
    forms: frozenset[str] = frozenset()  # templates that go out with the invitation
    authority: str = ""
    proof: EnteredProof = field(default_factory=EnteredProof)

    @property
    def name(self) -> str:
        """The whole name."""
        return f"{self.first_name} {self.last_name}".strip()


def blank() -> Entered:
    """A form that nobody has filled in yet."""
    return Entered(once=secrets.token_hex(16))


def read_entered(form: FormData) -> Entered:
    """What was sent; a text that no person types is cut or becomes empty."""

    def text(name: str, most: int) -> str:
        value = form.get(name, "")
        return " ".join(value.split())[:most] if isinstance(value, str) else ""

    once, language = text("once", 32), text("language", 5)
    once = once if _ONCE.fullmatch(once) else secrets.token_hex(16)
    return Entered(
        once=once,
        kind=text("kind", 40),
        first_name=text("first_name", NAME_MAX),
        last_name=text("last_name", NAME_MAX),
        email=text("email", 254),
        phone=text("phone", PHONE_MAX),
        language=language if language in LANGUAGES else "en",
        access=form.get("access") == "on",
        own_switches=form.get("switches") == "own",
        on=frozenset(str(value) for value in form.getlist("on")),
        confirmed=form.get("confirmed") == "on",
        forms=frozenset(str(value) for value in form.getlist("forms")[:FORMS_MAX]),
        authority=text("authority", 40),
        proof=replace(read_proof(form), once=once),
    )


def check_person(entered: Entered) -> list[Problem]:
    """What is wrong with the person's own fields."""
    found = []
    if not entered.first_name:
        found.append(Problem("first_name", _("Enter the first name, or the name of the organization.")))
    if not entered.email:
        found.append(Problem("email", _("Enter an e-mail address: a contact needs one.")))
    elif not is_address(entered.email):
        found.append(Problem("email", _("Enter an address such as ann@example.org.")))
    return found


def check_authority(entered: Entered) -> list[Problem]:
    """What is wrong with the authority, its proof and its days; without access there is nothing for them to bound."""
    found = check_proof(entered.proof)
    if entered.authority not in AUTHORITIES:
        found.append(Problem("authority", _("Choose by what authority they act.")))
    if (entered.proof.what or entered.proof.first or entered.proof.last) and not entered.access:
        words = _("A proof and its days belong to access. Tick “Allow access to client portal”, or leave them empty.")
        found.append(Problem("access", words))
    return found
