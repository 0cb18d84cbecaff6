"""Random bundles whose facts have every kind of source, with their derivation written out plainly."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import random
    from pathlib import Path

FACTS = """
version: 1
subjects:
  account: {class: Rep}
resources:
  thing: {class: Thing, actions: [view]}
facts:
  subject.kind: {values: [near, far, odd], controlled_by: grant}
  subject.locked: {values: [false, true], controlled_by: person}
  subject.switch(name): {parameter: [north, south], values: [true, false], controlled_by: practice}
  resource.withheld: {values: [false, true], controlled_by: item, from: {store: withheld_ids}}
  resource.state: {values: [open, closed, draft], controlled_by: item, from: {property: state}}
  resource.stage:
    values: [early, late]
    controlled_by: item
    from: {property: stage, values: {early: [new, started], late: [done]}, map_null: early}
  resource.due: {values: [false, true], controlled_by: item, from: {property: cents, above: 0}}
  resource.addressee:
    values: [me, client, other, nobody]
    controlled_by: item
    from: {match: addressee_id, me: subject.id, client: store.self_account, nobody: null}
  resource.copy:
    values: [none, mine, other]
    controlled_by: item
    from: {match: copy_of, mine: subject.id, none: null}
  resource.payer: {values: [me, other], controlled_by: item, from: {match: payer_id, me: subject.id}}
  resource.member: {values: [false, true], controlled_by: item, from: {member: member_ids, of: subject.id}}
  resource.subscribed:
    values: [false, true]
    controlled_by: practice
    from: {store: subscribed_staff, property: provider_id}
  resource.assigned:
    values: [false, true]
    controlled_by: practice
    from: {store: assigned_staff, property: provider_id}
  resource.managing: {values: ["yes", shared, "no"], controlled_by: client, from: {store: client.self_managing}}
  resource.timing: {values: [ahead, soon, past], controlled_by: item, from: {code: timing}}
  resource.sealed: {values: [false, true], controlled_by: item, from: {property: sealed}}
impossible:
  - {subject.kind: near, resource.addressee: client}
"""
PERMITS = "allow(s, a, r) if permit(s, a, r, _);\n"
FORBIDS = """
allow(s, a, r) if permit(s, a, r, _) and not forbidden(s, a, r);
forbidden(s, a, r) if forbid(s, a, r, _);
"""
SUBJECT = {
    "kind": ("near", "far", "odd"),
    "locked": (False, True),
    "switch.north": (True, False),
    "switch.south": (True, False),
}
RESOURCE = {
    "withheld": (False, True),
    "state": ("open", "closed", "draft"),
    "stage": ("early", "late"),
    "due": (False, True),
    "addressee": ("me", "client", "other", "nobody"),
    "copy": ("none", "mine", "other"),
    "payer": ("me", "other"),
    "member": (False, True),
    "subscribed": (False, True),
    "assigned": (False, True),
    "managing": ("yes", "shared", "no"),
    "timing": ("ahead", "soon", "past"),
    "sealed": (False, True),
}
SOON, NOW = "2026-06-16T19:00:00Z", "2026-06-15T19:00:00Z"


def write_bundle(folder: Path, rules: str, facts: str = FACTS) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "facts.yaml").write_text(facts)
    (folder / "main.polar").write_text((FORBIDS if "forbid(" in rules else PERMITS) + rules)
    return folder


def random_rules(rng: random.Random) -> str:
    """Two to four permits and none to three forbids, each on a few facts."""
    names = [("permit", f"p{i}") for i in range(rng.randint(2, 4))] + [
        ("forbid", f"f{i}") for i in range(rng.randint(0, 3))
    ]
    return "\n".join(_rule(effect, name, " and ".join(_literals(rng))) for effect, name in names)


def _rule(effect: str, name: str, body: str) -> str:
    subject, resource = ("s" if "s." in body else "_s"), ("r" if "r." in body else "_r")
    return f'{effect}({subject}: Rep, "view", {resource}: Thing, "{name}") if\n    {body};'


def _literals(rng: random.Random) -> list[str]:
    facts = [("s", name, values) for name, values in SUBJECT.items()] + [
        ("r", name, values) for name, values in RESOURCE.items()
    ]
    return [_literal(rng, *fact) for fact in rng.sample(facts, rng.randint(1, 4))]


def _literal(rng: random.Random, who: str, name: str, values: tuple[Any, ...]) -> str:
    base, _, parameter = name.partition(".")
    read = f'{who}.{base}("{parameter}")' if parameter else f"{who}.{base}"
    chosen = rng.sample(values, rng.randint(1, len(values) - 1))
    written = [str(value).lower() if isinstance(value, bool) else f'"{value}"' for value in chosen]
    if len(written) > 1:
        return f"{read} in [{', '.join(written)}]"
    return rng.choice((f"{read} = {written[0]}", f"{read} != {written[0]}", f"not ({read} = {written[0]})"))


def random_subject(rng: random.Random) -> tuple[Any, ...]:
    return tuple(rng.choice(values) for values in SUBJECT.values())


def random_bindings(rng: random.Random) -> dict[str, Any]:
    staff = ["ken", "lea", "sky"]
    return {
        "subject.id": "dana",
        "store.self_account": rng.choice(["rosa", "dana", None]),
        "withheld_ids": rng.sample(["t1", "t2"], rng.randint(0, 2)),
        "subscribed_staff": rng.sample(staff, rng.randint(0, 3)),
        "assigned_staff": rng.sample(staff, rng.randint(0, 3)),
        "client.self_managing": rng.choice(["yes", "shared", "no"]),
        "timing": {
            "past": {"before": ["starts_at", NOW]},
            "soon": {"all": [{"not": {"before": ["starts_at", NOW]}}, {"before": ["starts_at", SOON]}]},
            "ahead": {"not": {"before": ["starts_at", SOON]}},
        },
    }


def random_properties(rng: random.Random) -> dict[str, Any]:
    """Properties whose values all belong to their facts' domains."""
    return {
        "id": rng.choice(["t1", "t2", "t3"]),
        "state": rng.choice(["open", "closed", "draft"]),
        "stage": rng.choice(["new", "started", "done", None]),
        "cents": rng.choice([-1, 0, 1, 250]),
        "addressee_id": rng.choice(["dana", "rosa", "sam", None]),
        "copy_of": rng.choice(["dana", "sam", None]),
        "payer_id": rng.choice(["dana", "sam", None]),
        "member_ids": rng.choice([[], ["dana"], ["sam", "dana"], ["sam"], None]),
        "provider_id": rng.choice(["ken", "lea", "sky", None]),
        "starts_at": rng.choice(
            ["2026-06-15T18:59:59Z", NOW, "2026-06-16T11:59:00-07:00", SOON, "2027-01-01T00:00:00Z"]
        ),
        "sealed": rng.choice([True, False]),
    }


def derive(properties: dict[str, Any], bound: dict[str, Any]) -> tuple[Any, ...]:
    """The facts of a thing, in the order of RESOURCE."""
    me, client = bound["subject.id"], bound["store.self_account"]
    starts = datetime.fromisoformat(properties["starts_at"])
    addressee, copy_of = properties["addressee_id"], properties["copy_of"]
    return (
        properties["id"] in bound["withheld_ids"],
        properties["state"],
        "late" if properties["stage"] == "done" else "early",
        properties["cents"] > 0,
        "nobody" if addressee is None else "me" if addressee == me else "client" if addressee == client else "other",
        "none" if copy_of is None else "mine" if copy_of == me else "other",
        "me" if properties["payer_id"] == me else "other",
        me in (properties["member_ids"] or []),
        properties["provider_id"] in bound["subscribed_staff"],
        properties["provider_id"] in bound["assigned_staff"],
        bound["client.self_managing"],
        "past"
        if starts < datetime.fromisoformat(NOW)
        else "soon"
        if starts < datetime.fromisoformat(SOON)
        else "ahead",
        properties["sealed"],
    )
