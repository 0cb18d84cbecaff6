"""What Polar sees as subject, action and resource: objects that know nothing but how to ask for a declared fact.

No attribute of Python can be reached through them: every name, `__init__` and `_x` among them, is looked up as a fact,
and an undeclared one raises an error that is not AttributeError, because Polar swallows that one under `not`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Protocol

from authz_service.engine.errors import suggest

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping


class PolicyTextError(Exception):
    """A rule names something that is not declared; `needle` is the word to look for in its text."""

    def __init__(self, message: str, needle: str, *, literal: bool) -> None:
        super().__init__(message)
        self.message, self.needle, self.literal = message, needle, literal


class Reader(Protocol):
    """Gives the values behind the objects of one query."""

    def read(self, side: str, type_name: str | None, path: str) -> object:
        """The value of a fact, a `Group` of facts or a `Function`; `type_name` is None while it is undetermined."""

    def ask_type(self, type_name: str) -> bool:
        """Whether the undetermined resource is of this type."""


class _Sealed:
    """Keeps its own state out of reach of `getattr`: only `_state` of this module reads it."""

    __slots__ = ("state",)

    def __init__(self, *state: object) -> None:
        _STATE.__set__(self, state)

    def __getattribute__(self, name: str) -> Any:
        if name == "__class__":
            return type(self)
        raise PolicyTextError(f"{self!r} is no group of facts and has no {name}", name, literal=False)


_STATE: Any = _Sealed.__dict__["state"]


def _state(instance: _Sealed) -> tuple[Any, ...]:
    return _STATE.__get__(instance)  # type: ignore[no-any-return]


class _FactType(type):
    """Makes `isinstance(resource, Invoice)`, Polar's type test, a question to the reader while the type is open."""

    type_name: str

    def __instancecheck__(cls, instance: object) -> bool:
        if type(instance) is OpenResource:
            return bool(_state(instance)[0].ask_type(cls.type_name))
        return type.__instancecheck__(cls, instance)

    def __getattr__(cls, name: str) -> Any:
        raise PolicyTextError(f"the class {cls.__name__} has no facts of its own, so no {name}", name, literal=False)


class _Facts(_Sealed):
    """Reads facts; its state is the reader, the side, the type's name and the path so far."""

    __slots__ = ()

    def __init__(self, reader: Reader, side: str, type_name: str | None, path: str = "") -> None:
        super().__init__(reader, side, type_name, path)

    def __getattribute__(self, name: str) -> Any:
        if name == "__class__":
            return type(self)
        reader, side, type_name, path = _state(self)
        return reader.read(side, type_name, f"{path}.{name}" if path else name)

    def __repr__(self) -> str:
        _, side, _, path = _state(self)
        return f"{side}.{path}" if path else str(side)


class FactObject(_Facts, metaclass=_FactType):
    """A subject or a resource; each declared class of a bundle is a subclass with its `type_name`."""

    __slots__ = ()


class OpenResource(_Facts):
    """A resource whose type is found out while a rule runs."""

    __slots__ = ()


class Group(_Facts):
    """A prefix such as `client` of `subject.client.age`: it can only be read further."""

    __slots__ = ()
    __hash__ = None  # type: ignore[assignment]

    def __eq__(self, other: object) -> bool:
        path = _state(self)[3]
        raise PolicyTextError(f"{self!r} is a group of facts and has no value", path.rpartition(".")[2], literal=False)


class Function(_Sealed):
    """A fact with a parameter, `subject.toggle`, waiting for it; its state is name, instances and the reading."""

    __slots__ = ()
    __hash__ = None  # type: ignore[assignment]

    def __init__(self, name: str, instances: Mapping[str, Any], read: Callable[[Any], object]) -> None:
        super().__init__(name, instances, read)

    def __call__(self, *arguments: object) -> object:
        """The value of the instance that the one argument names."""
        name, instances, read = _state(self)
        if len(arguments) != 1:
            raise _misuse(self)
        parameter = str(arguments[0])
        fact = instances.get(parameter)
        if fact is None:
            message = f"{parameter} is no declared parameter of {name}{suggest(parameter, instances)}"
            raise PolicyTextError(message, parameter, literal=True)
        return read(fact)

    def __eq__(self, other: object) -> bool:
        raise _misuse(self)

    def __repr__(self) -> str:
        return str(_state(self)[0])


def _misuse(function: Function) -> PolicyTextError:
    word = repr(function).rpartition(".")[2]
    return PolicyTextError(f'{function!r} takes one parameter, as in {word}("...")', word, literal=False)


class TracedText(_Sealed):
    """A value with several possible texts; its state is its name, the comparison and the determination.

    Every literal it meets passes through the comparison, under `not`, in lists and in heads alike.
    """

    __slots__ = ()
    __hash__ = None  # type: ignore[assignment]

    def __init__(self, name: str, equals: Callable[[object], bool], determine: Callable[[], str]) -> None:
        super().__init__(name, equals, determine)

    def __getattribute__(self, name: str) -> Any:
        # Polar's `x: String` must see what it would see of the text itself.
        if name == "__class__":
            return str
        return super().__getattribute__(name)

    def __eq__(self, other: object) -> bool:
        if type(other) is TracedText:
            return self is other or str(self) == str(other)
        return bool(_state(self)[1](other))

    def __ne__(self, other: object) -> bool:
        return not self == other

    def __str__(self) -> str:
        return str(_state(self)[2]())

    def __repr__(self) -> str:
        return str(_state(self)[0])

    def _refuse_order(self, _: object) -> bool:
        message = f"the values of {self!r} have no order; compare with =, != or in"
        raise PolicyTextError(message, repr(self).rpartition(".")[2], literal=False)

    __lt__ = __le__ = __gt__ = __ge__ = _refuse_order
