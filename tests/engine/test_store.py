"""Stored diagrams are believed only when all of the file fits; anything else is built anew."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from authz_service.engine import load_policy, policy, store
from tests.engine.bundles import FILES, edited, write_files

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from authz_service.engine import Policy


class Watch:
    """Counts how often diagrams are built."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.built = 0
        original = policy._build

        def build(*arguments: object) -> Policy:
            self.built += 1
            return original(*arguments)  # type: ignore[arg-type]

        monkeypatch.setattr(policy, "_build", build)


@pytest.fixture
def watch(monkeypatch: pytest.MonkeyPatch) -> Watch:
    return Watch(monkeypatch)


@pytest.fixture
def bundle(tmp_path: Path) -> Path:
    return write_files(tmp_path / "bundle", FILES)


def only_file(folder: Path) -> Path:
    (found,) = folder.iterdir()
    return found


def answers(loaded: Policy) -> list[bool]:
    question = loaded.question("account", "view", "invoice")
    assert question is not None
    return [
        question.answer((kind, False, "adult", True, True), (addressee, "open")).decision
        for kind in ("self", "guardian", "emergency_contact", "payer")
        for addressee in ("me", "client", "other")
    ]


def test_a_second_load_takes_the_diagrams_from_the_store(tmp_path: Path, bundle: Path, watch: Watch) -> None:
    first = load_policy(bundle, tmp_path / "store")
    second = load_policy(bundle, tmp_path / "store")
    assert watch.built == 1
    assert answers(first) == answers(second)
    assert first.rules == second.rules
    assert first.digest == second.digest
    for key in [("account", "pay", "invoice"), ("staff", "print", "invoice"), ("account", "view", "service_plan")]:
        one, other = first.question(*key), second.question(*key)
        assert one is not None
        assert other is not None
        assert one.rule_diagrams.keys() == other.rule_diagrams.keys()
    assert [proof.counterexample for proof in second.prove()] == [None] * 3


def test_a_changed_bundle_is_built_anew_beside_the_old_one(tmp_path: Path, bundle: Path, watch: Watch) -> None:
    load_policy(bundle, tmp_path / "store")
    write_files(bundle, edited("representatives.polar", 'near("guardian"); ', 'near("guardian");  '))
    load_policy(bundle, tmp_path / "store")
    assert watch.built == 2
    assert len(list((tmp_path / "store").iterdir())) == 2


def test_another_engine_does_not_believe_the_file(
    tmp_path: Path, bundle: Path, watch: Watch, monkeypatch: pytest.MonkeyPatch
) -> None:
    load_policy(bundle, tmp_path / "store")
    stored = only_file(tmp_path / "store")
    monkeypatch.setattr(store, "fingerprint", lambda: "f" * 64)
    stored.rename(store.stored_path(tmp_path / "store", load_policy(bundle).digest))
    load_policy(bundle, tmp_path / "store")
    assert watch.built == 3


def truncate(text: str) -> str:
    return text[: len(text) // 2]


def flip_one_digit(text: str) -> str:
    at = text.rindex('"decision":') + len('"decision":')
    return text[:at] + ("1" if text[at] != "1" else "0") + text[at + 1 :]


def other_bundle(text: str) -> str:
    head, _, body = text.partition("\n")
    return json.dumps(json.loads(head) | {"bundle": "0" * 64}) + "\n" + body


CORRUPTIONS: dict[str, Callable[[str], str]] = {
    "empty": lambda _: "",
    "truncated": truncate,
    "no JSON": lambda text: text.replace("[", "(", 1),
    "one digit flipped": flip_one_digit,
    "head alone": lambda text: text.partition("\n")[0],
    "head of another bundle": other_bundle,
    "one more line": lambda text: text + "\n{}",
    "code": lambda _: "import os; os.abort()",
}


@pytest.mark.parametrize("corruption", CORRUPTIONS)
def test_a_corrupted_file_is_built_anew_and_replaced(
    tmp_path: Path, bundle: Path, watch: Watch, corruption: str
) -> None:
    expected = answers(load_policy(bundle, tmp_path / "store"))
    stored = only_file(tmp_path / "store")
    good = stored.read_text(encoding="utf-8")
    stored.write_text(CORRUPTIONS[corruption](good), encoding="utf-8")
    assert answers(load_policy(bundle, tmp_path / "store")) == expected
    assert watch.built == 2
    assert stored.read_text(encoding="utf-8") == good


def test_a_file_that_is_no_text_is_built_anew(tmp_path: Path, bundle: Path, watch: Watch) -> None:
    load_policy(bundle, tmp_path / "store")
    only_file(tmp_path / "store").write_bytes(b"\xff\x00\x80")
    load_policy(bundle, tmp_path / "store")
    assert watch.built == 2


def reseal(stored: Path, digest: str, body: dict[str, object]) -> None:
    """Write a body with a head that fits it, as one who knows the format would."""
    text = json.dumps(body, separators=(",", ":"))
    stored.write_text(f"{store._head(digest, text)}\n{text}", encoding="utf-8")


FORGERIES: dict[str, Callable[[dict[str, list]], object]] = {
    "a node too few": lambda body: body["nodes"].pop(),
    "a child too many": lambda body: body["nodes"][0].append(0),
    "a child that does not exist": lambda body: body["nodes"][0].__setitem__(1, 10_000),
    "a negative child": lambda body: body["nodes"][0].__setitem__(1, -1),
    "a level that does not exist": lambda body: body["nodes"][0].__setitem__(0, 99),
    "a negative level": lambda body: body["nodes"][0].__setitem__(0, -1),
    "a test of nothing": lambda body: body["nodes"][0].__setitem__(slice(1, None), [1] * (len(body["nodes"][0]) - 1)),
    "a parent below its child": lambda body: body["nodes"][-1].__setitem__(0, 7),
    "a flag for a number": lambda body: body["nodes"][0].__setitem__(1, True),
    "a decision that does not follow": lambda body: body["questions"][0].__setitem__("decision", 1),
    "a rule that does not exist": lambda body: body["questions"][0]["rules"].__setitem__("nobody", 1),
    "a question too few": lambda body: body["questions"].pop(),
    "a question twice": lambda body: body["questions"].append(body["questions"][0]),
    "another question": lambda body: body["questions"][0].__setitem__("key", ["staff", "view", "nothing"]),
    "a rule of no effect": lambda body: body["rules"][0].__setitem__("effect", "allow"),
    "no rules": lambda body: body.pop("rules"),
    "a list for the body": lambda body: body.__setitem__("nodes", None),
}


@pytest.mark.parametrize("forgery", FORGERIES)
def test_a_well_sealed_file_of_the_wrong_structure_is_built_anew(
    tmp_path: Path, bundle: Path, watch: Watch, forgery: str
) -> None:
    loaded = load_policy(bundle, tmp_path / "store")
    stored = only_file(tmp_path / "store")
    body = json.loads(stored.read_text(encoding="utf-8").partition("\n")[2])
    FORGERIES[forgery](body)
    reseal(stored, loaded.digest, body)
    assert answers(load_policy(bundle, tmp_path / "store")) == answers(loaded)
    assert watch.built == 2


def test_the_seal_alone_is_what_the_forgeries_have(tmp_path: Path, bundle: Path, watch: Watch) -> None:
    loaded = load_policy(bundle, tmp_path / "store")
    stored = only_file(tmp_path / "store")
    reseal(stored, loaded.digest, json.loads(stored.read_text(encoding="utf-8").partition("\n")[2]))
    load_policy(bundle, tmp_path / "store")
    assert watch.built == 1


def test_a_refused_bundle_leaves_nothing_in_the_store(tmp_path: Path) -> None:
    folder = write_files(tmp_path / "bundle", edited("limits.polar", "rep.pending;", "rep.pnding;"))
    with pytest.raises(policy.BundleError):
        load_policy(folder, tmp_path / "store")
    assert not (tmp_path / "store").exists()


def test_a_store_that_cannot_be_written_is_reported(tmp_path: Path, bundle: Path) -> None:
    (tmp_path / "store").write_text("a file stands in the way", encoding="utf-8")
    with pytest.raises(OSError, match="exists"):
        load_policy(bundle, tmp_path / "store")
