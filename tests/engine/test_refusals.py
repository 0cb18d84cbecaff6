"""A bundle with a mistake is refused: file, line, and a sentence that shows the way out."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from authz_service.engine import BundleError, load_policy
from authz_service.engine import trace as tracing
from tests.engine.bundles import FILES, edited, line_with, refusals, write_files

if TYPE_CHECKING:
    from pathlib import Path

REPRESENTATIVES, LIMITS, MAIN, FACTS, INVARIANTS = (
    "representatives.polar",
    "limits.polar",
    "main.polar",
    "facts.yaml",
    "invariants.yaml",
)

# file, old text, new text, a piece of the line that must be named, a piece of the sentence
MISTAKES = {
    "undeclared fact": (REPRESENTATIVES, 'rep.kind = "self"', 'rep.knd = "self"', "rep.knd", "did you mean kind"),
    "undeclared fact under not": (
        LIMITS,
        "if rep.pending;",
        'if not rep.pnding and rep.kind = "self";',
        "rep.pnding",
        "subject.pnding is no declared fact",
    ),
    "undeclared nested fact": (LIMITS, "rep.client.age", "rep.client.aeg", "client.aeg", "did you mean client.age"),
    "undeclared fact in a helper": (
        REPRESENTATIVES,
        'if invoice.state = "open"',
        'if invoice.sate = "open"',
        "invoice.sate",
        "did you mean state",
    ),
    "fact of another type": (
        REPRESENTATIVES,
        'if plan.state in ["open", "paid"]',
        'if plan.addressee in ["me"]',
        "plan.addressee",
        "no declared fact of service_plan",
    ),
    "fact of another side": (REPRESENTATIVES, 'rep.kind = "payer"', 'rep.state = "open"', "rep.state", "subject.state"),
    "name of Python": (REPRESENTATIVES, 'rep.kind = "payer"', "rep.__class__ = 1", "__class__", "reaches into Python"),
    "hidden name": (REPRESENTATIVES, 'rep.kind = "payer"', "rep._reader = 1", "_reader", "no declared fact"),
    "computed name": (REPRESENTATIVES, 'rep.kind = "payer"', 'rep.("kind") = "payer"', '("kind")', "write the fact"),
    "group without a fact": (REPRESENTATIVES, 'rep.kind = "payer"', 'rep.client = "teen"', "rep.client", "group"),
    "function without a parameter": (
        LIMITS,
        "rep.toggle(name) = false",
        "name = name and rep.toggle = false",
        "rep.toggle",
        "takes one parameter",
    ),
    "value of a value": (REPRESENTATIVES, 'rep.kind = "payer"', 'rep.kind.state = "open"', "kind.state", "no declared"),
    "value outside its domain": (
        REPRESENTATIVES,
        'rep.kind = "payer"',
        'rep.kind = "payr"',
        '"payr"',
        "did you mean payer",
    ),
    "value under not": (
        REPRESENTATIVES,
        'rep.kind = "payer"',
        'not rep.kind = "payr"',
        '"payr"',
        '"payr" is no value of subject.kind',
    ),
    "value with !=": (LIMITS, 'rep.kind != "self"', 'rep.kind != "sel"', '"sel"', "did you mean self"),
    "value in a list": (REPRESENTATIVES, '["open", "paid"]', '["open", "payed"]', '"payed"', "did you mean paid"),
    "value on the left": (REPRESENTATIVES, 'rep.kind = "payer"', '"payr" = rep.kind', '"payr"', "subject.kind"),
    "value in a helper's head": (
        REPRESENTATIVES,
        'near("guardian"); near("emergency_contact");',
        'near("guardian"); near("somebody");',
        '"somebody"',
        "somebody is no value of subject.kind",
    ),
    "value through a variable": (
        REPRESENTATIVES,
        'rep.kind = "payer" and invoice.addressee = "me"',
        'rep.kind = "payer" and x = invoice.addressee and x = "nobody at all"',
        "nobody at all",
        "nobody at all is no value of resource.addressee",
    ),
    "text for a flag": (LIMITS, "if rep.pending;", 'if rep.pending = "true";', '"true"', "no value of subject.pending"),
    "flag for a text": (REPRESENTATIVES, 'rep.kind = "payer"', "rep.kind = true", "rep.kind = true", "subject.kind"),
    "number for a text": (REPRESENTATIVES, 'rep.kind = "payer"', "rep.kind = 4", "rep.kind = 4", "4 is no value"),
    "order of texts": (REPRESENTATIVES, 'rep.kind = "payer"', 'rep.kind < "payer"', 'rep.kind < "payer"', "no order"),
    "value in a pattern": (
        REPRESENTATIVES,
        'permit(rep: Representative, "view", invoice: Invoice, "payer.own") if\n    rep.kind = "payer" and',
        'permit(_rep: Representative{kind: "payr"}, "view", invoice: Invoice, "payer.own") if',
        '"payr"',
        "did you mean payer",
    ),
    "fact in a pattern": (
        REPRESENTATIVES,
        'permit(rep: Representative, "view", invoice: Invoice, "payer.own") if\n    rep.kind = "payer" and',
        'permit(_rep: Representative{knd: "payer"}, "view", invoice: Invoice, "payer.own") if',
        "{knd:",
        "subject.knd",
    ),
    "parameter": (
        MAIN,
        '_: ServicePlan, "service_plan"',
        '_: ServicePlan, "plans"',
        '"plans"',
        "no declared parameter",
    ),
    "parameter in a call": (
        LIMITS,
        "feature(action, resource, name) and\n    rep.toggle(name)",
        'feature(action, resource, _) and\n    rep.toggle("invoice")',
        'toggle("invoice")',
        "did you mean invoices",
    ),
    "parameter of none": (REPRESENTATIVES, 'rep.kind = "payer"', 'rep.kind("x") = 1', 'kind("x")', "no parameter"),
    "unknown action": (
        REPRESENTATIVES,
        'permit(staff: Staff, "print"',
        'permit(staff: Staff, "prnt"',
        '"prnt"',
        "did you mean print",
    ),
    "action of another type": (
        REPRESENTATIVES,
        'permit(staff: Staff, "print", _: Invoice',
        'permit(staff: Staff, "pay", _: ServicePlan',
        'ServicePlan, "biller',
        "pay is no action of service_plan",
    ),
    "unknown action in a helper": (MAIN, 'feature("pay"', 'feature("disburse"', "disburse", "no action of any type"),
    "unknown action in a body": (
        REPRESENTATIVES,
        'permit(staff: Staff, "print", _: Invoice, "biller.prints") if staff',
        'permit(staff: Staff, a, _: Invoice, "biller.prints") if not a = "burn" and staff',
        "burn",
        "burn is no action of any type",
    ),
    "unknown class": (
        REPRESENTATIVES,
        'rep: Representative, "view"',
        'rep: Representativ, "view"',
        "Representativ,",
        "class",
    ),
    "unknown class in a helper": (MAIN, '"view", _: Invoice', '"view", _: Invoce', "Invoce", "did you mean Invoice"),
    "unknown class in a body": (
        REPRESENTATIVES,
        'rep.kind = "payer"',
        "rep matches Representer",
        "Representer",
        "did you mean Representative",
    ),
    "subject where a resource belongs": (
        REPRESENTATIVES,
        'permit(staff: Staff, "print", _: Invoice',
        'permit(staff: Staff, "print", _: Representative',
        "_: Representative,",
        "not the class of a resource type",
    ),
    "untyped subject": (
        REPRESENTATIVES,
        'permit(staff: Staff, "print", _: Invoice, "biller.prints") if staff.role = "biller"',
        'permit(_staff, "print", _: Invoice, "biller.prints")',
        "permit(_staff",
        "type its subject",
    ),
    "untyped resource": (
        REPRESENTATIVES,
        'permit(staff: Staff, "print", _: Invoice',
        'permit(staff: Staff, "print", _',
        "biller.prints",
        "without ever saying on what type",
    ),
    "no id": (LIMITS, '"pending") if rep.pending', "_id) if rep.pending", "_id", "this forbid has no id"),
    "three parameters": (LIMITS, ', "pending") if rep.pending', ") if rep.pending", "if rep.pending", "has no id"),
    "id in two files": (
        LIMITS,
        '"pending"',
        '"self.own"',
        '"self.own"',
        "is used in two files, also in representatives.polar:7",
    ),
    "condition that never holds": (
        REPRESENTATIVES,
        'rep.kind = "payer" and',
        'rep.kind = "payer" and rep.kind = "self" and',
        '"payer.own"',
        "the rule payer.own can never hold",
    ),
    "condition that holds only where impossible": (
        REPRESENTATIVES,
        'rep.kind = "payer" and invoice.addressee = "me"',
        'rep.kind = "self" and invoice.addressee = "client"',
        '"payer.own"',
        "can never hold",
    ),
    "second allow": (
        LIMITS,
        "forbid(rep: Representative, _action, _resource",
        'allow(_, "x", _);\nforbid(rep: Representative, _action, _resource',
        "allow(",
        "a second allow",
    ),
    "allow that forgets the forbids": (
        MAIN,
        "permit(s, a, r, _) and not forbidden(s, a, r)",
        "permit(s, a, r, _)",
        "allow(s, a, r)",
        "some permit and no forbid",
    ),
    "print": (
        REPRESENTATIVES,
        'rep.kind = "payer" and',
        'print("x") and rep.kind = "payer" and',
        "print(",
        "take it out",
    ),
    "debug": (
        REPRESENTATIVES,
        'rep.kind = "payer" and',
        'debug() and rep.kind = "payer" and',
        "debug()",
        "take it out",
    ),
    "new": (
        REPRESENTATIVES,
        'rep.kind = "payer" and',
        'x = new Invoice() and x = x and rep.kind = "payer" and',
        "new",
        "Python objects",
    ),
    "unknown helper": (
        LIMITS,
        "feature(action, resource, name)",
        "featur(action, resource, name)",
        "featur(",
        "undefined rule",
    ),
    "unused variable": (LIMITS, "_action, _resource", "action, _resource", '"pending"', "unused"),
    "doubtful brackets": (
        REPRESENTATIVES,
        'rep.kind = "payer" and invoice.addressee = "me"',
        'rep.kind = "payer" and invoice.addressee = "me" or invoice.addressee = "client"',
        'rep.kind = "payer"',
        "ambiguous",
    ),
    "class for its object": (
        REPRESENTATIVES,
        'rep.kind = "payer" and',
        'not Representative.kind = "payer" and rep.kind = "payer" and',
        "not Representative",
        "the class Representative has no facts of its own",
    ),
    "text as a list": (REPRESENTATIVES, 'rep.kind = "payer" and', '"p" in rep.kind and', "payer.own", "cannot be run"),
    "method of a text": (
        REPRESENTATIVES,
        'rep.kind = "payer" and',
        'rep.kind.startswith("p") and',
        "startswith",
        "no declared fact",
    ),
    "text as a number": (REPRESENTATIVES, 'rep.kind = "payer" and', "rep.kind + 1 = 2 and", "rep.kind + 1", "Polar"),
    "no Polar": (REPRESENTATIVES, 'rep.kind = "payer" and', 'rep.kind = "payer" and and', "and and", "Polar"),
    "failed query in the text": (
        LIMITS,
        "forbid(rep: Representative, _action, _resource",
        "?= 1 = 2;\nforbid(rep: Representative, _action, _resource",
        "?=",
        "Inline query failed",
    ),
    "dead typo": (
        MAIN,
        'feature("view", _: Invoice, "invoices");',
        'feature("view", _: Invoice, "invoices");\nunused("guardiann");',
        "guardiann",
        "did you mean guardian",
    ),
}


@pytest.mark.parametrize("label", MISTAKES)
def test_a_mistake_in_a_rule_is_refused_at_its_line(tmp_path: Path, label: str) -> None:
    file, old, new, place, sentence = MISTAKES[label]
    files = edited(file, old, new)
    found = refusals(tmp_path, files)
    line = line_with(files[file], place)
    assert [problem for problem in found if problem.startswith(f"{file}:{line}: ") and sentence in problem], found


def test_the_bundle_without_mistakes_loads(tmp_path: Path) -> None:
    assert refusals(tmp_path, FILES) == []


def test_one_id_cannot_name_a_permit_and_a_forbid(tmp_path: Path) -> None:
    text = FILES[REPRESENTATIVES] + 'forbid(rep: Representative, _a, _r, "payer.own") if rep.pending;\n'
    found = refusals(tmp_path, FILES | {REPRESENTATIVES: text})
    clash = "the rule id payer.own names a permit and a forbid, also in"
    lines = sorted((line_with(text, '"payer.own"'), text.count("\n")))
    assert found == [
        f"{REPRESENTATIVES}:{line}: {clash} {REPRESENTATIVES}:{other}"
        for line, other in zip(lines, reversed(lines), strict=True)
    ]


def test_several_heads_of_one_rule_may_share_its_id(tmp_path: Path) -> None:
    text = FILES[LIMITS] + 'forbid(rep: Representative, "pay", _: Invoice, "pending") if rep.client.age = "child";\n'
    policy = load_policy(write_files(tmp_path, FILES | {LIMITS: text}))
    assert [rule.line for rule in policy.rules.values() if rule.id == "pending"] == [line_with(text, '"pending"')]


def test_a_rule_that_recurses_without_end_is_refused_by_name(tmp_path: Path) -> None:
    files = edited(REPRESENTATIVES, 'near("guardian"); near("emergency_contact");', "near(x) if near(x);")
    assert any("near.invoices cannot be run" in problem for problem in refusals(tmp_path, files))


def test_a_missing_allow_is_refused(tmp_path: Path) -> None:
    text = FILES[MAIN].replace("allow(s, a, r)", "may(s, a, r)")
    assert any("no allow" in problem for problem in refusals(tmp_path, FILES | {MAIN: text}))


def test_a_rule_that_tells_too_many_situations_apart_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert tracing.LEAVES_MAX == 100_000
    monkeypatch.setattr(tracing, "LEAVES_MAX", 3)
    found = refusals(tmp_path, FILES)
    assert any("self.own tells too many situations apart" in problem for problem in found)


def test_all_problems_are_reported_together_in_order(tmp_path: Path) -> None:
    files = dict(FILES)
    files[FACTS] = FILES[FACTS].replace("controlled_by: person", "controlled_by: persn")
    files[LIMITS] = FILES[LIMITS].replace("rep.client.age", "rep.client.aeg").replace('"no_plan"', "_id")
    files[REPRESENTATIVES] = FILES[REPRESENTATIVES].replace('rep.kind = "self"', 'rep.kind = "slef"')
    with pytest.raises(BundleError) as caught:
        load_policy(write_files(tmp_path, files))
    places = [(problem.file, problem.line) for problem in caught.value.problems]
    assert places == [
        (FACTS, line_with(files[FACTS], "persn")),
        (LIMITS, line_with(files[LIMITS], "_id")),
        (LIMITS, line_with(files[LIMITS], "client.aeg")),
        (REPRESENTATIVES, line_with(files[REPRESENTATIVES], "slef")),
    ]


def test_a_declared_name_that_no_rule_reads_is_pointed_at_when_a_rule_reads_one_close_to_it(tmp_path: Path) -> None:
    files = edited(FACTS, "subject.pending:", "subject.pendin:")
    found = refusals(tmp_path, {name: text for name, text in files.items() if name != INVARIANTS})
    line = line_with(files[FACTS], "subject.pendin:")
    assert [problem for problem in found if problem.startswith(f"{FACTS}:{line}: ")], found


@pytest.mark.parametrize(
    ("name", "content", "problem"),
    [
        ("facts.yaml", None, "facts.yaml: cannot be read: No such file or directory"),
        ("main.polar", b"allow(s) \xff", "main.polar:1: the file is not UTF-8"),
        ("facts.yaml", b"", "facts.yaml: the file is empty"),
    ],
)
def test_a_file_that_cannot_be_read_is_refused(tmp_path: Path, name: str, content: bytes | None, problem: str) -> None:
    write_files(tmp_path, FILES)
    if content is None:
        (tmp_path / name).unlink()
    else:
        (tmp_path / name).write_bytes(content)
    with pytest.raises(BundleError) as caught:
        load_policy(tmp_path)
    assert problem in map(str, caught.value.problems)


def test_a_folder_without_rules_is_refused(tmp_path: Path) -> None:
    (tmp_path / "facts.yaml").write_text(FILES[FACTS], encoding="utf-8")
    with pytest.raises(BundleError, match=r"no \*\.polar file"):
        load_policy(tmp_path)
    with pytest.raises(BundleError, match="is not a folder"):
        load_policy(tmp_path / "nowhere")


def test_nothing_is_printed_while_a_bundle_is_refused(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    assert refusals(tmp_path, edited(REPRESENTATIVES, *MISTAKES["doubtful brackets"][1:3]))
    assert capfd.readouterr() == ("", "")
