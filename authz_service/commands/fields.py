"""Reading what was asked for: every field that is wrong is named, and so is what would have been right."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from enum import StrEnum
from typing import TYPE_CHECKING, Any, TypeVar

from authz_service.commands.errors import InvalidError
from models.ids import MAX_LENGTH, is_id
from models.vocabulary import Feature

if TYPE_CHECKING:
    from collections.abc import Iterable

E = TypeVar("E", bound=StrEnum)


class Fields:
    """The fields of a body. Readers return None for what is absent or wrong; `close` raises if anything was wrong."""

    def __init__(self, body: Mapping[str, Any], known: Iterable[str]) -> None:
        names = tuple(known)
        self.body = body
        self.wrong = {name: f"unknown field; known are {', '.join(names)}" for name in body if name not in names}

    def __contains__(self, name: str) -> bool:
        return name in self.body

    def refuse(self, name: str, message: str) -> None:
        """What is wrong with a field; the first finding stands."""
        self.wrong.setdefault(name, message)

    def close(self) -> None:
        """Raises InvalidError when anything was wrong."""
        if self.wrong:
            raise InvalidError(self.wrong)

    def identifier(self, name: str) -> str | None:
        """An id."""
        if name not in self.body:
            self.refuse(name, "is required")
            return None
        value: Any = self.body[name]
        if is_id(value):
            return str(value)
        self.refuse(name, f"must be an id: up to {MAX_LENGTH} letters, digits and _.:@-")
        return None

    def choice(self, name: str, choices: type[E]) -> E | None:
        """One of a closed list."""
        return next((choice for choice in choices if choice == self.word(name, tuple(choices))), None)

    def word(self, name: str, words: tuple[str, ...]) -> str | None:
        """One of these words."""
        if name not in self.body:
            return None
        value = self.body[name]
        if isinstance(value, str) and value in words:
            return value
        self.refuse(name, f"{str(value)[:40]!r} is none of {', '.join(words)}")
        return None

    def words(self, name: str, words: tuple[str, ...]) -> list[str] | None:
        """A list of one or more of these words, each once, in their order."""
        if name not in self.body:
            return None
        value = self.body[name]
        if isinstance(value, list) and value and all(isinstance(each, str) and each in words for each in value):
            return [str(word) for word in words if word in value]
        self.refuse(name, f"must be a list of one or more of {', '.join(words)}")
        return None

    def identifiers(self, name: str) -> tuple[str, ...] | None:
        """A list of ids."""
        if name not in self.body:
            return None
        value = self.body[name]
        if isinstance(value, list) and all(is_id(each) for each in value):
            return tuple(dict.fromkeys(value))
        self.refuse(name, "must be a list of ids")
        return None

    def flag(self, name: str) -> bool | None:
        """True or false."""
        value = self.body.get(name)
        if name in self.body and not isinstance(value, bool):
            self.refuse(name, "must be true or false")
            return None
        return value

    def number(self, name: str, low: int, high: int) -> int | None:
        """A whole number from `low` to `high`."""
        value = self.body.get(name)
        if name in self.body and (type(value) is not int or not low <= value <= high):
            self.refuse(name, f"must be a whole number from {low} to {high}")
            return None
        return value

    def day(self, name: str) -> date | None:
        """A day, as YYYY-MM-DD; null is an open side."""
        value = self.body.get(name)
        if value is None:
            return None
        try:
            if isinstance(value, str) and len(value) == len("2026-06-15"):
                return date.fromisoformat(value)
        except ValueError:
            pass
        self.refuse(name, "must be a day such as 2026-06-15, or null")
        return None

    def toggles(self, name: str) -> Mapping[Feature, bool | None]:
        """Features with on, off or null (back to the kind's default)."""
        value = self.body.get(name, {})
        if not isinstance(value, Mapping):
            self.refuse(name, "must be an object such as {'invoices': true}")
            return {}
        found: dict[Feature, bool | None] = {}
        for feature, on in value.items():
            if feature not in set(Feature):
                self.refuse(f"{name}.{feature}", f"is no feature; features are {', '.join(Feature)}")
            elif on is not None and not isinstance(on, bool):
                self.refuse(f"{name}.{feature}", "must be true, false, or null for the default")
            else:
                found[Feature(feature)] = on
        return found
