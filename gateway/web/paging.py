"""Pages of a long list, by a number in the URL."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING
from urllib.parse import urlencode

from models.numbers import whole

if TYPE_CHECKING:
    from starlette.requests import Request

NUMBER_MAX = 100_000


@dataclass(frozen=True, slots=True)
class Pages:
    """Where the reader is in a list; `before` and `after` are links, None at the ends."""

    number: int
    last: int
    before: str | None
    after: str | None


def page_number(request: Request) -> int:
    """The page asked for, from 1; anything unreadable is the first page."""
    asked = request.query_params.get("page", "1")
    return min(whole(asked) or 1, NUMBER_MAX)


def pages_of(request: Request, total: int, size: int) -> Pages:
    """The pages of `total` rows; the other parts of the query stay in the links."""
    number, last = page_number(request), max(1, -(-total // size))
    rest = [(name, value) for name, value in request.query_params.multi_items() if name != "page"]

    def link(to: int) -> str:
        return f"{request.url.path}?{urlencode([*rest, ('page', str(to))])}"

    return Pages(
        number=number,
        last=last,
        before=link(min(number - 1, last)) if number > 1 else None,
        after=link(number + 1) if number < last else None,
    )
