"""A practice of 400 families with 1,600 grants: the cast, and further families made after Mia's."""

from __future__ import annotations

import re
from datetime import date
from typing import TYPE_CHECKING, Any

import yaml

from models.world import load_world
from policy_tests.world.load import NORTHGATE

if TYPE_CHECKING:
    from pathlib import Path

FAMILIES = 404  # the cast's clients included
_CLIENT, _PEOPLE = "mia", ("dana", "sam", "gus", "exa")
_FIRST = ("Ada", "Ben", "Cleo", "Dev", "Elif", "Finn", "Gita", "Hugo", "Ines", "Jonas", "Kira", "Luca", "Mona", "Nils")
_LAST = ("Abel", "Brandt", "Costa", "Dietz", "Ekman", "Farah", "Greco", "Haddad", "Ivanov", "Jensen", "Kaya", "Lopez")


def write(path: Path) -> dict[str, int]:
    """Write the world file; returns how many clients, accounts and grants it has."""
    world = yaml.safe_load(NORTHGATE.read_text(encoding="utf-8"))
    cast = yaml.safe_load(NORTHGATE.read_text(encoding="utf-8"))
    for number in range(FAMILIES - len(cast["clients"])):
        _add_family(world, cast, number)
    path.write_text(yaml.safe_dump(world, sort_keys=False, allow_unicode=True), encoding="utf-8")
    load_world(path)
    return {name: len(world[name]) for name in ("clients", "accounts", "grants")}


def _add_family(world: dict[str, Any], cast: dict[str, Any], number: int) -> None:
    """One more client with Mia's network and everything that is hers; every id gets the family's number."""
    last = _LAST[number // len(_FIRST) % len(_LAST)]
    renamed = re.compile(rf"\b({'|'.join((_CLIENT, *_PEOPLE, *_items(cast)))})\b")

    def copied(value: Any) -> Any:
        if isinstance(value, dict):
            return {key: copied(part) for key, part in value.items()}
        if isinstance(value, list):
            return [copied(part) for part in value]
        return renamed.sub(rf"\1_{number}", value) if isinstance(value, str) else value

    def named(first: str) -> dict[str, str]:
        return {"name": f"{first} {last} {number}", "preferred": first}

    client = cast["clients"][_CLIENT] | named(_FIRST[number % len(_FIRST)])
    client["born"] = date(2006 + number % 16, 1 + number % 12, 1 + number % 28)
    world["clients"][f"{_CLIENT}_{number}"] = client
    for person in _PEOPLE:
        account = cast["accounts"][person]
        first = account["name"].split()[0]
        world["accounts"][f"{person}_{number}"] = account | {
            "name": f"{first} {last} {number}",
            "email": f"{person}.{number}@mail.example",
        }
    for grant in [each for each in cast["grants"].values() if each["client"] == _CLIENT]:
        account_id = f"{grant['account']}_{number}"
        world["grants"][f"g_{account_id}_{_CLIENT}_{number}"] = copied(grant)
    world["staff"]["ken"]["assigned"].append(f"{_CLIENT}_{number}")
    for kind, items in cast["items"].items():
        for name, item in items.items():
            if item.get("client_id") == _CLIENT:
                world["items"][kind][f"{name}_{number}"] = copied(item)


def _items(cast: dict[str, Any]) -> list[str]:
    return [name for items in cast["items"].values() for name, item in items.items() if item["client_id"] == _CLIENT]
