"""A walk over everything that the links of the pages lead one reader to, and the forms found on the way."""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import dataclass, field
from html.parser import HTMLParser
from typing import TYPE_CHECKING
from urllib.parse import parse_qsl, urljoin, urlsplit

from gateway.app import SITE

if TYPE_CHECKING:
    from gateway.edge.guard import Route
    from tests.pages.stack import Visitor

# The lines of the site map, fixed paths first.
LINES = [
    (route, re.compile(re.sub(r"\{(\w+)\}", r"(?P<\1>[^/]+)", route.path)))
    for route in sorted(SITE, key=lambda route: route.path.count("{"))
]
# The practice's pages from which the links about one client and one person start: all of them are read.
STARTS = {"/admin/clients/{client}", "/admin/clients/{client}/grants/{grant}"}
OF_A_KIND = 2  # how many pages of each other kind a member of the staff reads
VIEWS = {"view", "show", "do", "type", "rule", "right"}  # of a query: another value is another kind of page
ITEM, DIGITS = re.compile(r"/[a-z]+_\w+"), re.compile(r"[0-9]+")
# Files without a guard, what turns the pages into another language, and looks at portals but for one of each reader.
LEFT_OUT = re.compile(r"/static/|/language/|/admin/as/(?!dana/c/mia(/|$))")


@dataclass(frozen=True, slots=True, order=True)
class Form:
    """Where a form of a page goes."""

    page: str
    method: str
    path: str


@dataclass(slots=True)
class Walk:
    """Path (with query) -> status and text of each page, the forms, and what is wrong with links as they stand."""

    statuses: dict[str, int] = field(default_factory=dict)
    texts: dict[str, str] = field(default_factory=dict)
    forms: set[Form] = field(default_factory=set)
    wrong: list[str] = field(default_factory=list)

    def ways(self) -> set[str]:
        """`GET /path` of each page that opened and `POST /path` of each form."""
        opened = {f"GET {urlsplit(path).path}" for path, status in self.statuses.items() if status == 200}
        return opened | {f"{form.method} {form.path}" for form in self.forms}


class _Page(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.links: list[str] = []
        self.forms: list[tuple[str, str]] = []
        self.ids: set[str] = set()
        self._form: tuple[str, str] | None = None

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        has = {name: value or "" for name, value in attrs}
        self.ids |= {has["id"]} if "id" in has else set()
        if tag == "a" and "href" in has:
            self.links.append(has["href"])
        elif tag == "form":
            self._form = (has.get("method", "get").upper(), has.get("action", ""))
            self.forms.append(self._form)
        elif tag == "button" and "formaction" in has:
            method = has.get("formmethod", self._form[0] if self._form else "get").upper()
            self.forms.append((method, has["formaction"]))


def walk(visitor: Visitor, first: str) -> Walk:
    """Read every page that links lead to, from the first one on. Nothing is sent.

    Of a family's links with a query that differ in nothing but the item and numbers, such as other months, one is read;
    of the practice's, `OF_A_KIND` of each line of the site map with the same names in the query, one within a look; of
    the review's, as many of each line with a query and without.
    """
    walked, alike = Walk(), Counter[str]()
    todo, known = [first], {first}
    while todo:
        path = todo.pop()
        answer = visitor.read(path)
        walked.statuses[path] = answer.status_code
        if "html" not in answer.headers.get("content-type", ""):
            continue
        walked.texts[path] = answer.text
        parsed = _Page()
        parsed.feed(answer.text)
        for link in parsed.links:
            found = _inside(link, path, parsed, walked)
            if found is None or found in known or LEFT_OUT.match(found):
                continue
            known.add(found)
            kind, most = kind_of(found)
            alike[kind] += 1
            if most is None or alike[kind] <= most:
                todo.append(found)
        for method, action in parsed.forms:
            walked.forms.add(Form(path, method, urlsplit(urljoin(path, action)).path))
    return walked


def declared(method: str, path: str) -> tuple[Route, dict[str, str]] | None:
    """The line of the site map that answers, and the parameters of the path."""
    for route, line in LINES:
        found = line.fullmatch(path)
        if found and method in route.methods:
            return route, found.groupdict()
    return None


def kind_of(link: str) -> tuple[str, int | None]:
    """What pages are the same but for whom and when they are about, and how many of them are read (None: all)."""
    path, _, query = link.partition("?")
    found = declared("GET", path)
    if found is not None and path.startswith("/review/"):  # Each fact of a diagram can be set in a query.
        return f"{found[0].path} {bool(query)}", OF_A_KIND
    if found is None or not path.startswith("/admin/"):
        return (link, None) if not query else (ITEM.sub("/_", path) + DIGITS.sub("0", query), 1)
    line = found[0].path
    asked = {
        f"{name}={value}" if name in VIEWS or value == "all" else name
        for name, value in parse_qsl(query, keep_blank_values=True)
    }
    most = 1 if line.startswith("/admin/as/") else None if line in STARTS and not query else OF_A_KIND
    return " ".join([line, *sorted(asked)]), most


def _inside(link: str, page: str, parsed: _Page, walked: Walk) -> str | None:
    """The page of this site that a link leads to; None for a mark on the same page and for mail and telephone."""
    parts = urlsplit(urljoin(page, link))
    if parts.scheme in {"mailto", "tel"}:
        return None
    if parts.scheme or parts.netloc:
        walked.wrong.append(f"{page}: {link} leaves the site")
        return None
    here = urlsplit(page)
    if parts.fragment and (parts.path, parts.query) == (here.path, here.query):
        if parts.fragment not in parsed.ids:
            walked.wrong.append(f"{page}: there is no #{parts.fragment}")
        return None
    return parts.path + (f"?{parts.query}" if parts.query else "")
