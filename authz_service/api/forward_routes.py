"""The route table of forward authentication: which question a request of somebody else's backend stands for."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from authz_service.engine import BundleError
from authz_service.engine.document import Document
from authz_service.engine.errors import Problem, suggest
from authz_service.facts.decision import KNOWN_BY
from models.ids import is_id

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    import yaml

    from authz_service.engine import Policy

METHODS = ("GET", "POST", "PUT", "PATCH", "DELETE")
_CLIENT, _ID = "{client_id}", "{id}"
_LITERAL = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.~-]*")
_FIELDS = ("method", "path", "action", "type")


@dataclass(frozen=True, slots=True)
class ForwardRoute:
    """One row: requests of this method to this path ask for this action on this type."""

    method: str
    segments: tuple[str, ...]
    action: str
    resource_type: str
    line: int

    def match(self, segments: Sequence[str]) -> Mapping[str, str] | None:
        """The ids in the path under their placeholders; None when it is another path."""
        if len(segments) != len(self.segments):
            return None
        found = {}
        for wanted, segment in zip(self.segments, segments, strict=True):
            if wanted in (_CLIENT, _ID):
                if not is_id(segment):
                    return None
                found[wanted.strip("{}")] = segment
            elif wanted != segment:
                return None
        return found

    def overlaps(self, other: ForwardRoute) -> bool:
        """Whether some request fits both."""
        return (
            self.method == other.method
            and len(self.segments) == len(other.segments)
            and all(
                one == two or one.startswith("{") or two.startswith("{")
                for one, two in zip(self.segments, other.segments, strict=True)
            )
        )


class ForwardRoutes:
    """A checked route table. A request fits one row at most."""

    def __init__(self, routes: Sequence[ForwardRoute]) -> None:
        self._routes = tuple(routes)

    def find(self, method: str, uri: str) -> tuple[ForwardRoute, Mapping[str, str]] | None:
        """The row for a request, and the ids in its path; None when there is none, which means no.

        Only a path in its one normal form fits: no escapes, no empty, dot or trailing segments, no parameters in it,
        letters as the table has them. So no two systems can read it differently. The query is not looked at.
        """
        path = uri.partition("?")[0]
        if not path.startswith("/"):
            return None
        segments, method = path[1:].split("/"), "GET" if method == "HEAD" else method
        for route in self._routes:
            if route.method == method and (found := route.match(segments)) is not None:
                return route, found
        return None


def read_routes(path: Path, policy: Policy) -> ForwardRoutes:
    """The route table in a YAML file (`routes:`, a list of method, path, action, type).

    Raises:
        BundleError: the file cannot be used; every problem names its line.
    """
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise BundleError([Problem(str(path), 0, f"KINGUARD_FORWARD_ROUTES cannot be read: {error}")]) from error
    document = Document(str(path))
    routes: list[ForwardRoute] = []
    root = document.compose(text)
    if root is not None:
        listed = document.fields(root, "the route table", ("routes",)).get("routes")
        for node in document.items(listed.node, "routes") if listed is not None else ():
            route = _read_route(document, node, policy)
            if route is None:
                continue
            other = next((each for each in routes if each.overlaps(route)), None)
            if other is not None:
                document.refuse(node, f"some requests fit this route and the one on line {other.line}")
            routes.append(route)
        if listed is not None and not routes and not document.problems:
            document.refuse(listed.node, "routes must not be empty")
    if document.problems:
        raise BundleError(document.problems)
    return ForwardRoutes(routes)


def _read_route(document: Document, node: yaml.Node, policy: Policy) -> ForwardRoute | None:
    entries = document.fields(node, "a route", _FIELDS)
    read = {name: document.text(entry.node, name) for name, entry in entries.items()}
    method, path, action, resource_type = (read.get(name) for name in _FIELDS)
    if method is None or path is None or action is None or resource_type is None:
        return None
    if method not in METHODS:
        says = "HEAD is decided as GET" if method == "HEAD" else f"method must be one of {', '.join(METHODS)}"
        document.refuse(entries["method"].node, says)
    actions = policy.resource_types.get(resource_type)
    if actions is None:
        known = suggest(resource_type, policy.resource_types)
        document.refuse(entries["type"].node, f"{resource_type} is no type of resource{known}")
    elif action not in actions:
        document.refuse(entries["action"].node, f"{action} is no action on {resource_type}{suggest(action, actions)}")
    segments = tuple(path[1:].split("/"))
    if problem := _wrong_path(path, segments, resource_type):
        document.refuse(entries["path"].node, problem)
    return ForwardRoute(method, segments, action, resource_type, entries["path"].line)


def _wrong_path(path: str, segments: tuple[str, ...], resource_type: str) -> str | None:
    if not path.startswith("/"):
        return "path must begin with /"
    for segment in segments:
        if segment not in (_CLIENT, _ID) and _LITERAL.fullmatch(segment) is None:
            return f"path may hold plain words, {_CLIENT} and {_ID}, divided by single slashes, and not {segment!r}"
    if segments.count(_CLIENT) > 1 or segments.count(_ID) > 1:
        return "path holds a placeholder twice"
    if KNOWN_BY.get(resource_type) == "client_id":
        if _CLIENT not in segments or _ID in segments:
            return f"a client has one {resource_type}, so path needs {_CLIENT} and no {_ID}"
    elif _ID not in segments:
        return f"path needs {_ID}: a list of items is not decided here, but filtered by a plan"
    return None
