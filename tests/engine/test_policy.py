"""A policy answers everything with a decision, and is swapped whole."""

from __future__ import annotations

import threading
import time
from typing import TYPE_CHECKING

import pytest

from authz_service.engine import MISSING, Answer, BundleError, Policy, PolicyHolder, load_policy
from tests.engine.bundles import FILES, edited, write_files

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture(scope="module")
def policy(tmp_path_factory: pytest.TempPathFactory) -> Policy:
    return load_policy(write_files(tmp_path_factory.mktemp("bundle"), FILES))


ACCOUNT = {
    "kind": "self",
    "pending": False,
    "client.age": "adult",
    "toggle.invoices": True,
    "toggle.service_plan": True,
}
INVOICE = {"addressee": "me", "state": "open"}


def without(facts: dict[str, object], *keys: str) -> dict[str, object]:
    return {key: value for key, value in facts.items() if key not in keys}


# subject type and facts, action, resource type and facts; the answer
QUESTIONS: dict[str, tuple[tuple[str, dict[str, object], str, str, dict[str, object]], Answer]] = {
    "allowed": (("account", ACCOUNT, "view", "invoice", INVOICE), Answer(decision=True)),
    "no permit": (("account", ACCOUNT, "print", "invoice", INVOICE), Answer(decision=False)),
    "forbidden": (
        ("account", ACCOUNT | {"toggle.invoices": False}, "view", "invoice", INVOICE),
        Answer(decision=False),
    ),
    "unknown subject type": (
        ("acount", ACCOUNT, "view", "invoice", INVOICE),
        Answer(decision=False, error="acount is no subject type (did you mean account?)"),
    ),
    "unknown resource type": (
        ("account", ACCOUNT, "view", "invoce", INVOICE),
        Answer(decision=False, error="invoce is no resource type (did you mean invoice?)"),
    ),
    "unknown action": (
        ("account", ACCOUNT, "veiw", "invoice", INVOICE),
        Answer(decision=False, error="veiw is no action of invoice (did you mean view?)"),
    ),
    "action of another type": (
        ("account", ACCOUNT, "pay", "service_plan", {"state": "open"}),
        Answer(decision=False, error="pay is no action of service_plan (known: view, print)"),
    ),
    "unknown fact": (
        ("account", ACCOUNT | {"knd": "self"}, "view", "invoice", INVOICE),
        Answer(decision=False, error="subject.knd is no fact of this type (did you mean kind?)"),
    ),
    "fact of another type": (
        ("account", ACCOUNT, "view", "service_plan", INVOICE),
        Answer(decision=False, error="resource.addressee is no fact of this type (known: state)"),
    ),
    "unknown value": (
        ("account", ACCOUNT | {"kind": "slef"}, "view", "invoice", INVOICE),
        Answer(decision=False, error='"slef" is no value of subject.kind (did you mean self?)'),
    ),
    "text for a flag": (
        ("account", ACCOUNT | {"pending": "false"}, "view", "invoice", INVOICE),
        Answer(decision=False, error='"false" is no value of subject.pending (did you mean false?)'),
    ),
    "number for a flag": (
        ("account", ACCOUNT | {"pending": 0}, "view", "invoice", INVOICE),
        Answer(decision=False, error="0 is no value of subject.pending (known: false, true)"),
    ),
    "null": (
        ("account", ACCOUNT | {"pending": None}, "view", "invoice", INVOICE),
        Answer(decision=False, error="null is no value of subject.pending (known: false, true)"),
    ),
    "list": (
        ("account", ACCOUNT | {"kind": ["self"]}, "view", "invoice", INVOICE),
        Answer(
            decision=False,
            error='["self"] is no value of subject.kind (did you mean self?)',
        ),
    ),
    "impossible": (
        ("account", ACCOUNT, "view", "invoice", INVOICE | {"addressee": "client"}),
        Answer(
            decision=False,
            error="this situation cannot occur: subject.kind = self and resource.addressee = client (facts.yaml:49)",
        ),
    ),
    "impossible whatever is missing": (
        ("account", {"kind": "self"}, "view", "invoice", {"addressee": "client"}),
        Answer(
            decision=False,
            error="this situation cannot occur: subject.kind = self and resource.addressee = client (facts.yaml:49)",
        ),
    ),
    "missing and not needed": (
        ("account", without(ACCOUNT, "client.age", "toggle.service_plan"), "view", "invoice", INVOICE),
        Answer(decision=True),
    ),
    "missing and denied all the same": (
        ("account", {"pending": True}, "view", "invoice", {}),
        Answer(decision=False),
    ),
    "missing and deciding": (
        ("account", without(ACCOUNT, "pending"), "view", "invoice", INVOICE),
        Answer(
            decision=False,
            error="the answer depends on missing facts: subject.pending",
            missing=("subject.pending",),
        ),
    ),
    "missing, deciding and not": (
        ("account", without(ACCOUNT, "client.age", "pending"), "view", "invoice", {"addressee": "me"}),
        Answer(
            decision=False,
            error="the answer depends on missing facts: subject.pending (also missing: subject.client.age, "
            "resource.state)",
            missing=("subject.pending",),
        ),
    ),
}


@pytest.mark.parametrize("engine", ["diagram", "polar"])
@pytest.mark.parametrize("label", QUESTIONS)
def test_both_engines_give_the_same_answer_and_the_same_words(policy: Policy, label: str, engine: str) -> None:
    question, expected = QUESTIONS[label]
    assert policy.answer(*question, engine=engine) == expected


def test_a_question_that_is_not_known_is_none(policy: Policy) -> None:
    assert policy.question("account", "pay", "service_plan") is None
    assert policy.question("nobody", "view", "invoice") is None


def test_a_situation_of_the_wrong_length_is_denied_with_an_error(policy: Policy) -> None:
    question = policy.question("account", "view", "invoice")
    assert question is not None
    assert question.answer(("self",), ("me", "open")) == Answer(
        decision=False, error="the number of facts does not fit the question"
    )


def test_missing_stands_in_a_slot_and_decide_never_takes_it_for_a_value(policy: Policy) -> None:
    question = policy.question("account", "view", "invoice")
    assert question is not None
    s, r = ("payer", False, MISSING, True, MISSING), ("me", "open")
    assert question.answer(s, r).decision
    assert not question.decide(("payer", MISSING, "adult", True, True), r)
    assert not question.decide((MISSING, False, "adult", True, True), r)


def test_a_rule_knows_its_place_and_the_words_above_it(policy: Policy) -> None:
    rule = policy.rules["self.own"]
    assert (rule.effect, rule.file, rule.line) == ("permit", "representatives.polar", 7)
    assert rule.says == "Clients see what is theirs. Nobody else's is shown."
    assert policy.rules["no_plan"].says == ""


def test_an_action_and_a_fact_of_one_short_name_on_both_sides_stay_apart(tmp_path: Path) -> None:
    files = {
        "facts.yaml": """
version: 1
subjects: {user: {class: User}}
resources: {page: {class: Page, actions: [state]}}
facts:
  subject.state: {values: [on_duty, off_duty]}
  resource.state: {values: [open, shut]}
""",
        "main.polar": "allow(s, a, r) if permit(s, a, r, _);\n"
        'permit(u: User, "state", p: Page, "x") if u.state = "on_duty" and p.state = "open";\n',
    }
    loaded = load_policy(write_files(tmp_path, files))
    for mine in ("on_duty", "off_duty"):
        for its in ("open", "shut"):
            answer = loaded.answer("user", {"state": mine}, "state", "page", {"state": its})
            assert answer == Answer((mine, its) == ("on_duty", "open"))


def test_a_failed_swap_keeps_the_old_policy_and_a_good_one_replaces_it(tmp_path: Path) -> None:
    holder = PolicyHolder(load_policy(write_files(tmp_path / "old", FILES)))
    old = holder.policy
    broken = write_files(tmp_path / "broken", edited("limits.polar", "rep.pending;", "rep.pnding;"))
    with pytest.raises(BundleError):
        holder.swap(broken)
    assert holder.policy is old
    fresh = write_files(tmp_path / "new", edited("representatives.polar", 'near("guardian"); ', ""))
    assert holder.swap(fresh) is holder.policy
    assert holder.policy.digest != old.digest


class InPlace(PolicyHolder):
    """The control: a holder whose policy is changed part by part while it serves."""

    __slots__ = ()

    def swap(self, folder: Path, store: Path | None = None) -> Policy:
        fresh = load_policy(folder, store)
        serving = self.policy
        serving._questions.clear()
        serving.digest = fresh.digest
        time.sleep(0.005)
        serving._facts, serving._diagrams = fresh._facts, fresh._diagrams
        serving.rules, serving._decisions = fresh.rules, fresh._decisions
        return serving


def wrong_answers(holder: PolicyHolder, folders: tuple[Path, Path], store: Path) -> int:
    """Ask from several threads while two policies that answer differently take turns; each digest has one answer."""
    expected = {}
    for folder in folders:
        loaded = load_policy(folder, store)
        expected[loaded.digest] = loaded.answer("account", ACCOUNT, "view", "invoice", INVOICE).decision
    assert set(expected.values()) == {True, False}
    wrong, stop = [], threading.Event()

    def ask() -> None:
        while not stop.is_set():
            policy = holder.policy
            before = policy.digest
            try:
                decision = policy.answer("account", ACCOUNT, "view", "invoice", INVOICE).decision
            except Exception as error:  # noqa: BLE001 - counted, whatever it is
                wrong.append(repr(error))
                continue
            if decision is not expected[before]:
                wrong.append(before)

    threads = [threading.Thread(target=ask) for _ in range(2)]
    for thread in threads:
        thread.start()
    for turn in range(16):
        holder.swap(folders[turn % 2], store)
    stop.set()
    for thread in threads:
        thread.join()
    return len(wrong)


@pytest.fixture
def folders(tmp_path: Path) -> tuple[Path, Path]:
    denying = edited("representatives.polar", 'rep.kind = "self" and', 'rep.kind = "payer" and')
    return write_files(tmp_path / "one", FILES), write_files(tmp_path / "two", denying)


def test_a_swap_under_load_gives_no_wrong_answer(tmp_path: Path, folders: tuple[Path, Path]) -> None:
    assert wrong_answers(PolicyHolder(load_policy(folders[0])), folders, tmp_path / "store") == 0


def test_a_holder_that_changes_the_policy_in_place_does(tmp_path: Path, folders: tuple[Path, Path]) -> None:
    holder = InPlace(load_policy(folders[0]))
    assert any(wrong_answers(holder, folders, tmp_path / "store") for _ in range(5))
