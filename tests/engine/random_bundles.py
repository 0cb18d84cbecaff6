"""Random bundles with the constructs that make engines differ, and plain Polar to judge them.

The judge knows nothing of the engine: ordinary classes, plain values, one `allow`.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from itertools import product
from typing import TYPE_CHECKING, Any

from oso import Oso

from authz_service.engine import BundleError, load_policy
from tests.engine.bundles import write_files

if TYPE_CHECKING:
    import random
    from collections.abc import Iterator, Mapping
    from pathlib import Path

    from authz_service.engine import Policy

Value = str | bool
WORDS = ("red", "green", "blue", "grey")
PARAMETERS = ("north", "south")
ACTIONS = {"box": ("open", "close"), "jar": ("open",)}
ALLOW = "allow(s, a, r) if permit(s, a, r, _) and not forbidden(s, a, r);\nforbidden(s, a, r) if forbid(s, a, r, _);\n"
# Helpers of fixed text: recursion over a list, a cut, heads with literals, and tables.
HELPERS = """\
among(x, [x, *_]);
among(x, [_, *rest]) if among(x, rest);
warm("red");
warm(x) if x = "blue" and cut and false;
warm(x) if x in ["blue", "green"];
cold(x) if not warm(x);
side("open", _: Box, "north");
side("open", _: Jar, "south");
side("close", _: Box, "south");
chain(x, y) if x = y;
chain("red", y) if chain("green", y);
chain("green", y) if chain("blue", y);
"""


class Subject:
    """What Polar sees: attributes with plain values."""

    def __init__(self, facts: Mapping[str, Value]) -> None:
        self.inner = Inner()
        self.switches = {}
        for key, value in facts.items():
            if key.startswith("switch."):
                self.switches[key.removeprefix("switch.")] = value
            elif key.startswith("inner."):
                setattr(self.inner, key.removeprefix("inner."), value)
            else:
                setattr(self, key, value)

    def switch(self, name: str) -> Value:
        return self.switches[name]


class Inner: ...


class Box(Subject): ...


class Jar(Subject): ...


@dataclass
class Shape:
    """Which facts a bundle declares: key -> values, for the subject and for each resource type."""

    subject: dict[str, tuple[Value, ...]]
    resources: dict[str, dict[str, tuple[Value, ...]]]
    shared: set[str] = field(default_factory=set)


def draw_shape(draw: random.Random) -> Shape:
    def values() -> tuple[Value, ...]:
        if draw.random() < 0.3:
            return tuple(draw.sample([False, True], 2))
        return tuple(draw.sample(WORDS, draw.randint(2, 4)))

    def text_values() -> tuple[Value, ...]:
        return tuple(draw.sample(WORDS, draw.randint(3, 4)))

    switch = tuple(draw.sample([False, True], 2))
    subject = {"tint": text_values(), "inner.tone": values(), "ready": (False, True)}
    subject |= {f"switch.{name}": switch for name in PARAMETERS}
    common = values()
    # `tint` is a short name on both sides, with other values.
    resources = {
        "box": {"tint": text_values(), "common": common, "lid": values()},
        "jar": {"common": common},
    }
    return Shape(subject, resources)


def facts_yaml(shape: Shape) -> str:
    def listed(values: tuple[Value, ...]) -> str:
        return "[" + ", ".join(str(value).lower() for value in values) + "]"

    lines = ["version: 1", "subjects: {user: {class: User}}", "resources:"]
    lines += [f"  {name}: {{class: {name.title()}, actions: [{', '.join(ACTIONS[name])}]}}" for name in ACTIONS]
    lines.append("facts:")
    for key, values in shape.subject.items():
        if not key.startswith("switch."):
            lines.append(f"  subject.{key}: {{of: [user], values: {listed(values)}, controlled_by: grant}}")
    switch = listed(shape.subject["switch.north"])
    lines.append(f"  subject.switch(name): {{of: [user], parameter: [north, south], values: {switch}}}")
    seen: dict[str, list[str]] = {}
    for name, facts in shape.resources.items():
        for key in facts:
            seen.setdefault(key, []).append(name)
    for key, of in seen.items():
        values = shape.resources[of[0]][key]
        lines.append(f"  resource.{key}: {{of: [{', '.join(of)}], values: {listed(values)}}}")
    return "\n".join(lines) + "\n"


def draw_condition(draw: random.Random, shape: Shape, resource: str | None, names: str = "asr", depth: int = 0) -> str:
    """A condition on the variables in `names`; `resource` is the type of `r` where it is known."""
    if depth < 3 and draw.random() < 0.55:
        parts = [draw_condition(draw, shape, resource, names, depth + 1) for _ in range(2)]
        kind = draw.choice(("and", "or", "not", "not or"))
        if kind == "not":
            return f"not ({parts[0]})"
        if kind == "not or":
            return f"not ({parts[0]} or {parts[1]})"
        return f"({parts[0]} {kind} {parts[1]})"
    reads = [(f"s.{key}", values) for key, values in shape.subject.items() if not key.startswith("switch.")]
    reads += [(f's.switch("{name}")', shape.subject["switch.north"]) for name in PARAMETERS]
    if resource is not None:
        reads += [(f"r.{key}", values) for key, values in shape.resources[resource].items()]
    read, values = draw.choice(reads)
    if isinstance(values[0], bool):
        return draw.choice((read, f"{read} = true", f"{read} = false", f"not {read}", f"{read} != true"))
    value = draw.choice(values)
    own = f"v{draw.getrandbits(40)}"  # One variable on two facts would compare them, whose values differ.
    some = ", ".join(f'"{word}"' for word in draw.sample(values, draw.randint(1, len(values))))
    tests = [
        f'{read} = "{value}"',
        f'{read} != "{value}"',
        f'"{value}" = {read}',
        f"{read} in [{some}]",
        f"not {read} in [{some}]",
        f"among({read}, [{some}])",
        f"not among({read}, [{some}])",
        f"({own} = {read} and {own} in [{some}])",
    ]
    if "a" in names:
        tests += ['a = "open"', 'not a in ["close"]']
    if set(values) == set(WORDS):
        tests += [f"warm({read})", f"cold({read})", f'chain({read}, "blue")', f'not chain({read}, "blue")']
    return draw.choice(tests)


def draw_rules(draw: random.Random, shape: Shape) -> list[str]:
    """The clauses of permits and forbids; some ids have several heads, some forbids are untyped."""
    clauses = []
    for effect, count in (("permit", draw.randint(1, 4)), ("forbid", draw.randint(1, 3))):
        for number in range(count):
            for _ in range(draw.choice((1, 1, 2))):
                resource = draw.choice(("box", "jar"))
                action = draw.choice(("a", "a", f'"{draw.choice(ACTIONS[resource])}"'))
                what = f"r: {resource.title()}"
                names = "sr" if action != "a" else "asr"
                condition = draw_condition(draw, shape, resource, names)
                if draw.random() < 0.35:
                    what, action, names = "r", "a", "asr"
                    inner = draw_condition(draw, shape, None)
                    joined = f"s.switch(n) and {inner}" if effect == "forbid" else f"({inner} or s.switch(n))"
                    condition = f"side(a, r, n) and {joined}"
                used = " and ".join(f"{name} = {name}" for name in names)  # Polar warns of a variable used once.
                clauses.append(f'{effect}(s: User, {action}, {what}, "{effect}.{number}") if {used} and {condition};')
    return clauses


def build_bundle(folder: Path, draw: random.Random) -> tuple[Policy, Shape, str] | None:
    """A bundle that loads, its shape and its text; rules that can never hold are taken out as the load asks."""
    shape = draw_shape(draw)
    clauses = draw_rules(draw, shape)
    while clauses:
        rules = "".join(clause + "\n" for clause in clauses)
        text = ALLOW + HELPERS + rules
        if "forbid(" not in rules:
            text = "allow(s, a, r) if permit(s, a, r, _);\n" + HELPERS + rules
        elif "permit(" not in rules:
            return None
        try:
            files = {"facts.yaml": facts_yaml(shape), "main.polar": text}
            return load_policy(write_files(folder, files)), shape, text
        except BundleError as error:
            dead = {problem.message.split()[2] for problem in error.problems if "can never hold" in problem.message}
            if len(dead) < len(error.problems):
                raise
            clauses = [clause for clause in clauses if not any(f'"{rule_id}"' in clause for rule_id in dead)]
    return None


class Judge:
    """Plain Polar on the same text."""

    def __init__(self, text: str) -> None:
        self.oso = Oso()
        for name, cls in (("User", Subject), ("Box", Box), ("Jar", Jar)):
            self.oso.register_class(cls, name=name)
        self.oso.load_str(text)

    def allows(self, subject: Mapping[str, Value], action: str, resource: str, facts: Mapping[str, Value]) -> bool:
        thing = {"box": Box, "jar": Jar}[resource](facts)
        return bool(self.oso.query_rule_once("allow", Subject(subject), action, thing))


def completions(domains: Mapping[str, tuple[Value, ...]], given: Mapping[str, Value]) -> Iterator[dict[str, Any]]:
    """Every complete assignment that agrees with what is given."""
    free = [key for key in domains if key not in given]
    for chosen in product(*(domains[key] for key in free)):
        yield {**given, **dict(zip(free, chosen, strict=True))}
