"""What the linter can find, and how it is said."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class Level(StrEnum):
    """How much a finding asks of its reader: a warning something to be done, a note nothing."""

    WARNING = "warning"
    NOTE = "note"


class Doubt(StrEnum):
    """What is doubtful; the value is the id of the lint rule."""

    REDUNDANT_RULE = "redundant-rule"
    SHADOWED_PERMIT = "shadowed-permit"
    SECOND_WALL = "second-wall"
    SAME_CONDITION = "same-condition"
    IDLE_CONDITION = "idle-condition"
    COVERED_CONDITION = "covered-condition"
    UNREAD_FACT = "unread-fact"
    UNREAD_PARAMETER = "unread-parameter"
    UNREAD_FOR_TYPE = "unread-for-type"
    ALIKE_VALUES = "alike-values"
    DEAD_ACTION = "dead-action"
    UNUSED_HELPER = "unused-helper"
    NO_COMMENT = "no-comment"
    FOREIGN_ID = "foreign-id"
    NO_WORDS = "no-words"
    LONG_FILE = "long-file"
    LONG_BUNDLE = "long-bundle"
    IMPLIED_INVARIANT = "implied-invariant"
    EMPTY_CONDITION = "empty-condition"
    EMPTY_SUITE = "empty-suite"
    UNTESTED_RULE = "untested-rule"


MEANINGS: dict[Doubt, str] = {
    Doubt.REDUNDANT_RULE: "A rule without which every question would be answered as it is, because of other rules.",
    Doubt.SHADOWED_PERMIT: "A permit that is forbidden wherever it holds.",
    Doubt.SECOND_WALL: "A forbid where nothing is permitted: it changes no answer until a permit grows.",
    Doubt.SAME_CONDITION: "Two rules of one effect that hold in exactly the same situations.",
    Doubt.IDLE_CONDITION: "A part of a rule without which it would hold in the same situations.",
    Doubt.COVERED_CONDITION: "A part of a rule without which other rules would keep every answer as it is.",
    Doubt.UNREAD_FACT: "A fact that no rule reads.",
    Doubt.UNREAD_PARAMETER: "A parameter with which no rule reads its fact.",
    Doubt.UNREAD_FOR_TYPE: "A fact that no rule reads of one of the types that have it.",
    Doubt.ALIKE_VALUES: "Values of a fact that no rule tells apart.",
    Doubt.DEAD_ACTION: "An action that is never allowed to anybody.",
    Doubt.UNUSED_HELPER: "A predicate that no rule calls.",
    Doubt.NO_COMMENT: "A rule without a comment that says why.",
    Doubt.FOREIGN_ID: "A rule whose id does not begin with the name of its file.",
    Doubt.NO_WORDS: "A fact without a meaning in words.",
    Doubt.LONG_FILE: "A file that is longer than a reader takes in at once.",
    Doubt.LONG_BUNDLE: "Rules that cannot be read in half an hour.",
    Doubt.IMPLIED_INVARIANT: "An invariant that another one states already.",
    Doubt.EMPTY_CONDITION: "A part of an invariant that meets no situation.",
    Doubt.EMPTY_SUITE: "A suite in whose cells no rule ever holds.",
    Doubt.UNTESTED_RULE: "A rule that decides no cell of any suite alone, so that nobody notices when it goes.",
}


@dataclass(frozen=True, slots=True, order=True)
class Finding:
    """One doubt: file (below the bundle or the suites), line (0: the whole file), a sentence with the way out."""

    file: str
    line: int
    doubt: Doubt
    level: Level
    message: str
    in_suites: bool = False
