"""A family's page made fit for staff to look at: its links stay inside the look, and nothing can be sent from it."""

from __future__ import annotations

import re
from html import escape
from html.parser import HTMLParser
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

_SCRIPT = "kinguard.js"  # menus only; the others send
_PARAMETER = re.compile(r"\\\{\w+\\\}")


class Links:
    """Which addresses of the family portal have a page in the look.

    A closed address has none, though it reads like the page of an item (`messages/new` like `messages/{id}`).
    """

    def __init__(self, paths: Iterable[str], closed: Iterable[str]) -> None:
        self._known, self._closed = _any_of(paths), _any_of(closed)

    def within(self, address: str, base: str) -> str | None:
        """The address inside the look; None for one that is not part of it."""
        if address.startswith(("#", "?")):
            return address
        path = re.split("[?#]", address, maxsplit=1)[0]
        return base + address if self._known.fullmatch(path) and not self._closed.fullmatch(path) else None


def _any_of(paths: Iterable[str]) -> re.Pattern[str]:
    return re.compile("|".join(_PARAMETER.sub("[^/]+", re.escape(path)) for path in paths))


def rewrite(text: str, links: Links, base: str) -> str:
    """The page with its links inside `base`, its forms and buttons without effect, and one script."""
    reading = _Rewriting(links, base)
    reading.feed(text)
    reading.close()
    return "".join(reading.parts)


class _Rewriting(HTMLParser):
    def __init__(self, links: Links, base: str) -> None:
        super().__init__(convert_charrefs=False)
        self.parts: list[str] = []
        self._links = links
        self._base = base
        self._forms: list[str] = []
        self._silent = False

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        known = dict(attrs)
        if tag == "script":
            self._silent = _SCRIPT not in (known.get("src") or "")
            if self._silent:
                return
        elif tag == "a":
            self._link(known)
            return
        elif tag == "form":
            self._form(known)
            return
        elif tag in ("img", "source", "iframe") and (known.get("src") or "").startswith("/c/"):
            known["src"] = self._links.within(known["src"] or "", self._base) or ""
            self._emit(tag, known)
            return
        self.parts.append(self.get_starttag_text() or "")

    def handle_endtag(self, tag: str) -> None:
        if tag == "script" and self._silent:
            self._silent = False
        elif tag == "form" and self._forms:
            self.parts.append(f"</{self._forms.pop()}>")
        else:
            self.parts.append(f"</{tag}>")

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.handle_starttag(tag, attrs)

    def handle_data(self, data: str) -> None:
        if not self._silent:
            self.parts.append(data)

    def handle_entityref(self, name: str) -> None:
        self.parts.append(f"&{name};")

    def handle_charref(self, name: str) -> None:
        self.parts.append(f"&#{name};")

    def handle_decl(self, decl: str) -> None:
        self.parts.append(f"<!{decl}>")

    def _link(self, known: dict[str, str | None]) -> None:
        href = known.get("href") or ""
        inside = href if "data-leaves-view" in known else self._links.within(href, self._base)
        if inside is None:
            known = {"class": known["class"]} if known.get("class") else {}
        else:
            known["href"] = inside
        self._emit("a", known)

    def _form(self, known: dict[str, str | None]) -> None:
        if (known.get("method") or "get").lower() == "get":
            action = known.get("action")
            if action:
                known["action"] = self._links.within(action, self._base) or "#main"
            self._forms.append("form")
            self._emit("form", known)
            return
        self._forms.append("div")
        style = f"{known.get('class') or ''} viewing-form".strip()
        self._emit("div", {"class": style, "inert": None})

    def _emit(self, tag: str, known: dict[str, str | None]) -> None:
        shown = (name if value is None else f'{name}="{escape(value)}"' for name, value in known.items())
        self.parts.append("<" + " ".join((tag, *shown)) + ">")
