"""A plan's condition in SQL chooses exactly the rows for which the condition holds, on both databases."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import select

from authz_service.engine.conditions import evaluate_condition
from gateway.records.filter import UnknownConditionError, where
from gateway.records.store import properties_of
from models.tables.records import ITEMS

if TYPE_CHECKING:
    from gateway.records.store import RecordsStore

PRACTICE = "northgate"
TEXTS = ["rosa", "dana", "mia", "ken", "open", "paid", "draft", "released", "harbor", "nobody", "doc_mia_school", ""]
INSTANTS = ["2026-06-15T12:00:00Z", "2026-06-16T09:00:00-07:00", "2026-05-20T17:00:00Z", "2030-01-01T00:00:00+00:00"]
SCALARS = {
    "invoice": ["id", "client_id", "addressee_id", "state"],
    "document": ["id", "client_id", "category", "state", "signer_rule", "copy_of"],
    "appointment": ["id", "client_id", "provider_id", "state"],
    "thread": ["id", "client_id", "provider_id"],
}
LISTS = {"document": "signer_ids", "thread": "participant_ids"}


def leaves(kind: str) -> st.SearchStrategy[Any]:
    texts = st.sampled_from(TEXTS)
    choices = [
        st.booleans(),
        st.builds(lambda n, v: {"eq": [n, v]}, st.sampled_from(SCALARS[kind]), texts | st.none()),
        st.builds(lambda n, v: {"in": [n, v]}, st.sampled_from(SCALARS[kind]), st.lists(texts | st.none(), max_size=4)),
    ]
    if kind in LISTS:
        choices.append(st.builds(lambda v: {"has": [LISTS[kind], v]}, texts))
    if kind == "invoice":
        choices.append(st.builds(lambda v: {"gt": ["balance_due_cents", v]}, st.sampled_from([-1, 0, 4500, 9000.5])))
        choices.append(st.builds(lambda v: {"eq": ["balance_due_cents", v]}, st.sampled_from([0, 9000])))
    if kind == "appointment":
        choices.append(st.builds(lambda v: {"before": ["starts_at", v]}, st.sampled_from(INSTANTS)))
    return st.one_of(choices)


def trees(kind: str) -> st.SearchStrategy[Any]:
    return st.recursive(
        leaves(kind),
        lambda inner: st.one_of(
            st.builds(lambda part: {"not": part}, inner),
            st.builds(lambda parts: {"all": parts}, st.lists(inner, max_size=3)),
            st.builds(lambda parts: {"any": parts}, st.lists(inner, max_size=3)),
        ),
        max_leaves=8,
    )


@pytest.mark.parametrize("kind", sorted(SCALARS))
@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_the_rows_chosen_are_those_for_which_the_condition_holds(
    kind: str, data: st.DataObject, store: RecordsStore
) -> None:
    tree = data.draw(trees(kind))
    table = ITEMS[kind]
    with store.session(PRACTICE) as session:
        rows = session.scalars(select(table)).all()
        chosen = set(session.scalars(select(table.id).where(where(kind, tree))))
    expected = {row.id for row in rows if evaluate_condition(tree, properties_of(kind, row) | {"id": row.id})}

    assert chosen == expected


@pytest.mark.parametrize(
    ("tree", "named"),
    [
        ({"eq": ["colour", "red"]}, "colour"),
        ({"eq": ["number", "NG-1041"]}, "number"),
        ({"like": ["state", "o%"]}, "like"),
        ({"eq": ["balance_due_cents", "9000"]}, "balance_due_cents"),
        ({"eq": ["balance_due_cents", True]}, "balance_due_cents"),
        ({"eq": ["state", 1]}, "state"),
        ({"gt": ["state", 1]}, "gt"),
        ({"before": ["state", "2026-06-15T12:00:00Z"]}, "before"),
        ({"has": ["state", "open"]}, "has"),
        ({"in": ["state", "open"]}, "in"),
        ({"all": {"eq": ["state", "open"]}}, "all"),
        ({"eq": ["state", "open"], "not": False}, "not a condition"),
        ([], "not a condition"),
        (None, "not a condition"),
        ("true", "not a condition"),
        ({"eq": ["state"]}, "eq"),
    ],
)
def test_what_the_records_do_not_know_is_refused_by_name(tree: Any, named: str) -> None:
    with pytest.raises(UnknownConditionError, match=named):
        where("invoice", tree)


@pytest.mark.parametrize("instant", ["2026-06-15T12:00:00", "yesterday", 3])
def test_an_instant_needs_a_zone(instant: Any) -> None:
    with pytest.raises(UnknownConditionError):
        where("appointment", {"before": ["starts_at", instant]})


def test_a_condition_without_bottom_is_refused() -> None:
    tree: Any = True
    for _ in range(100):
        tree = {"not": tree}
    with pytest.raises(UnknownConditionError, match="deeper"):
        where("invoice", tree)


def test_a_type_without_rows_is_refused() -> None:
    with pytest.raises(UnknownConditionError, match="portal"):
        where("portal", True)
