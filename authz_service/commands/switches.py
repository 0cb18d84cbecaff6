"""What a practice allows as a whole, and what it allows for one client."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from authz_service.commands.acting import require_current
from authz_service.commands.errors import InvalidError, NotFoundError
from authz_service.commands.fields import Fields
from authz_service.storage.writing import values_of
from models.tables.access import ClientSwitchRow, PracticeRow, PracticeSwitchRow
from models.vocabulary import Feature, PlanAudience

if TYPE_CHECKING:
    from collections.abc import Mapping

    from authz_service.commands.acting import Acting
    from authz_service.facts.rows import Client, Practice
    from authz_service.storage.writing import Writer

_FLAGS = ("contacts_allowed", "card_processing", "second_factor", "staff_second_factor")
_NUMBERS = {"teen_from": (0, 21), "adult_from": (1, 25), "notice_hours": (0, 720)}
SETTINGS = ("plan_audience", *_FLAGS, *_NUMBERS)


def set_practice_switch(acting: Acting, practice_id: str, feature: str, on: object) -> Practice:
    """Switch a feature of the practice on or off; off is off for everyone."""
    _check(feature, on)
    return update_practice_switches(acting, practice_id, {feature: on})


def set_client_switch(acting: Acting, client_id: str, feature: str, on: object) -> Client:
    """Switch a feature of one client on or off."""
    _check(feature, on)
    return update_client_switches(acting, client_id, {feature: on})


def update_practice_switches(
    acting: Acting, practice_id: str, switches: Mapping[str, object], etag: str | None = None
) -> Practice:
    """Switch several features of the practice at once; what is not named stays."""
    if not acting.reaches(practice_id):
        raise NotFoundError("practice")
    wanted = _wanted(switches)
    with acting.changing(practice_id) as writer:
        practice = _practice(writer, practice_id)
        for feature in wanted:
            acting.require(writer, "update", ("switch", feature), practice_id)
        require_current("practice's switches", practice.switches_version, etag)
        for feature, on in wanted.items():
            if practice.switches[feature] is not on:
                writer.put(PracticeSwitchRow, practice_id=practice_id, feature=feature, is_on=on)
                _record(writer, feature, practice_id, on=on)
        return _practice(writer, practice_id)


def update_client_switches(
    acting: Acting, client_id: str, switches: Mapping[str, object], etag: str | None = None
) -> Client:
    """Switch several features of one client at once; what is not named stays."""
    practice_id, wanted = acting.client(client_id).practice_id, _wanted(switches)
    with acting.changing(practice_id) as writer:
        for feature in wanted:
            acting.require(writer, "update", ("switch", feature), practice_id, client_id)
        client = _client(writer, client_id)
        require_current("client's switches", client.switches_version, etag)
        for feature, on in wanted.items():
            if client.switches[feature] is not on:
                writer.put(ClientSwitchRow, practice_id=practice_id, client_id=client_id, feature=feature, is_on=on)
                _record(writer, feature, practice_id, client_id, on=on)
        return _client(writer, client_id)


def update_practice(acting: Acting, practice_id: str, changes: Mapping[str, Any], etag: str | None = None) -> Practice:
    """Change the practice's settings; what is not named stays."""
    if not acting.reaches(practice_id):
        raise NotFoundError("practice")
    fields = Fields(changes, SETTINGS)
    read = settings_of(fields)
    with acting.changing(practice_id) as writer:
        row = writer.current(PracticeRow, practice_id=practice_id)
        if row is None:
            raise NotFoundError("practice")
        acting.require(writer, "update", ("practice", practice_id), practice_id)
        require_current("practice", row.version, etag)
        old = values_of(row)
        new = {**old, **read}
        if new["teen_from"] >= new["adult_from"]:
            fields.refuse("adult_from", "must be above teen_from")
        fields.close()
        differing = [name for name in new if new[name] != old[name]]
        if differing:
            writer.put(PracticeRow, **new)
            writer.record(
                "practice.update",
                ("practice", practice_id),
                practice_id=practice_id,
                before={name: old[name] for name in differing},
                after={name: new[name] for name in differing},
            )
        return _practice(writer, practice_id)


def settings_of(fields: Fields) -> dict[str, Any]:
    """The settings that are named and right."""
    read: dict[str, Any] = {"plan_audience": fields.choice("plan_audience", PlanAudience)}
    read |= {name: fields.flag(name) for name in _FLAGS}
    read |= {name: fields.number(name, low, high) for name, (low, high) in _NUMBERS.items()}
    return {name: value for name, value in read.items() if value is not None}


def _check(feature: str, on: object) -> None:
    wrong = {}
    if feature not in set(Feature):
        wrong["feature"] = f"{feature[:40]!r} is no feature; features are {', '.join(Feature)}"
    if not isinstance(on, bool):
        wrong["on"] = "must be true or false"
    if wrong:
        raise InvalidError(wrong)


def _wanted(switches: Mapping[str, object]) -> dict[Feature, bool]:
    wrong = {}
    wanted = {}
    for name, on in switches.items():
        if name not in set(Feature):
            wrong[f"switches.{name[:40]}"] = f"is no feature; features are {', '.join(Feature)}"
        elif not isinstance(on, bool):
            wrong[f"switches.{name}"] = "must be true or false"
        else:
            wanted[Feature(name)] = on
    if wrong:
        raise InvalidError(wrong)
    return wanted


def _record(writer: Writer, feature: Feature, practice_id: str, client_id: str | None = None, *, on: bool) -> None:
    writer.record(
        "switch.update",
        ("switch", feature.value),
        practice_id=practice_id,
        client_id=client_id,
        before={feature.value: not on},
        after={feature.value: on},
    )


def _practice(writer: Writer, practice_id: str) -> Practice:
    practice = writer.reading.practice(practice_id)
    if practice is None:
        raise NotFoundError("practice")
    return practice


def _client(writer: Writer, client_id: str) -> Client:
    client = writer.reading.client(client_id)
    if client is None:
        raise NotFoundError("client")
    return client
