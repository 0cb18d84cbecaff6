"""How both processes read their settings, and what they say when these cannot be used."""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeVar

from pydantic import ValidationError

if TYPE_CHECKING:
    from collections.abc import Callable

Read = TypeVar("Read")


class SettingsError(Exception):
    """The settings cannot be used; the message is one line for each problem and names the variable."""


def read_from_environment(settings: Callable[[], Read]) -> Read:
    """The settings; SettingsError when they cannot be used."""
    try:
        return settings()
    except ValidationError as error:
        raise SettingsError("\n".join(_sentence(found["loc"], found["msg"]) for found in error.errors())) from error


def _sentence(place: tuple[int | str, ...], message: str) -> str:
    text = message.removeprefix("Value error, ")
    return f"KINGUARD_{str(place[0]).upper()}: {text}" if place else text
