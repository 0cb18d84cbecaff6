"""Suites of a cast: tables of what its people may. What a suite does not list as allowed must be denied.

A suite is a YAML file; the cast stands in `world/` beside it. `docs/policy_guide.md` describes the keys.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any, TypeAlias

import yaml

from authz_service.facts.decision import Decision, decide
from authz_service.facts.request import Request
from authz_service.workbench.cases import Case, SuiteError
from authz_service.workbench.cast_board import Thing, things
from authz_service.workbench.cast_scenes import Scene, base_scene, changed
from models.vocabulary import SubjectType

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping
    from pathlib import Path

    from authz_service.engine import Policy
    from models.world import World

EVERYTHING = "everything"
_KEYS = frozenset({"says", "only", "allowed", "refused", "vary"})
_VARIATION_KEYS = frozenset({"says", "change", "gains", "loses", "by_others"})

Cell: TypeAlias = tuple[str, str, str]
"""Subject, action and the name of a thing."""
Because: TypeAlias = dict[Cell, frozenset[str]]
"""The rules that each cell is laid to."""


@dataclass(frozen=True, slots=True)
class Variation:
    """Changes to the scene, and what becomes allowed, denied, or allowed by other rules than before. All else stays."""

    says: str
    change: Mapping[str, Any]
    gains: Mapping[str, Any]
    loses: Mapping[str, Any]
    by_others: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Suite:
    """One suite, as read. `only` narrows the board to these selectors; without it, everything is asked."""

    says: str
    only: tuple[str, ...] | None
    allowed: Mapping[str, Any]
    refused: Mapping[str, Any]
    vary: tuple[Variation, ...]

    @property
    def subjects(self) -> list[str]:
        """Everyone the suite speaks of."""
        named = [self.allowed, self.refused, *(table for v in self.vary for table in (v.gains, v.loses))]
        return list(dict.fromkeys(subject for table in named for subject in table))


def read_suite(path: Path) -> Suite:
    """Read a suite. Raises SuiteError where it has not the form of one."""
    data = yaml.safe_load(path.read_text(encoding="utf-8"))
    _check_keys(path, data, "the suite", ("says", "allowed"), _KEYS)
    _check_tables(path, data, ("allowed", "refused"))
    vary = []
    if not isinstance(data.get("vary", []), list):
        raise SuiteError(f"{path.name}: vary must be a list")
    for row in data.get("vary", []):
        _check_keys(path, row, "a variation", ("says", "change"), _VARIATION_KEYS)
        _check_tables(path, row, ("gains", "loses", "by_others"))
        if not isinstance(row["change"], dict):
            raise SuiteError(f"{path.name}: the change of a variation must be a mapping (path: value)")
        tables = (row.get(key, {}) for key in ("gains", "loses", "by_others"))
        vary.append(Variation(row["says"], row["change"], *tables))
    only = data.get("only")
    if "only" in data and not _are_texts(only):
        raise SuiteError(f"{path.name}: only must be a list of things")
    return Suite(
        data["says"], None if only is None else tuple(only), data["allowed"], data.get("refused", {}), tuple(vary)
    )


class Board:
    """All cells of some subjects, and how they are answered."""

    def __init__(
        self, policy: Policy, world: World, subjects: Iterable[str], only: tuple[str, ...] | None = None
    ) -> None:
        self.policy, self.world = policy, world
        self.rows: dict[str, list[Thing]] = {}
        for subject in subjects:
            rows = list(things(world, policy.resource_types, subject_type(world, subject)))
            if only is not None:
                rows = [thing for thing in rows if any(thing.is_called(selector) for selector in only)]
            self.rows[subject] = rows
        for selector in only or ():
            if not any(thing.is_called(selector) for rows in self.rows.values() for thing in rows):
                raise SuiteError(f"nothing is called {selector}")

    def cells(self) -> list[tuple[str, Thing, str]]:
        """Subject, thing and action of every cell."""
        return [(who, thing, action) for who, rows in self.rows.items() for thing in rows for action in thing.actions]

    def answers(self, scene: Scene) -> dict[Cell, Decision]:
        """Every cell, decided from the rows of the scene."""
        return {
            (who, action, thing.name): decide(self.policy, scene.access, self.request(who, thing, action, scene))
            for who, thing, action in self.cells()
        }

    def request(self, who: str, thing: Thing, action: str, scene: Scene) -> Request:
        """The question of one cell."""
        return Request(
            subject_type=subject_type(self.world, who),
            subject_id=who,
            action=action,
            resource_type=thing.type,
            resource_id=thing.id,
            now=scene.now,
            properties=thing.properties,
            authn=scene.authn,
        )

    def table(self, table: Mapping[str, Any], everything: frozenset[Cell] = frozenset()) -> Because:
        """The cells of `{subject: {rules: {action: [selector]}}}`; `everything` means these of a subject."""
        found: Because = {}
        for who, by_rules in table.items():
            for rules, by_action in by_rules.items():
                because = frozenset(part.strip() for part in rules.split("+"))
                if by_action == EVERYTHING:
                    cells = [cell for cell in everything if cell[0] == who and cell not in found]
                    found |= dict.fromkeys(cells, because)
                    continue
                for action, selectors in by_action.items():
                    for selector in selectors:
                        found |= dict.fromkeys(self._called(who, action, selector), because)
        return found

    def _called(self, who: str, action: str, selector: str) -> list[Cell]:
        cells = [
            (who, action, thing.name)
            for thing in self.rows[who]
            if thing.is_called(selector) and action in thing.actions
        ]
        if not cells:
            raise SuiteError(f"for {who}, nothing called {selector} is on the board with the action {action}")
        return cells


def subject_type(world: World, subject: str) -> SubjectType:
    """Whether a name of the cast is an account's or a staff member's."""
    return SubjectType.STAFF if subject in world.staff else SubjectType.ACCOUNT


def expected(board: Board, suite: Suite) -> Iterator[tuple[str, Scene, Because, Because]]:
    """Each scene of a suite (with what it says): the cells that are allowed, and some that are denied, with reasons.

    Raises:
        SuiteError: a variation contradicts its suite.
    """
    base = base_scene(board.world)
    before = board.table(suite.allowed)
    yield "", base, before, board.table(suite.refused)
    for variation in suite.vary:
        gains, loses = board.table(variation.gains), board.table(variation.loses, frozenset(before))
        by_others = board.table(variation.by_others)
        if gains.keys() & before.keys():
            raise SuiteError(f"{variation.says} gains what was allowed before")
        if not loses.keys() <= before.keys():
            raise SuiteError(f"{variation.says} loses what was not allowed before")
        if not by_others.keys() <= before.keys() - loses.keys():
            raise SuiteError(f"{variation.says} has allowed by other rules what was not allowed before")
        allowed = {cell: because for cell, because in before.items() if cell not in loses} | gains | by_others
        yield variation.says, changed(base, variation.change), allowed, loses


def cast_cases(policy: Policy, world: World, name: str, suite: Suite) -> Iterator[Case]:
    """Every cell of a suite in every scene of it; `name` is the suite's file, as failures name it.

    Raises:
        SuiteError: the suite says something that cannot be.
    """
    try:
        board = Board(policy, world, suite.subjects, suite.only)
        for says, scene, allowed, refused in expected(board, suite):
            for who, thing, action in board.cells():
                cell = (who, action, thing.name)
                request = board.request(who, thing, action, scene)
                yield Case(
                    suite=name,
                    scene=says,
                    name=f"{who}: {action} {thing.name}",
                    key=(str(request.subject_type), action, thing.type),
                    expected=cell in allowed,
                    because=allowed.get(cell, refused.get(cell)),
                    ask=partial(_ask, scene, request),
                )
    except SuiteError as error:
        raise SuiteError(f"{name}: {error}") from None


def _ask(scene: Scene, request: Request, policy: Policy) -> Decision:
    return decide(policy, scene.access, request)


def _check_keys(path: Path, data: object, what: str, required: Iterable[str], known: frozenset[str]) -> None:
    if not isinstance(data, dict):
        raise SuiteError(f"{path.name}: {what} must be a mapping (key: value)")
    if unknown := sorted(str(key) for key in data.keys() - known):
        raise SuiteError(f"{path.name}: unknown key {unknown[0]}; known: {', '.join(sorted(known))}")
    if lacking := [key for key in required if key not in data]:
        raise SuiteError(f"{path.name}: {what} lacks the key {lacking[0]}")
    if not isinstance(data["says"], str):
        raise SuiteError(f"{path.name}: says of {what} must be a text")


def _check_tables(path: Path, data: Mapping[str, Any], keys: Iterable[str]) -> None:
    """Each of these must be `{subject: {rules: {action: [selector]}}}`."""
    for key in keys:
        by_subject = data.get(key, {})
        by_rules = by_subject.values() if isinstance(by_subject, dict) else [None]
        cells = [cell for table in by_rules for cell in (table.values() if isinstance(table, dict) else [None])]
        for cell in cells:
            if cell != EVERYTHING and not (isinstance(cell, dict) and all(map(_are_texts, cell.values()))):
                raise SuiteError(f"{path.name}: {key} must be a table (subject: {{rules: {{action: [thing]}}}})")


def _are_texts(value: object) -> bool:
    return isinstance(value, list) and all(isinstance(item, str) for item in value)
