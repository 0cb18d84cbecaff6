"""Bodies of a policy's reading: its files and rules, its facts, who may do what, and what is proven."""

from __future__ import annotations

from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

CLAIM_CHARACTERS_MAX = 20_000
CLAIMS_MAX = 50


class Read(BaseModel):
    """Which version was read, and whether it is the one that serves."""

    version: str
    serves: bool


class RuleHead(BaseModel):
    """A rule, where it stands first, and what it says."""

    id: str
    effect: Literal["permit", "forbid"]
    file: str
    line: int
    says: str


class FileHead(BaseModel):
    """A file: what it says it is for, and how much stands in it."""

    name: str
    sort: Literal["rules", "invariants", "facts"]
    says: str
    lines: int
    permits: int
    forbids: int


class FoundFact(BaseModel):
    """A fact by its name without parameter."""

    name: str
    says: str


class FoundLine(BaseModel):
    """A line of a file."""

    file: str
    line: int
    text: str


class Found(BaseModel):
    """What a search found; `complete` is false when there was more than is listed."""

    rules: list[RuleHead]
    facts: list[FoundFact]
    lines: list[FoundLine]
    complete: bool


class Files(Read):
    """The files in an order to read them in."""

    files: list[FileHead]
    facts: int
    questions: int
    found: Found | None


class Piece(BaseModel):
    """Some characters of a line, what they are, and the rule, the fact or the helper (file and line) they name."""

    text: str
    kind: str | None = None
    rule: str | None = None
    fact: str | None = None
    file: str | None = None
    line: int | None = None


class File(Read):
    """A file line by line. `name` in the path has `~` for each slash."""

    name: str
    sort: Literal["rules", "invariants", "facts"]
    says: str
    rules: list[RuleHead]
    lines: list[list[Piece]]
    before: str | None
    after: str | None


class Passage(BaseModel):
    """Lines of a file, from the comment above a clause to its end."""

    file: str
    first: int
    lines: list[list[Piece]]


class Source(BaseModel):
    """One entry of where a fact comes from."""

    key: str
    value: str


class FactHead(BaseModel):
    """A fact by its name without parameter; `parameters` are those it has (of a rule: those that the rule reads)."""

    name: str
    parameters: list[str]
    of: list[str]
    values: list[bool | str]
    says: str
    controlled_by: str
    legal: str | None
    source: list[Source]
    line: int


class Helper(BaseModel):
    """What a rule may call, and where it begins."""

    name: str
    file: str
    line: int


class RuleQuestion(BaseModel):
    """A question in which a rule holds: of all situations, in how many, and in how many it alone makes the answer.

    `share` is that of those it decides, of all.
    """

    subject_type: str
    action: str
    resource_type: str
    space: int
    situations: int
    decides: int
    share: str


class Redundancy(BaseModel):
    """Why a rule changes no answer: the rules that make it so, and whether it stands where nothing is permitted."""

    because: list[RuleHead]
    behind: bool


class Exercise(BaseModel):
    """A suite: the cells that the rule decided, those that it decided alone, and one of those."""

    suite: str
    cells: int
    alone: int
    example: str


class Exercises(BaseModel):
    """`none`: there are no suites; `running`: ask again; `failed`: `problem` says why they cannot be run."""

    state: Literal["none", "running", "failed", "done"]
    problem: str | None = None
    suites: list[Exercise]


class InvariantHead(BaseModel):
    """An invariant, and whether it would not hold without the rule."""

    id: str
    says: str
    line: int
    rests: bool


class Rule(Read, RuleHead):
    """All there is to know of a rule."""

    passages: list[Passage]
    helpers: list[Helper]
    facts: list[FactHead]
    questions: list[RuleQuestion]
    redundant: Redundancy | None
    exercises: Exercises
    invariants: list[InvariantHead]


class ReadFact(FactHead):
    """A fact, and the rules that read it."""

    rules: list[str]


class Facts(Read):
    """Every fact, in the order of the diagrams."""

    facts: list[ReadFact]


class MatrixChoice(BaseModel):
    """The tables of a subject type: what may be the heads, and what may put questions together."""

    subject_type: str
    by: list[str]
    group: list[str]


class MatrixCell(BaseModel):
    """Always, never, or (null) where all that is needed holds, and these conditions as they are joined."""

    answer: bool | None
    joined: Literal["and", "or"]
    conditions: list[str]


class MatrixRow(BaseModel):
    """A question under each head."""

    action: str
    resource_type: str
    needs: list[str]
    cells: list[MatrixCell]


class MatrixGroup(BaseModel):
    """Questions that depend on one instance of a fact."""

    name: str | None
    needs: list[str]
    rows: list[MatrixRow]


class MatrixDenied(BaseModel):
    """A question that is denied under every head."""

    action: str
    resource_type: str


class MatrixTable(BaseModel):
    """A table; what all its conditions need is said once, in `needs`.

    The heads are the values of `by`, or with `flags` its parameters.
    """

    subject_type: str
    by: str
    flags: bool
    group: str | None
    heads: list[str]
    needs: list[str]
    groups: list[MatrixGroup]
    denied: list[MatrixDenied]


class Matrix(Read):
    """The table that was asked for (null while it is worked out: ask again), and which there are."""

    choices: list[MatrixChoice]
    table: MatrixTable | None
    csv: str | None


class QuestionKey(BaseModel):
    """A question."""

    subject_type: str
    action: str
    resource_type: str


class Proof(BaseModel):
    """An invariant, and how it fared: `empty` speaks of no situation; a `broken` one has its counterexample as a story.

    `subjects`, `actions` and `resources` are `["any"]` where all are meant.
    """

    id: str
    says: str
    file: str
    line: int
    statement: Literal["never", "always"]
    subjects: list[str]
    actions: list[str]
    resources: list[str]
    when: list[str]
    unless: list[str]
    outcome: Literal["proven", "broken", "empty"]
    questions: int
    situations: int
    story: list[str]
    counterexample: QuestionKey | None


class Proofs(Read):
    """Every invariant of a version."""

    proofs: list[Proof]


class Claims(BaseModel):
    """Invariants to be proven, in the form of `invariants.yaml`."""

    model_config = ConfigDict(extra="forbid")

    invariants: str = Field(min_length=1, max_length=CLAIM_CHARACTERS_MAX)


class ClaimProblem(BaseModel):
    """What is wrong with the text; line 0 is all of it."""

    line: int
    message: str


class ClaimProofs(Read):
    """How the invariants fared, or what is wrong with their text."""

    problems: list[ClaimProblem]
    proofs: list[Proof]
