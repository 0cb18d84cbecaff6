"""Turns a plan's condition tree into an SQL condition on the records, exactly.

The tree (`POST /v1/plan`) has two-valued logic: comparing a null property with a value is false, so its `not` is true.
SQL has three values; negations are therefore carried down to the leaves, where the null case is written out.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any

from sqlalchemy import Integer, and_, false, or_, true
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql.expression import ColumnElement, FunctionElement
from sqlalchemy.types import Boolean
from sqlmodel import AutoString

from models.tables.columns import Instant
from models.tables.records import ITEMS, Client
from models.world import RAW_PROPERTIES

if TYPE_CHECKING:
    from collections.abc import Mapping

    from sqlalchemy.sql.compiler import SQLCompiler

DEPTH_MAX = 64  # levels of a condition tree
_TABLES: Mapping[str, Any] = {**ITEMS, "client": Client}


class UnknownConditionError(ValueError):
    """The tree names a property, operator or value that the records do not have; nothing may be listed."""


@dataclass(frozen=True, slots=True)
class _Property:
    """A property as the records keep it. The table's own column: comparing the mapped one costs three times as much."""

    column: ColumnElement[Any]
    kind: type
    nullable: bool


def _properties(table: Any, columns: Mapping[str, str]) -> Mapping[str, _Property]:
    kept = table.__table__.columns
    return {name: _Property(kept[key], _kind(kept[key]), kept[key].nullable) for name, key in columns.items()}


def _kind(column: Any) -> type:
    if isinstance(column.type, Instant):
        return datetime
    if isinstance(column.type, AutoString):
        return str
    return int if isinstance(column.type, Integer) else list


_PROPERTIES: Mapping[str, Mapping[str, _Property]] = {
    "client": _properties(Client, {"id": "id", "client_id": "id", "practice_id": "practice_id"}),
    **{
        name: _properties(table, {key: key for key in ("id", "client_id", "practice_id", *RAW_PROPERTIES[name])})
        for name, table in ITEMS.items()
    },
}


def keeps(resource_type: str) -> bool:
    """Whether the records keep rows of a type, so that it can be listed."""
    return resource_type in _TABLES


def table_of(resource_type: str) -> Any:
    """The table of a resource type; UnknownConditionError when the records keep none."""
    try:
        return _TABLES[resource_type]
    except KeyError:
        raise UnknownConditionError(f"the records keep no {resource_type}") from None


def where(resource_type: str, tree: Any) -> ColumnElement[bool]:
    """The condition in SQL; raises UnknownConditionError, naming the part."""
    table_of(resource_type)
    return _clause(_PROPERTIES[resource_type], tree, yes=True, depth=0)


def _clause(properties: Mapping[str, _Property], tree: Any, *, yes: bool, depth: int) -> ColumnElement[bool]:
    if depth > DEPTH_MAX:
        raise UnknownConditionError(f"a condition is nested deeper than {DEPTH_MAX} levels")
    if isinstance(tree, bool):
        return true() if tree is yes else false()
    if not isinstance(tree, dict) or len(tree) != 1:
        raise UnknownConditionError(f"not a condition: {tree!r:.80}")
    [(operator, operand)] = tree.items()
    if operator == "not":
        return _clause(properties, operand, yes=not yes, depth=depth + 1)
    if operator in ("all", "any"):
        if not isinstance(operand, list):
            raise UnknownConditionError(f"`{operator}` takes a list")
        parts = [_clause(properties, part, yes=yes, depth=depth + 1) for part in operand]
        return and_(true(), *parts) if (operator == "all") is yes else or_(false(), *parts)
    if operator not in _LEAVES or not isinstance(operand, list) or len(operand) != 2 or not isinstance(operand[0], str):
        raise UnknownConditionError(f"unknown operator or operand: {operator!r:.40}")
    name, value = operand
    if name not in properties:
        raise UnknownConditionError(f"unknown property: {name!r:.40}")
    return _LEAVES[operator](properties[name], value, yes)


def _equal(of: _Property, value: Any, yes: bool) -> ColumnElement[bool]:
    if value is None:
        return of.column.is_(None) if yes else of.column.is_not(None)
    value = _checked(of, value)
    return of.column == value if yes else _or_null(of, of.column != value)


def _among(of: _Property, values: Any, yes: bool) -> ColumnElement[bool]:
    if not isinstance(values, list):
        raise UnknownConditionError("`in` takes a list of values")
    column, given = of.column, [_checked(of, value) for value in values if value is not None]
    if len(given) == len(values):
        return column.in_(given) if yes else _or_null(of, column.not_in(given))
    # Null itself is in the list: a null property belongs to it.
    return or_(column.in_(given), column.is_(None)) if yes else and_(column.not_in(given), column.is_not(None))


def _has(of: _Property, value: Any, yes: bool) -> ColumnElement[bool]:
    if not isinstance(value, str) or of.kind is not list:
        raise UnknownConditionError("`has` asks a list property for a text")
    clause: ColumnElement[bool] = _ListHas(of.column, value)
    return clause if yes else ~clause


def _above(of: _Property, number: Any, yes: bool) -> ColumnElement[bool]:
    if isinstance(number, bool) or not isinstance(number, int | float) or of.kind is not int:
        raise UnknownConditionError("`gt` compares a number")
    return of.column > number if yes else _or_null(of, of.column <= number)


def _before(of: _Property, text: Any, yes: bool) -> ColumnElement[bool]:
    if of.kind is not datetime:
        raise UnknownConditionError("`before` compares an instant")
    instant = _checked(of, text)
    return of.column < instant if yes else _or_null(of, of.column >= instant)


_LEAVES = {"eq": _equal, "in": _among, "has": _has, "gt": _above, "before": _before}


def _or_null(of: _Property, clause: ColumnElement[bool]) -> ColumnElement[bool]:
    return or_(clause, of.column.is_(None)) if of.nullable else clause


def _checked(of: _Property, value: Any) -> Any:
    """The value as the column takes it; databases disagree on comparing text with numbers, so none is tried."""
    kind = of.kind
    if kind is datetime and isinstance(value, str):
        try:
            instant = datetime.fromisoformat(value)
        except ValueError:
            raise UnknownConditionError(f"not an RFC 3339 instant: {value!r:.40}") from None
        if instant.tzinfo is None:
            raise UnknownConditionError(f"an instant without a zone: {value!r:.40}")
        return instant
    if kind is str and isinstance(value, str):
        return value
    if kind is int and isinstance(value, int) and not isinstance(value, bool):
        return value
    raise UnknownConditionError(f"{of.column.key} cannot be compared with {value!r:.40}")


class _ListHas(FunctionElement[bool]):
    """True when a JSON list of texts holds a text; false for null."""

    type = Boolean()
    name = "list_has"
    inherit_cache = True


@compiles(_ListHas, "sqlite")
def _list_has_sqlite(element: _ListHas, compiler: SQLCompiler, **kwargs: Any) -> str:
    column, value = element.clauses
    listed, wanted = compiler.process(column, **kwargs), compiler.process(value, **kwargs)
    return f"EXISTS (SELECT 1 FROM json_each({listed}) WHERE json_each.value = {wanted})"  # noqa: S608 - both parts are compiled, not typed.


@compiles(_ListHas, "postgresql")
def _list_has_postgresql(element: _ListHas, compiler: SQLCompiler, **kwargs: Any) -> str:
    column, value = element.clauses
    listed, wanted = compiler.process(column, **kwargs), compiler.process(value, **kwargs)
    return f"coalesce(jsonb_exists({listed}, {wanted}), false)"
