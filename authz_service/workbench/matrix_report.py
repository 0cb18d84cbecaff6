"""A matrix written as text with numbered conditions, as CSV, and as a page of HTML."""

from __future__ import annotations

import csv
import io
from html import escape
from typing import TYPE_CHECKING

from authz_service.workbench.terms import phrase, wrapped

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from authz_service.workbench.matrix import Cell, Matrix, Row
    from authz_service.workbench.terms import Term

_STYLE = (
    "table{border-collapse:collapse}th,td{border:1px solid #888;padding:.25em .5em;text-align:left;vertical-align:top}"
    "td.no{color:#666}ul{margin:0;font-weight:normal}"
)


def as_text(matrix: Matrix) -> str:
    """A grid of yes, no, `if` (the needs suffice) and numbers, with the numbered conditions below."""
    numbers: dict[tuple[str, ...], int] = {}
    rows = [row for group in matrix.groups for row in group.rows]
    label = max((len(_question(row)) for row in rows), default=0) + 2
    widths = [max(len(head), 4) + 2 for head in matrix.heads]
    lines = [f"{matrix.subject_type} by {matrix.by}", ""]
    if matrix.needs:
        lines += ["if, and every number: provided that", *_needs(matrix.needs, matrix, "  "), ""]
    lines.append(" " * label + "".join(f"{head:>{width}}" for head, width in zip(matrix.heads, widths, strict=True)))
    for group in matrix.groups:
        if group.name is not None:
            lines += ["", group.name, *_needs(group.needs, matrix, "    ")]
        for row in group.rows:
            marks = [_mark(cell, matrix, numbers) for cell in row.cells]
            grid = "".join(f"{mark:>{width}}" for mark, width in zip(marks, widths, strict=True))
            lines += [f"{_question(row):<{label}}{grid}", *_needs(row.needs, matrix, "    ")]
    for told, number in numbers.items():
        lines += ["", f"{number}:", *(f"  {text}" for text in told)]
    if matrix.denied:
        lines += ["", f"Denied under every head: {_denied(matrix)}."]
    return "\n".join(line.rstrip() for line in lines) + "\n"


def as_csv(matrix: Matrix) -> str:
    """One line a question; a cell is yes, no or its whole condition, what table, group and row need included."""
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(["group", "action", "resource", *matrix.heads])
    for group in matrix.groups:
        for row in group.rows:
            needs = (*matrix.needs, *group.needs, *row.needs)
            cells = [_whole(cell, needs, matrix) for cell in row.cells]
            writer.writerow([group.name or "", row.action, row.resource_type, *cells])
    for action, what in matrix.denied:
        writer.writerow(["", action, what, *(["no"] * len(matrix.heads))])
    return out.getvalue()


def as_html(matrix: Matrix) -> str:
    """A page that needs nothing else; conditions stand in their cells."""
    title = escape(f"{matrix.subject_type} by {matrix.by}")
    parts = ["<!doctype html>"]
    parts.append(
        f'<html lang="en"><head><meta charset="utf-8"><title>{title}</title>'
        f"<style>{_STYLE}</style></head>\n<body><h1>{title}</h1>"
    )
    if matrix.needs:
        parts.append(f"<p>Every condition below: provided that</p>{_html_needs(matrix.needs, matrix)}")
    heads = "".join(f'<th scope="col">{escape(head)}</th>' for head in matrix.heads)
    parts.append(f'<table><thead><tr><th scope="col">question</th>{heads}</tr></thead>')
    for group in matrix.groups:
        parts.append("<tbody>")
        if group.name is not None:
            needs = _html_needs(group.needs, matrix)
            span = len(matrix.heads) + 1
            parts.append(f'<tr><th scope="rowgroup" colspan="{span}">{escape(group.name)}{needs}</th></tr>')
        parts += [_html_row(row, matrix) for row in group.rows]
        parts.append("</tbody>")
    parts.append("</table>")
    if matrix.denied:
        parts.append(f"<p>Denied under every head: {escape(_denied(matrix))}.</p>")
    return "\n".join([*parts, "</body></html>"]) + "\n"


def as_mapping(matrix: Matrix) -> dict[str, object]:
    """The table as JSON has it; a cell that is neither yes nor no has its conditions, and which word joins them."""
    return {
        "subject_type": matrix.subject_type,
        "by": matrix.by,
        "heads": list(matrix.heads),
        "needs": [_clause(need, matrix) for need in matrix.needs],
        "groups": [
            {
                "name": group.name,
                "needs": [_clause(need, matrix) for need in group.needs],
                "rows": [
                    {
                        "action": row.action,
                        "resource_type": row.resource_type,
                        "needs": [_clause(need, matrix) for need in row.needs],
                        "cells": [_mapped(cell, matrix) for cell in row.cells],
                    }
                    for row in group.rows
                ],
            }
            for group in matrix.groups
        ],
        "denied": [{"action": action, "resource_type": what} for action, what in matrix.denied],
    }


def _mapped(cell: Cell, matrix: Matrix) -> dict[str, object]:
    terms = [phrase(term, matrix.domains) for term in cell.some if term]
    conditions = terms or [_clause(clause, matrix) for clause in cell.every]
    return {"answer": cell.answer, "joined": "or" if terms else "and", "conditions": conditions}


def _html_row(row: Row, matrix: Matrix) -> str:
    cells = []
    for cell in row.cells:
        text = "<br>".join(map(escape, _told(cell, matrix)))
        cells.append(f'<td class="no">{text}</td>' if cell.answer is False else f"<td>{text}</td>")
    return f'<tr><th scope="row">{escape(_question(row))}{_html_needs(row.needs, matrix)}</th>{"".join(cells)}</tr>'


def _html_needs(needs: Iterable[Term], matrix: Matrix) -> str:
    items = "".join(f"<li>{escape(_clause(need, matrix))}</li>" for need in needs)
    return f"<ul>{items}</ul>" if items else ""


def _question(row: Row) -> str:
    return f"{row.action} {row.resource_type}"


def _denied(matrix: Matrix) -> str:
    return ", ".join(f"{action} {what}" for action, what in matrix.denied)


def _needs(needs: Iterable[Term], matrix: Matrix, indent: str) -> Iterator[str]:
    """Simple needs on as few lines as they fit on, the others on lines of their own."""
    yield from wrapped([_clause(need, matrix) for need in needs if len(need) == 1], indent, indent)
    yield from (f"{indent}{_clause(need, matrix)}" for need in needs if len(need) > 1)


def _clause(clause: Term, matrix: Matrix) -> str:
    return phrase(clause, matrix.domains, " or ")


def _told(cell: Cell, matrix: Matrix) -> list[str]:
    """The lines of a cell, from the second on with the word that joins them."""
    if cell.answer is not None:
        return ["yes" if cell.answer else "no"]
    if not cell.every and cell.some in ((), ({},)):
        return ["if"]
    if cell.some:
        return _joined("or", [phrase(term, matrix.domains) for term in cell.some])
    return _joined("and", [_clause(clause, matrix) for clause in cell.every])


def _joined(word: str, texts: list[str]) -> list[str]:
    return [texts[0], *(f"{word} {text}" for text in texts[1:])]


def _mark(cell: Cell, matrix: Matrix, numbers: dict[tuple[str, ...], int]) -> str:
    told = tuple(_told(cell, matrix))
    return told[0] if told[0] in ("yes", "no", "if") else str(numbers.setdefault(told, len(numbers) + 1))


def _whole(cell: Cell, needs: Iterable[Term], matrix: Matrix) -> str:
    if cell.answer is not None:
        return "yes" if cell.answer else "no"
    parts = [_clause(clause, matrix) for clause in (*needs, *cell.every)]
    parts = [f"({part})" if " or " in part else part for part in parts]
    some = [phrase(term, matrix.domains) for term in cell.some if term]
    if len(some) > 1:
        parts.append(f"({' or '.join(f'({part})' if ' and ' in part else part for part in some)})")
    return " and ".join([*parts, *(some if len(some) == 1 else ())])
