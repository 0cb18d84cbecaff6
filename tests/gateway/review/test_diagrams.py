"""A question drawn: the drawing, its words and the diagram are one, and each control shows the service's answer."""

from __future__ import annotations

import random
import re
from html.parser import HTMLParser
from typing import TYPE_CHECKING, Any
from urllib.parse import urlencode

import pytest
from starlette.datastructures import QueryParams

from authz_service.engine import MISSING, load_policy
from authz_service.engine.diagram import nodes
from authz_service.workbench import drawing
from authz_service.workbench.drawing import draw, parts_of
from gateway.review.diagram_form import names_of, read_choice
from gateway.review.diagram_layout import lay_out
from gateway.review.diagram_words import LISTED_MAX, end_words, many, ways_to
from tests.conftest import ROOT

if TYPE_CHECKING:
    from collections.abc import Mapping

    from authz_service.engine import Policy
    from authz_service.engine.policy import Question
    from gateway.review.diagram_layout import Layout
    from tests.gateway.portal_stack import Portal

pytestmark = pytest.mark.anyio
INVOICE = "/review/diagrams/account/view/invoice"


@pytest.fixture(scope="session")
def ours() -> Policy:
    return load_policy(ROOT / "policies")


@pytest.fixture(scope="session", params=["ours", "todo", "gateway"])
def policy(request: pytest.FixtureRequest, ours: Policy) -> Policy:
    return ours if request.param == "ours" else load_policy(ROOT / "tests" / "authzen" / request.param)


class Page(HTMLParser):
    """What a page says of a diagram: the branches drawn, those in words, and what is marked."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.drawn: set[tuple[str, str, str]] = set()
        self.told: set[tuple[str, str, str]] = set()
        self.marked: list[tuple[str, str]] = []
        self.ends: dict[str, str] = {}
        self.ids: set[str] = set()
        self.links: set[str] = set()
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        found = {name: value or "" for name, value in attrs}
        classes = found.get("class", "").split()
        self.ids.add(found.get("id", ""))
        if found.get("href", "").startswith("#"):
            self.links.add(found["href"][1:])
        if "data-from" in found:
            branch = found["data-from"], found["data-to"], found["data-values"].lower()
            (self.told if tag == "li" else self.drawn).add(branch)
            if tag == "li" and "on" in classes:
                self.marked.append(branch[:2])
        if "data-end" in found:
            self.ends[found["data-end"]] = found["class"]


def told_as_service(question: Question, part: str = "decision") -> dict[str, Any]:
    drawn = draw(question, parts_of(question)[part].diagram)
    tests = [
        {"number": n.number, "fact": n.fact, "branches": [{"values": list(b.values), "to": b.to} for b in n.branches]}
        for n in drawn.tests
    ]
    return {"root": drawn.root, "tests": tests, "folded": drawn.folded, "share": "1 %"}


def branches_of(told: Mapping[str, Any]) -> set[tuple[str, str, str]]:
    return {
        (str(test["number"]), str(branch["to"]).lower(), " ".join(map(str, branch["values"])).lower())
        for test in told["tests"]
        for branch in test["branches"]
    }


def overlapping(layout: Layout) -> list[tuple[int, int]]:
    return [
        (a.number, b.number)
        for a in layout.boxes
        for b in layout.boxes
        if a.number < b.number
        and a.x < b.x + b.width
        and b.x < a.x + a.width
        and a.y < b.y + b.height
        and b.y < a.y + a.height
    ]


def all_questions(policy: Policy) -> list[Question]:
    found = (
        policy.question(subject, action, resource)
        for subject in policy.subject_types
        for resource, actions in policy.resource_types.items()
        for action in actions
    )
    return [question for question in found if question is not None]


def test_every_test_has_a_place_of_its_own_and_every_line_leads_where_its_branch_does(policy: Policy) -> None:
    for question in all_questions(policy):
        told = told_as_service(question)
        layout = lay_out(told["tests"], told["root"])
        assert overlapping(layout) == []
        tops = {box.number: (box.x, box.x + box.width, box.y) for box in layout.boxes}
        ends = {
            end.answer: (end.x - end.width / 2, end.x + end.width / 2, end.y - end.height / 2) for end in layout.ends
        }
        for box in layout.boxes:
            assert box.x >= 0
            assert box.x + box.width <= layout.width
            for cell in box.cells:
                if cell.cut:
                    assert isinstance(cell.to, bool)
                    assert cell.to in layout.cut
                    continue
                left, right, top = ends[cell.to] if isinstance(cell.to, bool) else tops[int(cell.to)]
                x, y = map(float, cell.route.replace("V", " ").replace("C", " ").split()[-2:])
                assert left <= x <= right
                assert y == pytest.approx(top, abs=0.2)


def test_the_ways_in_words_are_the_paths_of_the_diagram(policy: Policy) -> None:
    for question in all_questions(policy):
        told = told_as_service(question)
        for answer in (True, False):
            ways = ways_to(told, answer, end_words("decision"))
            paths = list(question.diagrams.paths(question.diagram, answer))
            assert ways.total == len(paths)
            assert len(ways.listed) == min(len(paths), LISTED_MAX)
            names, values = question.diagrams.names, question.diagrams.values
            written = {
                tuple((names[level], ", ".join(str(values[level][i]).lower() for i in path[level])) for level in path)
                for path in paths
            }
            assert {tuple((fact, text.lower()) for fact, text in way) for way in ways.listed} <= written


async def test_what_is_drawn_and_what_is_written_is_the_diagram(site: Portal, ours: Policy) -> None:
    rex = await site.as_("rex")
    for names in (("account", "view", "invoice"), ("staff", "view", "policy"), ("account", "view", "clinical_note")):
        question = ours.question(*names)
        assert question is not None
        answer = await rex.get(f"/review/diagrams/{'/'.join(names)}")
        assert answer.status_code == 200
        found = Page(answer.text)
        assert found.drawn == found.told == branches_of(told_as_service(question))
        assert found.links <= found.ids, "every link within the page leads somewhere"


async def test_each_part_can_be_drawn(site: Portal, ours: Policy) -> None:
    rex = await site.as_("rex")
    question = ours.question("account", "view", "invoice")
    assert question is not None
    for part in parts_of(question):
        answer = await rex.get(INVOICE, params={"part": part})
        assert Page(answer.text).told == branches_of(told_as_service(question, part))


async def test_what_is_too_large_to_draw_is_said_to_be_folded(site: Portal, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(drawing, "DRAWN_MAX", 10)
    rex = await site.as_("rex")
    text = (await rex.get(f"{INVOICE}?kind=payer")).text
    found = Page(text)
    assert {int(number) for number, _to, _values in found.drawn} == set(range(1, 11))
    assert found.drawn == found.told
    assert any(to == "folded" for _number, to, _values in found.drawn)
    assert re.search(r"4\d tests are folded", text)
    assert "too large to be drawn whole" in text


async def test_the_way_that_is_marked_ends_at_the_answer_of_the_question(site: Portal, ours: Policy) -> None:
    """For random situations, the page says, draws and marks what the question answers."""
    rex, chance = await site.as_("rex"), random.Random(3)
    question = ours.question("account", "view", "invoice")
    assert question is not None
    read = {question.diagrams.names[node.level] for node in nodes(question.diagram)}
    slots = (*question.subject_slots, *question.resource_slots)
    names = names_of([{"fact": fact.name, "key": fact.key} for fact in slots])
    seen = set()
    for number in range(12):
        known = {f.name: chance.choice(f.values) for f in slots if f.name in read or number % 2}
        if number % 3 == 0:
            known.pop(chance.choice(sorted(known)))
        answer = question.answer(
            tuple(known.get(fact.name, MISSING) for fact in question.subject_slots),
            tuple(known.get(fact.name, MISSING) for fact in question.resource_slots),
        )
        query = urlencode({names[fact]: str(value).lower() for fact, value in known.items()})
        text = (await rex.get(f"{INVOICE}?{query}")).text
        found = Page(text)
        verdict = re.search(r'class="verdict \w+">.*?</svg>([^<]+)<', text, re.DOTALL)
        assert verdict is not None
        expected = "Allowed" if answer.decision else "Denied"
        if answer.missing:
            expected = "Not decided yet"
        elif answer.error:
            expected = "No such situation"
        assert verdict[1] == expected
        seen.add(expected)
        if not answer.error:
            assert any(to == str(answer.decision).lower() for _number, to in found.marked)
            assert not any(to == str(not answer.decision).lower() for _number, to in found.marked)
    assert len(seen) > 1


async def test_an_address_describes_a_situation_by_short_or_full_names(site: Portal) -> None:
    rex = await site.as_("rex")
    short = await rex.get(f"{INVOICE}?kind=payer&addressee=other&toggle.invoices=true")
    full = await rex.get(
        f"{INVOICE}?subject.kind=payer&resource.addressee=other&subject.toggle.invoices=true&nothing=&wrong=1"
    )
    assert re.search(r'<select[^>]*name="kind".*?<option selected>payer</option>', short.text, re.DOTALL)
    assert "wrong is no fact of this question." in full.text
    assert Page(short.text).marked == Page(full.text).marked


async def test_what_cannot_occur_is_said_and_nothing_is_marked(site: Portal) -> None:
    rex = await site.as_("rex")
    text = (await rex.get(f"{INVOICE}?kind=self&addressee=client")).text
    assert "No such situation" in text
    assert Page(text).marked == []


async def test_the_nearest_situations_lead_to_pages_that_answer_otherwise(site: Portal) -> None:
    rex = await site.as_("rex")
    start = await rex.get(f"{INVOICE}?kind=payer&addressee=other")
    links = re.findall(r'href="([^"]+)">Try it', start.text)
    assert links
    for link in links:
        assert ">Denied</span>" not in (await rex.get(link.replace("&amp;", "&"))).text


async def test_the_list_has_every_question_and_can_be_narrowed(site: Portal, ours: Policy) -> None:
    rex = await site.as_("rex")
    whole = (await rex.get("/review/diagrams")).text
    assert whole.count('<th scope="row">') == len(all_questions(ours))
    some = (await rex.get("/review/diagrams?subject_type=account&resource_type=invoice")).text
    assert some.count('<th scope="row">') == len(ours.resource_types["invoice"])
    assert "No such question." in (await rex.get("/review/diagrams?action=fly")).text


@pytest.mark.parametrize(
    "path",
    [
        "/review/diagrams/account/view/nothing",
        f"{INVOICE}?part=rule:none",
        f"{INVOICE}?version=0000",
        "/review/diagrams?version=..",
    ],
)
async def test_what_there_is_not_is_not_found(site: Portal, path: str) -> None:
    rex = await site.as_("rex")
    assert (await rex.get(path)).status_code == 404


@pytest.mark.parametrize("name", ["sky", "dana"])
async def test_nobody_else_sees_diagrams(site: Portal, name: str) -> None:
    other = await site.as_(name)
    assert (await other.get("/review/diagrams")).status_code in {403, 404}
    assert (await other.get(INVOICE)).status_code in {403, 404}


def test_a_parameter_is_the_key_unless_that_could_be_something_else() -> None:
    facts: list[dict[str, Any]] = [
        {"fact": "subject.kind", "key": "kind", "values": ["a"]},
        {"fact": "subject.state", "key": "state", "values": ["a"]},
        {"fact": "resource.state", "key": "state", "values": ["a"]},
        {"fact": "resource.part", "key": "part", "values": [False, True]},
    ]
    assert list(names_of(facts).values()) == ["kind", "subject.state", "resource.state", "resource.part"]
    choice = read_choice(
        QueryParams("kind=a&resource.state=a&resource.part=true&part=permit&state=a&subject.state=b"), facts
    )
    assert choice.facts == {"subject.kind": "a", "resource.state": "a", "resource.part": True}
    assert list(choice.unread) == ["state is no fact of this question.", "b is no value of subject.state."]


@pytest.mark.parametrize(("count", "text"), [(0, "0"), (12_345, "12,345"), (1_234 * 10**20, "1.23 · 10²³")])
def test_counts_of_forty_digits_stay_readable(count: int, text: str) -> None:
    assert many(count) == text
