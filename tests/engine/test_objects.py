"""What Polar sees gives away facts and nothing else."""

from __future__ import annotations

import pytest

from authz_service.engine.facts_file import read_facts
from authz_service.engine.objects import PolicyTextError
from authz_service.engine.polar import Polar, Situation
from authz_service.engine.trace import Paths
from tests.engine.bundles import FILES

FACTS = read_facts(FILES["facts.yaml"])
POLAR = Polar(FACTS, {name: text for name, text in FILES.items() if name.endswith(".polar")})
READER = Situation(Paths(FACTS), {"kind": "self", "client.age": "teen", "toggle.invoices": True}, {"state": "open"})

PYTHON = ["__init__", "__dict__", "__class__x", "_state", "state_", "_reader", "mro", "__globals__", "__slots__", "_x"]


@pytest.mark.parametrize("name", PYTHON)
def test_no_name_of_python_is_reachable_and_none_raises_attribute_error(name: str) -> None:
    subject = POLAR.subject(READER, "account")
    for value in (subject, POLAR.resource(READER, "invoice"), subject.client, subject.toggle):
        with pytest.raises(PolicyTextError):
            getattr(value, name)


def test_declared_facts_are_plain_values_for_plain_polar() -> None:
    subject = POLAR.subject(READER, "account")
    assert type(subject.kind) is str
    assert subject.client.age == "teen"
    assert subject.toggle("invoices") is True
    with pytest.raises(PolicyTextError, match=r"no declared parameter of subject\.toggle"):
        subject.toggle("plans")
    with pytest.raises(PolicyTextError, match="takes one parameter"):
        subject.toggle()


def test_an_error_of_a_fact_is_no_attribute_error() -> None:
    assert not issubclass(PolicyTextError, AttributeError)
