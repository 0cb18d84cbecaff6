"""What the pages that read a version share: which one it is, links that stay in it, and text with its words marked."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from urllib.parse import quote, urlencode

from gateway.edge.errors import NotFound, Refused, Rejected
from gateway.edge.paths import is_local
from gateway.edge.refusals import staff_refusal

if TYPE_CHECKING:
    from collections.abc import Awaitable, Iterable, Mapping

    from starlette.requests import Request

SERVING = "serving"
FILES, RULES, FACTS, MATRIX = "/review/files", "/review/rules", "/review/facts", "/review/matrix"
PROOFS, DIAGRAMS = "/review/proofs", "/review/diagrams"
_DIGEST = re.compile(r"[0-9a-f]{8,64}")


@dataclass(frozen=True, slots=True)
class Version:
    """The version that a page reads; its links lead to pages of the same one."""

    digest: str
    serves: bool

    @property
    def short(self) -> str:
        """Enough of the digest to tell it from others."""
        return self.digest[:12]

    def link(self, path: str, mark: str = "", **query: str) -> str:
        """A page of this version; `mark` is a place on it."""
        asked = {name: value for name, value in query.items() if value}
        if not self.serves:
            asked["version"] = self.digest
        return path + (f"?{urlencode(asked)}" if asked else "") + (f"#{quote(mark)}" if mark else "")

    def file(self, name: str, line: int = 0) -> str:
        """A file, or a line of it."""
        return self._below(FILES, name.replace("/", "~"), f"L{line}" if line else "")

    def rule(self, rule_id: str) -> str:
        """A rule's page."""
        return self._below(RULES, rule_id)

    def fact(self, name: str) -> str:
        """A fact on the page of facts."""
        return self.link(FACTS, name)

    def question(self, asked: Mapping[str, Any], **query: str) -> str:
        """The diagram of a question."""
        path = "/".join(quote(asked[part], safe="") for part in ("subject_type", "action", "resource_type"))
        return self.link(f"{DIAGRAMS}/{path}", **query)

    def _below(self, page: str, name: str, mark: str = "") -> str:
        """Nothing for a name that no path of ours can hold, such as one with a slash."""
        path = f"{page}/{quote(name, safe='~')}"
        return self.link(path, mark) if is_local(path.replace("%20", "-")) else ""


@dataclass(frozen=True, slots=True)
class Piece:
    """Some characters of a line, how they are drawn, and where they lead (empty: nowhere)."""

    text: str
    look: str
    href: str


@dataclass(frozen=True, slots=True)
class Line:
    """A line with its number in the file."""

    number: int
    pieces: tuple[Piece, ...]


def version_asked(request: Request) -> str:
    """The version that the address names; the one that serves unless it does. Raises NotFound."""
    asked = request.query_params.get("version") or SERVING
    if asked != SERVING and not _DIGEST.fullmatch(asked):
        raise NotFound
    return asked


async def told(answer: Awaitable[dict[str, Any]]) -> dict[str, Any]:
    """What the service answers; NotFound for what this version has not, Refused for whom the policy refuses."""
    try:
        return await answer
    except Rejected as error:
        if error.status == 403:
            raise Refused(staff_refusal()) from error
        if error.status in (404, 409):  # With no practice said to keep the policy, only what serves can be read.
            raise NotFound from error
        raise


def version_of(answer: Mapping[str, Any]) -> Version:
    """The version that an answer is about."""
    return Version(str(answer["version"]), answer["serves"] is True)


def lines_of(version: Version, lines: Iterable[Iterable[Mapping[str, Any]]], first: int = 1) -> list[Line]:
    """Marked lines with the links of their words."""
    return [Line(number, tuple(_piece(version, piece) for piece in line)) for number, line in enumerate(lines, first)]


def _piece(version: Version, piece: Mapping[str, Any]) -> Piece:
    text, look, href = piece["text"], piece.get("kind") or "", ""
    if rule := piece.get("rule"):
        href = version.rule(rule)
    elif fact := piece.get("fact"):
        href = version.fact(fact)
    elif file := piece.get("file"):
        href = version.file(file, piece["line"])
    return Piece(text, text if look == "effect" else look, href)
