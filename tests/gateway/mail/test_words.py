"""What stands in mails: nothing clinical, no item's title, and no client's name but what the reader calls them."""

from __future__ import annotations

import re
from datetime import date
from itertools import cycle
from typing import TYPE_CHECKING

import pytest
from jinja2 import Environment, meta

from gateway.mail.post import TEMPLATES, letter
from gateway.notices.choices import Choice, choose
from gateway.notices.digest import Section
from gateway.notices.labels import default_labels, gives_away, initials
from gateway.notices.notify import Event
from gateway.web.language import LANGUAGES
from models.tables.identity import Person
from models.tables.records import Client
from models.vocabulary import SubjectType
from models.world import load_world
from tests.conftest import WORLD_FILE
from tests.gateway.notices.conftest import Post, words
from tests.gateway.portal_stack import portal

if TYPE_CHECKING:
    from collections.abc import Mapping
    from email.message import EmailMessage
    from pathlib import Path

    from sqlmodel import Session

    from tests.gateway.portal_stack import SeededFiles

# What would tell a stranger why somebody is in care; English and Spanish.
CLINICAL = re.compile(
    r"\b(?:therap|psych|counsel|diagnos|treat|clinic|patient|symptom|medic|disorder|mental|depress|anxi|addict|abus"
    r"|substance|rehab|trauma|disease|illness|sick|suicid|autis|adhd|crisis|health|care\b|notes?\b|plan\b"
    r"|terap|psic|psiq|consejer|tratam|clínic|paciente|síntoma|médic|trastorn|depres|ansied|adicci|sustancia|enferm"
    r"|salud|crisis|suicid)\w*",
    re.IGNORECASE,
)
# Every mail, with what is filled in: one of a new kind, or with more in it, has to be entered here. `name` is always
# the reader's own. Only the owner of the practice gets what a family wrote, and the name by which the client is called.
CATALOGUE: Mapping[str, frozenset[str]] = {
    name: frozenset(values.split())
    for name, values in {
        "address_asked": "name url",
        "address_changed": "name url",
        "address_in_use": "url",
        "document_released": "name practice hours asks_passcode url",
        "new_address": "name url",
        "emergency_access": "name practice who until url",
        "new_sign_in": "name instant browser system url",
        "notice": "subject sections settings_url stop_url",
        "owner_email": "subject sender client text url",
        "password_changed": "name url",
        "payment_receipt": "name practice number amount day method reference url",
        "payment_to_return": "name practice number amount reference url",
        "reset_password": "name username url",
        "sign_in_link": "name practice url",
        "welcome": "name practice address url",
        "welcome_back": "name practice url",
        "welcome_staff": "name practice username url",
        "welcome_password": "name practice username password url",
    }.items()
}


def test_every_mail_is_in_the_catalogue_with_what_is_filled_in() -> None:
    environment = Environment(extensions=["jinja2.ext.i18n"])
    found = {
        path.stem: frozenset(
            meta.find_undeclared_variables(environment.parse(path.read_text())) - {"_", "gettext", "ngettext"}
        )
        for path in TEMPLATES.glob("*.txt")
    }
    assert found == CATALOGUE


@pytest.mark.parametrize("language", LANGUAGES)
def test_no_mail_has_a_clinical_word(language: str) -> None:
    """None of the catalogue's own words, in any language; and each language has words of its own."""
    said: dict[str, str] = {}
    for name, values in CATALOGUE.items():
        given = {value: f"https://x.example/{value}" if value.endswith("url") else "x" for value in values}
        section = Section("M.", ("x",), "https://x.example/")
        mail = letter(
            name, "ann@mail.example", language, **given | ({"sections": [section]} if name == "notice" else {})
        )
        said[name] = f"{mail.subject}\n{mail.text}"
        assert CLINICAL.findall(f"{said[name]}\n{re.sub('<[^>]*>', '', mail.html or '')}") == [], name
        if language != "en":
            english = letter(
                name, "ann@mail.example", "en", **given | ({"sections": [section]} if name == "notice" else {})
            )
            assert english.text != mail.text, f"{name} is not translated"


async def every_notice(office: Post) -> list[EmailMessage]:
    """The mails of every event about every item of the cast's three practices; every other person reads Spanish."""
    world = load_world(WORLD_FILE)
    events: dict[str, tuple[Event, ...]] = {
        "invoice": (Event.INVOICE,),
        "payment": (Event.PAYMENT,),
        "document": (Event.DOCUMENT, Event.SIGN, Event.RELEASE),
        "form": (Event.FORM,),
        "thread": (Event.MESSAGE,),
        "appointment": (Event.APPOINTMENT, Event.REMINDER),
        "service_plan": (Event.DOCUMENT,),
        "clinical_note": (Event.DOCUMENT,),
    }
    records = office.site.state.records

    def set_up(session: Session) -> None:
        for name, language in zip(world.accounts, cycle(LANGUAGES), strict=False):
            session.get_one(Person, ("account", name)).language = language
            for event in Event:
                choose(session, (SubjectType.ACCOUNT, name), "", event, Choice.DAILY)

    await records.change(None, set_up)
    for entry in world.records.values():
        for event in events.get(entry.type, ()):
            client_id = str(entry.properties["client_id"])
            await office.notify(event, client_id, (entry.type, entry.id), practice_id=entry.practice)
    for client in world.clients.values():
        for event in (Event.PROFILE, Event.REQUEST):
            await office.notify(event, client.id, None, practice_id=client.practice)
            await office.notify_staff(event, client.id if client.practice == "northgate" else None, "jo", "ken")
    mails = await office.mails()
    office.site.clock.advance(days=1)
    for _ in range(6):
        mails += await office.mails()
    return mails


@pytest.mark.anyio
async def test_no_notice_names_a_client_an_item_or_a_clinical_word(tmp_path: Path, seeded_files: SeededFiles) -> None:
    """Whatever happens to any item of the cast, in subject, text and HTML."""
    world = load_world(WORLD_FILE)
    async with portal(tmp_path, seeded_files) as site:
        office = Post(site, tmp_path)
        await office.mails()
        mails = await every_notice(office)
    titles = {
        str(entry.display[key])
        for entry in world.records.values()
        for key in ("title", "number", "subject")
        if key in entry.display
    }
    names = {client.name for client in world.clients.values()} | {
        client.name.split()[-1] for client in world.clients.values()
    }
    names |= {client.preferred for client in world.clients.values()}
    assert len({str(mail["To"]) for mail in mails}) >= 13
    for mail in mails:
        said = "\n".join([str(mail["Subject"]), words(mail), words(mail, "html")])
        plain = re.sub(r"https?://[^\s\"<]+|<[^>]*>", " ", said)
        assert CLINICAL.findall(plain) == []
        assert [title for title in titles if title in plain] == []
        assert [name for name in names if re.search(rf"\b{name}\b", plain)] == []


def test_the_list_knows_clinical_words() -> None:
    """The control: names of practices and items of the cast would be found."""
    for text in (
        "Sol Whitaker Therapy",
        "Psychotherapy, 50 minutes",
        "Home care visit",
        "Su terapeuta",
        "Treatment plan",
    ):
        assert CLINICAL.search(text), text


def test_labels_are_initials_that_tell_children_apart() -> None:
    assert default_labels({"mia": "Mia", "leo": "Leo"}) == {"mia": "M.", "leo": "L."}
    assert default_labels({"mia": "Mia", "max": "max", "leo": "Leo"}) == {"mia": "Mi.", "max": "Ma.", "leo": "L."}
    assert initials("Rosa de la Cruz") == "R. D. L. C."


@pytest.mark.parametrize(
    ("label", "told"),
    [("Mia Novak", True), ("novak", True), ("M. Novak", True), ("MIA NOVAK!", True), ("M. N.", False), ("Mimi", False)],
)
def test_a_label_with_the_family_name_gives_away_who_it_is(label: str, told: bool) -> None:
    client = Client(id="mia", practice_id="northgate", name="Mia Novak", preferred="Mia", born=date(2017, 3, 9))
    assert gives_away(label, client) is told
