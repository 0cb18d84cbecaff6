"""JSON Schemas (2020-12) of the YAML files of a bundle, with which an editor completes and checks while one types.

A schema refuses only what a load refuses. With the facts of a bundle it also lists its types, actions, facts and
values; without, it knows the form alone.
"""

from __future__ import annotations

import json
from collections import Counter
from typing import TYPE_CHECKING, Any, TypeAlias

from authz_service.engine.facts import Level, Side
from authz_service.workbench.cases import NO_RULE_PERMITS
from authz_service.workbench.cast_suites import EVERYTHING

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Mapping

    from authz_service.engine.facts import Facts

Schema: TypeAlias = dict[str, Any]

_DIALECT = "https://json-schema.org/draft/2020-12/schema"
_TEXT: Schema = {"type": "string"}
_VALUE: Schema = {"type": ["string", "boolean"]}
_ANY = "any"
_SHORT = 80
_PART = "[A-Za-z][A-Za-z0-9_]*"
_PATH = rf"^(subject|resource)\.{_PART}(\.{_PART})*"


def facts_schema(facts: Facts | None = None) -> Schema:
    """The schema of `facts.yaml`; `facts` are those of the bundle, for `of` and `impossible`."""
    subjects, resources = (None, None) if facts is None else (facts.subjects, facts.resources)
    plain, with_parameter = _fact(facts), _fact(facts)
    with_parameter["properties"]["parameter"] = _texts("The words it may be called with.")
    with_parameter["required"] = ["values", "parameter"]
    cls = _said("Its class in Polar: a name such as ServicePlan.", pattern=f"^{_PART}$")
    return _root(
        "The facts that the rules of a bundle may read",
        _object(
            {
                "version": {"const": 1},
                "subjects": _map(_object({"class": cls}, ["class"]), "Who asks: wire type -> Polar class.", subjects),
                "resources": _map(
                    _object({"class": cls, "actions": _texts("What can be done to it.")}, ["class", "actions"]),
                    "What is asked for: wire type -> Polar class and actions.",
                    resources,
                ),
                "facts": {
                    "type": "object",
                    "description": "Every fact: subject.name, resource.name or subject.name(parameter).",
                    "patternProperties": {rf"{_PATH}\([a-z_]+\)$": with_parameter, rf"{_PATH}$": plain},
                    "additionalProperties": False,
                },
                "impossible": {
                    "type": "array",
                    "description": "Situations that cannot occur.",
                    "items": _condition(facts),
                },
            },
            ["version", "subjects", "resources", "facts"],
        ),
    )


def invariants_schema(facts: Facts | None = None) -> Schema:
    """The schema of `invariants.yaml`."""
    statement = _object(
        {
            "subject": _names(None if facts is None else facts.subjects, any_=True),
            "action": _names(None if facts is None else facts.actions, any_=True),
            "resource": _names(None if facts is None else facts.resources, any_=True),
            "when": {"$ref": "#/$defs/condition", "description": "Only where each of these facts has such a value."},
            "unless": {"$ref": "#/$defs/condition", "description": "But not where all of this holds."},
        },
        ["subject", "action", "resource"],
    )
    invariant = _object(
        {
            "id": _said("What the invariant is called."),
            "says": _said("What it promises, in one sentence."),
            "never": {"$ref": "#/$defs/statement", "description": "Nothing that fits is allowed."},
            "always": {"$ref": "#/$defs/statement", "description": "All that fits is allowed."},
        },
        ["id", "says"],
    )
    invariant["oneOf"] = [{"required": ["never"]}, {"required": ["always"]}]
    root = _object(
        {"version": {"const": 1}, "invariants": {"type": "array", "items": invariant}}, ["version", "invariants"]
    )
    root["$defs"] = {"statement": statement, "condition": _condition(facts)}
    return _root("What must hold over every situation", root)


def suites_schema(facts: Facts | None = None, rules: Iterable[str] | None = None) -> Schema:
    """The schema of suites: those over facts, which begin with their version, and those of a cast."""
    because = None if rules is None else [*rules, NO_RULE_PERMITS]
    root: Schema = {
        "type": "object",
        "if": {"required": ["version"]},
        "then": _fact_suite(facts, because),
        "else": _cast_suite(facts),
        "$defs": {
            "facts": _values(facts, None),
            "subject": _values(facts, Side.SUBJECT),
            "resource": _values(facts, Side.RESOURCE),
            "because": _names(because),
        },
    }
    return _root("What a suite lists is allowed, and all else is denied", root)


def _fact_suite(facts: Facts | None, rules: Collection[str] | None) -> Schema:
    cell = _object(
        {
            "subject": _names(None),
            "action": _names(None if facts is None else facts.actions),
            "resource": _names(None),
            "facts": {"$ref": "#/$defs/facts", "description": "Asked besides the table, with these facts changed."},
            "expect": {"enum": ["allowed", "denied"]},
            "because": {"$ref": "#/$defs/because"} if rules is not None else _names(None),
        },
        ["subject", "action", "resource"],
    )
    subjects, resources = (None, None) if facts is None else (facts.subjects, facts.resources)
    person = _object({"type": _one_of(subjects), "facts": {"$ref": "#/$defs/subject"}}, ["type"])
    item = _object({"type": _one_of(resources), "facts": {"$ref": "#/$defs/resource"}, "for": _names(None)}, ["type"])
    return _object(
        {
            "version": {"const": 1},
            "says": _said("What the suite shows, in one sentence."),
            "usual": {"$ref": "#/$defs/facts", "description": "Facts that are so where nothing else is said."},
            "people": _map(person, "Who asks."),
            "items": _map(item, "What is asked for."),
            "cells": {"type": "array", "description": "What is allowed; all else is denied.", "items": cell},
        },
        ["version", "says", "people", "items", "cells"],
    )


def _cast_suite(facts: Facts | None) -> Schema:
    selectors = {"type": "array", "items": _TEXT}
    by_action: Schema = {"type": "object", "additionalProperties": selectors}
    if facts is not None:
        by_action = {
            "type": "object",
            "properties": dict.fromkeys(facts.actions, selectors),
            "additionalProperties": False,
        }
    table = _map(_map({"anyOf": [by_action, {"const": EVERYTHING}]}, "By which rules."), "Who.")
    variation = _object(
        {
            "says": _said("What is different."),
            "change": {"type": "object", "description": "Paths into the rows, with their new values."},
            **dict.fromkeys(("gains", "loses", "by_others"), table),
        },
        ["says", "change"],
    )
    return _object(
        {
            "says": _said("What the suite shows, in one sentence."),
            "only": {"type": "array", "description": "Ask about these things alone.", "items": _TEXT},
            "allowed": table,
            "refused": table,
            "vary": {"type": "array", "items": variation},
        },
        ["says", "allowed"],
    )


def _fact(facts: Facts | None) -> Schema:
    return _object(
        {
            "of": {
                "type": "array",
                "description": "The wire types that have it; all of its side when left out.",
                "items": _one_of(None if facts is None else [*facts.subjects, *facts.resources]),
                "minItems": 1,
                "uniqueItems": True,
            },
            "values": {
                "description": "Its values, in order: texts, or true and false.",
                "anyOf": [
                    {"type": "array", "items": {"type": kind}, "minItems": 1, "uniqueItems": True}
                    for kind in ("string", "boolean")
                ],
            },
            "says": _said("What it means, for an administrator."),
            "controlled_by": {"enum": [level.value for level in Level], "description": "Who controls it."},
            "legal": _said("The law it rests on."),
            "from": _source(),
        },
        ["values"],
    )


def _source() -> Schema:
    """Where a fact comes from: one of five sources, each with what belongs to it."""
    bound = {"anyOf": [{"type": "null"}, {"const": "subject.id"}, {"type": "string", "pattern": r"^store\."}]}
    forms = [_object({source: _TEXT, "property": True}, [source]) for source in ("store", "code")]
    forms.append(_object({"member": _TEXT, "of": bound}, ["member", "of"]))
    forms.append(
        {"type": "object", "properties": {"match": _TEXT}, "required": ["match"], "additionalProperties": bound}
    )
    values = {"values": {"type": "object"}, "above": True, "map_null": _VALUE}
    forms.append(_object({"property": _TEXT, **values}, ["property"]))
    return {"description": "Where it comes from: store, code, member, match or property.", "anyOf": forms}


def _condition(facts: Facts | None) -> Schema:
    """Fact -> a value, a list of values, or `{not: ...}`."""
    if facts is None:
        return {"type": "object", "additionalProperties": _accepted(_VALUE)}
    known = {fact.name: _accepted({"enum": list(fact.values)}) for fact in facts.facts.values()}
    return {"type": "object", "properties": known, "additionalProperties": False}


def _accepted(value: Schema) -> Schema:
    some = [value, {"type": "array", "items": value, "minItems": 1}]
    return {"anyOf": [*some, _object({"not": {"anyOf": some}}, ["not"])]}


def _values(facts: Facts | None, side: Side | None) -> Schema:
    """Fact -> its value; with a side, by the names inside it."""
    if facts is None:
        return {"type": "object", "additionalProperties": _VALUE}
    known = {
        fact.name if side is None else fact.key: {"enum": list(fact.values), "description": fact.says}
        for fact in facts.facts.values()
        if side in (None, fact.side)
    }
    return {"type": "object", "properties": known, "additionalProperties": False}


def _names(known: Collection[str] | None, *, any_: bool = False) -> Schema:
    """A name or a list of names."""
    one = _one_of(known if known is None or not any_ else [_ANY, *known])
    listed = {"type": "array", "items": _one_of(known), "minItems": 1, "uniqueItems": True}
    return {"anyOf": [one, listed]}


def _one_of(known: Iterable[str] | None) -> Schema:
    return dict(_TEXT) if known is None else {"enum": list(dict.fromkeys(known))}


def _texts(description: str) -> Schema:
    return {"type": "array", "description": description, "items": _TEXT, "minItems": 1, "uniqueItems": True}


def _said(description: str, **more: str) -> Schema:
    return {"type": "string", "description": description, **more}


def _object(properties: Schema, required: Collection[str]) -> Schema:
    return {
        "type": "object",
        "properties": properties,
        "required": list(required),
        "additionalProperties": False,
    }


def _map(of: Schema, description: str, known: Mapping[str, object] | None = None) -> Schema:
    """A mapping with names of the author's own; those known already are offered for completion."""
    schema: Schema = {"type": "object", "description": description, "additionalProperties": of}
    return schema if known is None else {**schema, "properties": dict.fromkeys(known, of)}


def _root(title: str, schema: Schema) -> Schema:
    """The whole schema, in which what is long and said more than once stands in `$defs`."""
    counts: Counter[str] = Counter()
    _count(schema, counts)
    names = {text: f"shared_{number}" for number, text in enumerate(text for text, n in counts.items() if n > 1)}
    defs: Schema = {}
    found: Schema = {"$schema": _DIALECT, "title": title, **_shared(schema, names, defs, top=True)}
    if defs:
        found["$defs"] = {**found.get("$defs", {}), **defs}
    return found


def _count(part: object, counts: Counter[str]) -> None:
    if isinstance(part, dict):
        if (text := _written(part)) is not None:
            counts[text] += 1
            if counts[text] > 1:
                return
        for inner in part.values():
            _count(inner, counts)
    elif isinstance(part, list):
        for inner in part:
            _count(inner, counts)


def _shared(part: Any, names: Mapping[str, str], defs: Schema, *, top: bool = False) -> Any:
    if isinstance(part, list):
        return [_shared(inner, names, defs) for inner in part]
    if not isinstance(part, dict):
        return part
    name = None if top else names.get(_written(part) or "")
    if name is None or name not in defs:
        whole = {key: _shared(inner, names, defs) for key, inner in part.items()}
        if name is None:
            return whole
        defs[name] = whole
    return {"$ref": f"#/$defs/{name}"}


def _written(part: Schema) -> str | None:
    """A schema that is long enough to be shared, as text; None for others, and for maps of names to schemas."""
    is_schema = isinstance(part.get("type"), str) or any(isinstance(part.get(key), list) for key in ("anyOf", "enum"))
    text = json.dumps(part, sort_keys=True) if is_schema else ""
    return text if len(text) > _SHORT else None
