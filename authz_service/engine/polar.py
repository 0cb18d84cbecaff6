"""Polar, through the `oso` library; no other file imports it."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from oso import Oso
from polar.exceptions import OsoError
from polar.ffi import PolarSource, process_messages

from authz_service.engine.errors import BundleError, Problem
from authz_service.engine.facts import Side
from authz_service.engine.objects import FactObject, Function, Group, OpenResource, PolicyTextError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from authz_service.engine.diagram import Value
    from authz_service.engine.facts import Facts
    from authz_service.engine.objects import Reader
    from authz_service.engine.trace import Paths

_PLACE = re.compile(r"at line (\d+), column \d+(?: of file (\S+?))?:?(?=\s|$)")


class PolarError(Exception):
    """Polar could not answer a query; file and line are those it names, if any."""

    def __init__(self, message: str, file: str | None, line: int) -> None:
        super().__init__(message)
        self.message, self.file, self.line = message, file, line


class Polar:
    """The rules of one bundle as Polar understands them. Queries may run in any number of threads."""

    def __init__(self, facts: Facts, sources: Mapping[str, str]) -> None:
        """Load the texts (file name -> text).

        Raises:
            BundleError: Polar refuses them or warns of something.
        """
        self._oso = Oso()
        self._classes: dict[tuple[str, str], type[FactObject]] = {}
        for side, types in ((Side.SUBJECT, facts.subjects), (Side.RESOURCE, facts.resources)):
            for name, declared in types.items():
                cls = type(declared.cls, (FactObject,), {"__slots__": (), "type_name": name})
                self._classes[side, name] = cls
                self._oso.register_class(cls, name=declared.cls)  # type: ignore[no-untyped-call]
        warnings: list[str] = []
        # The library prints its warnings; standard output belongs to the whole process.
        messages = self._oso.ffi_polar

        def keep() -> None:
            found = process_messages(messages.next_message)  # type: ignore[no-untyped-call]
            warnings.extend(messages.enrich_message(message) for message in found)

        messages.process_messages = keep  # type: ignore[method-assign]
        try:
            self._oso._load_sources([PolarSource(text, file) for file, text in sources.items()])  # noqa: SLF001 - load_files would read again
        except OsoError as error:
            raise BundleError([_problem(str(error))]) from error
        if warnings:
            raise BundleError([_problem(warning) for warning in warnings])

    def subject(self, reader: Reader, type_name: str) -> FactObject:
        """A subject that reads its facts through the reader."""
        return self._classes[Side.SUBJECT, type_name](reader, Side.SUBJECT, type_name)

    def resource(self, reader: Reader, type_name: str | None) -> FactObject | OpenResource:
        """A resource that reads its facts through the reader; without a type name the type is open."""
        if type_name is None:
            return OpenResource(reader, Side.RESOURCE, None)
        return self._classes[Side.RESOURCE, type_name](reader, Side.RESOURCE, type_name)

    def holds(self, predicate: str, *arguments: object) -> bool:
        """Whether the predicate has a solution.

        Raises:
            PolarError: the query cannot be answered.
            PolicyTextError: a rule names something that is not declared.
        """
        try:
            return bool(self._oso.query_rule_once(predicate, *arguments))  # type: ignore[no-untyped-call]
        except PolicyTextError:
            raise
        except Exception as error:
            # Also what Python raises inside the library, where a rule treats a value as a list or a number.
            problem = _problem(str(error) or type(error).__name__)
            raise PolarError(problem.message, problem.file or None, problem.line) from error


class Situation:
    """Reads plain values, for asking Polar as any program would: facts of the subject and of the resource by key."""

    def __init__(self, paths: Paths, subject: Mapping[str, Value], resource: Mapping[str, Value]) -> None:
        self._paths = paths
        self._values: dict[str, Mapping[str, Value]] = {Side.SUBJECT: subject, Side.RESOURCE: resource}

    def read(self, side: str, type_name: str | None, path: str) -> object:
        """The value of a fact, a group or a function."""
        found = self._paths.find(side, str(type_name), path)
        if found is None:
            return Group(self, side, type_name, path)
        if isinstance(found, dict):
            return Function(f"{side}.{path}", found, lambda fact: self._values[side][fact.key])
        return self._values[side][found.key]

    def ask_type(self, type_name: str) -> bool:
        """Never asked: both types are known."""
        raise TypeError(f"the type is known, and Polar asked for {type_name}")


def _problem(text: str) -> Problem:
    """Polar's message as one line, with the place it names."""
    place = _PLACE.search(text)
    message = text.partition("Get help with Oso")[0]
    line = next((line.strip() for line in message.splitlines() if line.strip()), "refused")
    line = _PLACE.sub("", line).rstrip(" :")
    return Problem(place[2] or "" if place else "", int(place[1]) if place else 0, f"Polar: {line}")
