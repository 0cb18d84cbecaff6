"""Where a refused word looks like a declared one that no rule uses, the slip may be in `facts.yaml`."""

from __future__ import annotations

import re
from difflib import get_close_matches
from typing import TYPE_CHECKING

from authz_service.engine.errors import Problem

if TYPE_CHECKING:
    from collections.abc import Sequence

    from authz_service.engine.facts import Facts
    from authz_service.engine.tokens import PolarText


def doubtful_declarations(problems: Sequence[Problem], files: Sequence[PolarText], facts: Facts) -> list[Problem]:
    """A problem at each declared word that no rule uses while another problem speaks of a word close to it."""
    used = {token.text for file in files for token in file.tokens}
    unused = [(word, line) for word, line in facts.words if word not in used]
    spoken: dict[str, Problem] = {}
    for problem in problems:
        for word in re.findall(r"\w+", problem.message.partition(" (did you mean")[0]):
            spoken.setdefault(word, problem)
    found = []
    for word, line in unused:
        for close in get_close_matches(word, [other for other in spoken if other != word], n=1, cutoff=0.8):
            about = spoken[close]
            message = f"{word} is used by no rule, and {about.file}:{about.line} says {close}"
            found.append(Problem(facts.file, line, message))
    return found
