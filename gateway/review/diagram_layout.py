"""Where the tests, lines and answers of a diagram are drawn. Lengths are in pixels at 100 %.

Each fact has a row. Lines to the same place run together, so that a diagram of a hundred tests can still be followed.
"""

from __future__ import annotations

import itertools
import textwrap
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

CUT_FROM = 12  # lines to one answer: from so many on they end at their test
_CHARACTER, _LINE, _PADDING = 6.7, 15, 7
_HEAD_CHARACTER = 6.0
_CELL_CHARACTERS = 24
_GAP, _ROW_GAP, _MARGIN = 26, 46, 20
_SWEEPS = 12
_END_WIDTH, _END_HEIGHT = 124, 44

_Place = int | bool | str  # a test's number, an answer, or "folded"
_Vertex = tuple[str, Any, int]  # ("test", number, row), ("end", answer, row), ("line", where it leads, row)


@dataclass(slots=True)
class Cell:
    """The values that lead to one place; `cut` when its line ends here."""

    values: list[bool | str]
    to: _Place
    lines: list[str]
    width: float
    cut: bool
    x: float = 0.0
    route: str = ""


@dataclass(slots=True)
class Box:
    """One test."""

    number: int
    fact: str
    title: str
    row: int
    cells: list[Cell]
    x: float = 0.0
    y: float = 0.0
    width: float = 0.0
    height: float = 0.0


@dataclass(slots=True)
class End:
    """An answer at the foot of the drawing; x and y of its middle."""

    answer: bool
    x: float
    y: float
    width: float = _END_WIDTH
    height: float = _END_HEIGHT


@dataclass(slots=True)
class Row:
    """A fact, with the middle of its row."""

    fact: str
    y: float
    top: float
    height: float


@dataclass(slots=True)
class Layout:
    """A drawing; `cut` are the answers whose lines end at their tests."""

    width: float
    height: float
    rows: list[Row] = field(default_factory=list)
    boxes: list[Box] = field(default_factory=list)
    ends: list[End] = field(default_factory=list)
    cut: frozenset[bool] = frozenset()


def lay_out(tests: Sequence[Mapping[str, Any]], root: _Place) -> Layout:
    """The drawing of a diagram as the service tells it (`number`, `fact`, `branches` of `values` and `to`)."""
    facts = list(dict.fromkeys(test["fact"] for test in tests))
    row_of = {fact: row for row, fact in enumerate(facts)}
    cut = _cut(tests)
    boxes = {test["number"]: _box(test, row_of[test["fact"]], cut) for test in tests}
    last = len(facts)
    links = _links(boxes, last)
    ends = {end for _above, below in links for end in (below,) if end[0] == "end"}
    if isinstance(root, bool):
        ends.add(("end", root, last))
    rows = _ordered([*(("test", box.number, box.row) for box in boxes.values()), *ends], links, last)
    places = _placed(rows, links, boxes)
    return _drawn(rows, places, boxes, facts, cut)


def _cut(tests: Sequence[Mapping[str, Any]]) -> frozenset[bool]:
    count = {True: 0, False: 0}
    for test in tests:
        for branch in test["branches"]:
            if isinstance(branch["to"], bool):
                count[branch["to"]] += 1
    return frozenset(answer for answer, lines in count.items() if lines >= CUT_FROM)


def _box(test: Mapping[str, Any], row: int, cut: frozenset[bool]) -> Box:
    cells = []
    for branch in test["branches"]:
        to = branch["to"]
        lines = textwrap.wrap(", ".join(map(shown, branch["values"])), _CELL_CHARACTERS, break_on_hyphens=False)
        is_cut = to == "folded" or (isinstance(to, bool) and to in cut)
        longest = max(len(line) for line in [*lines, "Not folded" if is_cut else ""])
        cells.append(Cell(branch["values"], to, lines, longest * _CHARACTER + 2 * _PADDING, is_cut))
    title = f"{test['number']}  {test['fact'].partition('.')[2]}"
    width = max(sum(cell.width for cell in cells), len(title) * _CHARACTER + 2 * _PADDING)
    spare = (width - sum(cell.width for cell in cells)) / len(cells)
    for cell in cells:
        cell.width += spare
    lines_max = max(len(cell.lines) + cell.cut for cell in cells)
    height = _LINE + _PADDING + lines_max * _LINE + 2 * _PADDING
    return Box(test["number"], test["fact"], title, row, cells, width=width, height=height)


def shown(value: bool | str) -> str:
    """A value as the policy writes it."""
    return str(value).lower() if isinstance(value, bool) else value


def _links(boxes: Mapping[int, Box], last: int) -> set[tuple[_Vertex, _Vertex]]:
    """The pieces of line between neighbouring rows; those that lead to the same place share them."""
    links: set[tuple[_Vertex, _Vertex]] = set()
    for box in boxes.values():
        for cell in box.cells:
            if not cell.cut:
                route = _route(box, cell.to, boxes, last)
                links.update(itertools.pairwise(route))
    return links


def _route(box: Box, to: _Place, boxes: Mapping[int, Box], last: int) -> list[_Vertex]:
    target: _Vertex = ("end", to, last) if isinstance(to, bool) else ("test", to, boxes[int(to)].row)
    between: list[_Vertex] = [("line", to, row) for row in range(box.row + 1, target[2])]
    return [("test", box.number, box.row), *between, target]


def _ordered(vertices: Iterable[_Vertex], links: Iterable[tuple[_Vertex, _Vertex]], last: int) -> list[list[_Vertex]]:
    """Each row from left to right, with few crossings: the order of the neighbours' middles, swept down and up."""
    rows: list[list[_Vertex]] = [[] for _ in range(last + 1)]
    for vertex in dict.fromkeys([*vertices, *sorted({v for link in links for v in link}, key=repr)]):
        rows[vertex[2]].append(vertex)
    above, below = _neighbours(links)
    best, fewest = [list(row) for row in rows], _crossings(rows, below)
    for sweep in range(_SWEEPS):
        downward = sweep % 2 == 0
        neighbours = above if downward else below
        for row in rows if downward else reversed(rows):
            place = {vertex: i for each in rows for i, vertex in enumerate(each)}
            middles = {
                vertex: sum(place[other] for other in near) / len(near) if (near := neighbours.get(vertex)) else None
                for vertex in row
            }
            row.sort(key=lambda vertex: place[vertex] if middles[vertex] is None else middles[vertex] or 0.0)
        crossings = _crossings(rows, below)
        if crossings < fewest:
            best, fewest = [list(row) for row in rows], crossings
    return best


def _neighbours(
    links: Iterable[tuple[_Vertex, _Vertex]],
) -> tuple[dict[_Vertex, list[_Vertex]], dict[_Vertex, list[_Vertex]]]:
    above: dict[_Vertex, list[_Vertex]] = {}
    below: dict[_Vertex, list[_Vertex]] = {}
    for start, end in sorted(links, key=repr):
        above.setdefault(end, []).append(start)
        below.setdefault(start, []).append(end)
    return above, below


def _crossings(rows: Sequence[Sequence[_Vertex]], below: Mapping[_Vertex, Sequence[_Vertex]]) -> int:
    total = 0
    for row, following in itertools.pairwise(rows):
        place = {vertex: i for i, vertex in enumerate(following)}
        ends = [sorted(place[end] for end in below.get(vertex, ())) for vertex in row]
        for i, left in enumerate(ends):
            total += sum(1 for right in ends[i + 1 :] for a in left for b in right if b < a)
    return total


def _placed(
    rows: Sequence[Sequence[_Vertex]], links: Iterable[tuple[_Vertex, _Vertex]], boxes: Mapping[int, Box]
) -> dict[_Vertex, float]:
    """The middle of every vertex: as near to its neighbours' as the order and the widths allow."""
    above, below = _neighbours(links)
    places: dict[_Vertex, float] = {}
    for row in rows:
        at = 0.0
        for vertex in row:
            places[vertex] = at + _width(vertex, boxes) / 2
            at += _width(vertex, boxes) + _GAP
    for sweep in range(_SWEEPS):
        downward = sweep % 2 == 0
        neighbours = above if downward else below
        for row in rows if downward else reversed(rows):
            wanted = [
                sum(places[other] for other in near) / len(near) if (near := neighbours.get(vertex)) else places[vertex]
                for vertex in row
            ]
            places.update(zip(row, _apart(row, wanted, boxes), strict=True))
    return places


def _apart(row: Sequence[_Vertex], wanted: Sequence[float], boxes: Mapping[int, Box]) -> list[float]:
    """The places nearest to the wanted ones that keep the order and the distances (pooled adjacent violators)."""
    offsets = [0.0]
    for left, right in itertools.pairwise(row):
        offsets.append(offsets[-1] + (_width(left, boxes) + _width(right, boxes)) / 2 + _GAP)
    pools: list[tuple[float, int]] = []
    for x, offset in zip(wanted, offsets, strict=False):
        pools.append((x - offset, 1))
        while len(pools) > 1 and pools[-2][0] > pools[-1][0]:
            (first, many), (second, more) = pools[-2:]
            pools[-2:] = [((first * many + second * more) / (many + more), many + more)]
    level = [x for x, many in pools for _ in range(many)]
    return [x + offset for x, offset in zip(level, offsets, strict=False)]


def _width(vertex: _Vertex, boxes: Mapping[int, Box]) -> float:
    kind, name, _row = vertex
    if kind == "test":
        return boxes[name].width
    return _END_WIDTH if kind == "end" else 0.0


def _drawn(
    rows: Sequence[Sequence[_Vertex]],
    places: Mapping[_Vertex, float],
    boxes: Mapping[int, Box],
    facts: Sequence[str],
    cut: frozenset[bool],
) -> Layout:
    head = max((len(fact) for fact in facts), default=0) * _HEAD_CHARACTER + _MARGIN
    left = min((places[v] - _width(v, boxes) / 2 for v in places), default=0.0) - _MARGIN - head
    right = max((places[v] + _width(v, boxes) / 2 for v in places), default=0.0) + _MARGIN
    layout = Layout(right - left, 0.0, cut=cut)
    y = float(_MARGIN)
    tops = []
    for row, fact in enumerate(facts):
        height = max(box.height for box in boxes.values() if box.row == row)
        tops.append(y)
        layout.rows.append(Row(fact, y + height / 2, y, height))
        y += height + _ROW_GAP
    tops.append(y)
    heights = [*(row.height for row in layout.rows), float(_END_HEIGHT)]
    for box in boxes.values():
        box.y = tops[box.row]
        box.x = places["test", box.number, box.row] - left - box.width / 2
        # Lines leave from left to right as they lead, so that they do not cross at their test.
        box.cells.sort(key=lambda cell: _direction(cell, box, places, boxes, len(facts)))
        at = box.x
        for cell in box.cells:
            cell.x = at
            at += cell.width
            if not cell.cut:
                route = _route(box, cell.to, boxes, len(facts))
                cell.route = _path(cell, box, route, places, left, tops, heights)
        layout.boxes.append(box)
    for kind, answer, row in rows[-1]:
        if kind == "end":
            layout.ends.append(End(answer, places[kind, answer, row] - left, y + _END_HEIGHT / 2))
    layout.height = y + (_END_HEIGHT + _MARGIN if layout.ends else 0)
    return layout


def _direction(
    cell: Cell, box: Box, places: Mapping[_Vertex, float], boxes: Mapping[int, Box], last: int
) -> tuple[int, float]:
    if cell.cut:
        return (1, 0.0)
    return (0, places[_route(box, cell.to, boxes, last)[1]])


def _path(  # noqa: PLR0917 - a line has these ends
    cell: Cell,
    box: Box,
    route: Sequence[_Vertex],
    places: Mapping[_Vertex, float],
    left: float,
    tops: Sequence[float],
    heights: Sequence[float],
) -> str:
    x, y = cell.x + cell.width / 2, box.y + box.height
    parts = [f"M{x:.1f} {y:.1f}"]
    floor = tops[box.row] + heights[box.row]
    if floor > y:
        parts.append(f"V{floor:.1f}")
    for vertex in route[1:]:
        to, top = places[vertex] - left, tops[vertex[2]]
        half = (top - floor) / 2
        parts.append(f"C{x:.1f} {floor + half:.1f} {to:.1f} {top - half:.1f} {to:.1f} {top:.1f}")
        floor = top + heights[vertex[2]]
        if vertex[0] == "line":
            parts.append(f"V{floor:.1f}")
        x = to
    return "".join(parts)
