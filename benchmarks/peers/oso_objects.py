"""Plain oso over Python objects, asked by `allow`."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from oso import Oso

from benchmarks.workload import FEATURES

if TYPE_CHECKING:
    from collections.abc import Callable

    from benchmarks.workload import Request


class Rep:
    """A representative, with the names of what is switched on."""

    def __init__(self, request: Request) -> None:
        self.kind, self.status, self.window = request.kind, request.status, request.window
        self.switches = [name for name, on in zip(FEATURES, request.switches, strict=True) if on]
        self.toggles = [name for name, on in zip(FEATURES, request.toggles, strict=True) if on]


class Item:
    """What is asked for."""

    def __init__(self, request: Request) -> None:
        self.hidden = request.hidden
        if request.owner is not None:
            self.owner = request.owner
        if request.state is not None:
            self.state = request.state


_NAMES = ("Profile", "Calendar", "Invoice", "Document", "Form", "Message", "ServicePlan", "ClinicalNote")
_CLASSES = {name: type(name, (Item,), {}) for name in _NAMES}


def load() -> Callable[[Rep, str, Item], bool]:
    """The function that decides."""
    oso = Oso()
    for cls in (Rep, *_CLASSES.values()):
        oso.register_class(cls)
    oso.load_str((Path(__file__).parent / "oso_rules.polar").read_text())

    def allowed(rep: Rep, action: str, item: Item) -> bool:
        return oso.query_rule_once("allow", rep, action, item)

    return allowed


def prepare(request: Request) -> tuple[Rep, str, Item]:
    """The request as oso takes it."""
    cls = _CLASSES[request.resource_type.title().replace("_", "")]
    return Rep(request), request.action, cls(request)
