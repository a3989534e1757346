"""Pattern language: steps with variables, as typed values and as readable text."""

from __future__ import annotations

import difflib
import math
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Final, Literal, NoReturn, TypeAlias, cast, get_args

from reelgraph.errors import QueryError
from reelgraph.graph.intervals import ALLEN_NAMES, AllenName

__all__ = [
    "Absence",
    "AllenLink",
    "Link",
    "Pattern",
    "Step",
    "Term",
    "Variable",
    "parse_pattern",
]

Link: TypeAlias = Literal["then", "while", "and"]
"""How a step lies in time to the step before it: after it, at the same time, or anyhow."""


@dataclass(frozen=True, slots=True)
class Variable:
    """An object that a match finds; the same in every step that names it.

    Attributes:
        name: Its name, without the question mark.
        label: What the object must be, as `TemporalGraph.objects` reads it; None for
            any object. The camera is not an object.
    """

    name: str
    label: str | None = None


Term: TypeAlias = Variable | int | str | None
"""A variable, an object id, a label (any object of that kind), or None for anything."""


@dataclass(frozen=True, slots=True)
class Step:
    """Something that happens: a relation during one of its intervals.

    Attributes:
        subject: Who acts or is described.
        predicate: What is said, as `TemporalGraph.relations` reads it; None for anything.
        object: The other one, or the recipient if no recipient is asked for.
        recipient: Who receives, in events with three participants.
        link: ``"then"`` if the step starts no earlier than the one before it ends,
            ``"while"`` if the two share a moment, ``"and"`` if any time will do.
        gap_s: After ``"then"``: least and most seconds between the end of the step
            before and the start of this one.
        repeat: Least and most times in a row; None for no upper limit. Each time is the
            first one that starts when or after the time before it ends.

    Raises:
        QueryError: If the gap or the number of repeats makes no sense.
    """

    subject: Term
    predicate: str | None
    object: Term = None
    recipient: Term = None
    link: Link = "then"
    gap_s: tuple[float, float] = (0.0, math.inf)
    repeat: tuple[int, int | None] = (1, 1)

    def __post_init__(self) -> None:
        if self.link not in get_args(Link):
            raise QueryError(f"A step's link must be then, while or and, got {self.link!r}.")
        if not 0 <= self.gap_s[0] <= self.gap_s[1]:
            raise QueryError(f"A gap must be (least, most) seconds, got {self.gap_s!r}.")
        least, most = self.repeat
        if least < 1 or (most is not None and most < least):
            raise QueryError(f"Repeats must be (least, most) with 1 <= least, got {self.repeat!r}.")

    @property
    def variables(self) -> tuple[Variable, ...]:
        """The variables of the step."""
        ends = (self.subject, self.object, self.recipient)
        return tuple(end for end in ends if isinstance(end, Variable))


@dataclass(frozen=True, slots=True)
class Absence:
    """Something that must not happen between two steps.

    Nothing that fits ``step`` may share a moment with the time from the end of the step
    before it to the start of the step after it. Before the first step this time begins
    with the video, after the last it runs to the end. If the steps leave no time between
    them there is nothing to forbid. Variables that no step has stand for anything that
    is not one of the other variables.

    Attributes:
        step: What must not happen; its link and repeats count for nothing.
        position: How many steps come before it.
        within_s: Only this many seconds count: the first ones after the step before it,
            or the last ones before the first step.
    """

    step: Step
    position: int
    within_s: float = math.inf


@dataclass(frozen=True, slots=True)
class AllenLink:
    """How two steps must lie to each other.

    A step that repeats counts as one interval from its first start to its last end.

    Attributes:
        first: Number of a step, from 1.
        names: Allen relations of the first to the second, of which one must hold.
        second: Number of the other step.
    """

    first: int
    names: tuple[AllenName, ...]
    second: int


@dataclass(frozen=True, slots=True)
class Pattern:
    """What to look for: steps, what must not come between them, and their order.

    Different variables are different objects, except those in ``may_be``.

    Attributes:
        steps: The steps as they are told.
        absences: What must not happen between them.
        allen: Further conditions on their times.
        may_be: Pairs of variable names that may be one object.

    Raises:
        QueryError: If there is no step, or a condition names a step or variable that is
            not there.
    """

    steps: tuple[Step, ...]
    absences: tuple[Absence, ...] = ()
    allen: tuple[AllenLink, ...] = ()
    may_be: tuple[tuple[str, str], ...] = ()

    def __post_init__(self) -> None:
        count = len(self.steps)
        if not count:
            raise QueryError("A pattern needs at least one step that happens.")
        for link in self.allen:
            for number in (link.first, link.second):
                if not 1 <= number <= count:
                    raise QueryError(f"There is no step {number}; the pattern has {count}.")
            for allen in link.names:
                _check_allen(allen)
        for absence in self.absences:
            if not 0 <= absence.position <= count:
                raise QueryError(f"An absence stands at {absence.position!r} of {count} steps.")
        known = {v.name for s in self._all_steps() for v in s.variables}
        for name in (name for pair in self.may_be for name in pair):
            if name not in known:
                raise QueryError(f"The pattern has no variable ?{name}.", choices=(*sorted(known),))

    def _all_steps(self) -> Iterator[Step]:
        yield from self.steps
        yield from (absence.step for absence in self.absences)


def _check_allen(name: str) -> AllenName:
    for known in ALLEN_NAMES:
        if name == known:
            return known
    raise QueryError(
        f"No Allen relation is called {name!r}. Known: {', '.join(ALLEN_NAMES)}.",
        choices=tuple(difflib.get_close_matches(name, ALLEN_NAMES)) or ALLEN_NAMES,
    )


# -- text ------------------------------------------------------------------------------

_TOKEN: Final = re.compile(
    r"""(?P<variable>\?[^\W\d]\w*(?::(?:"[^"\n]*"|[^\s;{}"?]+))?)
      | (?P<quoted>"[^"\n]*")
      | (?P<id>\#\d+)
      | (?P<repeat>\{[^}\n]*\})
      | (?P<word>[^\s;{}"?\#]+)
      | (?P<end>[;\n])""",
    re.VERBOSE,
)
_SECONDS: Final = re.compile(r"(\d+(?:\.\d+)?)(s|sec|seconds?)?")
_REPEAT: Final = re.compile(r"\{\s*(\d+)\s*(,?)\s*(\d*)\s*\}")


@dataclass(frozen=True, slots=True)
class _Token:
    kind: str
    text: str
    place: int


def parse_pattern(text: str) -> Pattern:
    """Read a pattern from text.

    Clauses are parted by ``;`` or line ends:

    - ``SUBJECT predicate [OBJECT]`` or ``SUBJECT predicate OBJECT to RECIPIENT``: a step.
      A participant is a variable (``?a``, ``?p:person``, ``?c:"tea cup"``), an object id
      (``#3``), a label in quotes (``"red cup"``), ``_`` for anything, or, at either end,
      a bare word that is a label. With a recipient, the object may not be a bare word.
      The predicate is the words between; ``_`` for any.
    - A step may begin with ``then`` (also if nothing is said), ``then within 2 s``,
      ``then after 1 s within 5 s``, ``while`` or ``and``, and end in ``{2}``, ``{2,}`` or
      ``{2,4}``: so many times in a row.
    - ``without STEP`` or ``without within 5 s STEP``: no such thing between the step
      before and the step after.
    - ``where 1 overlaps or starts 2``: Allen's relations between steps, numbered from 1
      without counting absences. ``where ?a may be ?b``: the two may be one object.

    Raises:
        QueryError: If the text is not a pattern; the message shows the place.

    Example:
        >>> pattern = parse_pattern("?a hold ?x; then within 2 s ?b hold ?x")
        >>> pattern.steps[1].gap_s
        (0.0, 2.0)
    """
    return _Reader(text).pattern()


class _Reader:
    """Reads one pattern, clause by clause."""

    def __init__(self, text: str) -> None:
        self._text = text
        self._steps: list[Step] = []
        self._absences: list[Absence] = []
        self._allen: list[AllenLink] = []
        self._may_be: list[tuple[str, str]] = []

    def pattern(self) -> Pattern:
        for clause in self._clauses():
            match clause[0].text:
                case "where":
                    self._conditions(clause)
                case "without":
                    self._absence(clause)
                case _:
                    self._steps.append(self._linked_step(clause))
        if not self._steps:
            self._fail("A pattern needs at least one step that happens", len(self._text))
        return Pattern(
            tuple(self._steps), tuple(self._absences), tuple(self._allen), tuple(self._may_be)
        )

    def _fail(self, problem: str, place: int) -> NoReturn:
        line_start = self._text.rfind("\n", 0, place) + 1
        line = self._text[line_start:].split("\n", 1)[0]
        raise QueryError(
            f"{problem}, at character {place + 1} of the pattern:\n"
            f"  {line}\n  {' ' * (place - line_start)}^"
        )

    def _clauses(self) -> Iterator[list[_Token]]:
        clause: list[_Token] = []
        for token in self._tokens():
            if token.kind != "end":
                clause.append(token)
            elif clause:
                yield clause
                clause = []
        if clause:
            yield clause

    def _tokens(self) -> Iterator[_Token]:
        at = 0
        while at < len(self._text):
            found = _TOKEN.match(self._text, at)
            if found:
                yield _Token(found.lastgroup or "", found.group(), at)
            elif not self._text[at].isspace():
                self._fail(f"Cannot read {self._text[at]!r}", at)
            at = found.end() if found else at + 1

    def _after(self, tokens: Sequence[_Token]) -> int:
        return tokens[-1].place + len(tokens[-1].text)

    # -- steps -------------------------------------------------------------------------

    def _linked_step(self, clause: list[_Token]) -> Step:
        link, rest = clause[0].text, clause[1:]
        if link not in get_args(Link):
            return self._step(clause, clause[0])
        if not self._steps:
            self._fail(f"{link!r} needs a step before it", clause[0].place)
        gap = (0.0, math.inf)
        if link == "then":
            gap, rest = self._gap(rest)
        return replace(self._step(rest, clause[0]), link=cast("Link", link), gap_s=gap)

    def _gap(self, tokens: list[_Token]) -> tuple[tuple[float, float], list[_Token]]:
        least, most = 0.0, math.inf
        while len(tokens) > 1 and tokens[0].text in {"within", "after"}:
            word, place = tokens[0].text, tokens[0].place
            seconds, tokens = self._seconds(tokens)
            least, most = (seconds, most) if word == "after" else (least, seconds)
            if least > most:
                self._fail(f"The gap is at least {least:g} s and at most {most:g} s", place)
        return (least, most), tokens

    def _seconds(self, tokens: list[_Token]) -> tuple[float, list[_Token]]:
        """Read the number after the first token, and its unit."""
        number = _SECONDS.fullmatch(tokens[1].text)
        if not number:
            self._fail(f"Expected seconds after {tokens[0].text!r}", tokens[1].place)
        unit = len(tokens) > 2 and not number[2] and tokens[2].text in {"s", "sec", "seconds"}
        return float(number[1]), tokens[3 if unit else 2 :]

    def _step(self, tokens: list[_Token], first: _Token) -> Step:
        repeat: tuple[int, int | None] = (1, 1)
        if tokens and tokens[-1].kind == "repeat":
            repeat, tokens = self._repeat(tokens[-1]), tokens[:-1]
        if len(tokens) < 2:
            place = self._after(tokens or [first])
            self._fail("Expected SUBJECT predicate OBJECT", place)
        recipient: Term = None
        if len(tokens) > 4 and tokens[-2].text == "to" and tokens[-3].kind != "word":
            recipient, tokens = self._term(tokens[-1]), tokens[:-2]
        middle = tokens[1:-1] if len(tokens) > 2 else tokens[1:]
        other = self._term(tokens[-1]) if len(tokens) > 2 else None
        predicate = self._predicate(middle)
        return Step(self._term(tokens[0]), predicate, other, recipient, repeat=repeat)

    def _repeat(self, token: _Token) -> tuple[int, int | None]:
        found = _REPEAT.fullmatch(token.text)
        if not found or (found[3] and not found[2]):
            self._fail("Repeats read {2}, {2,} or {2,4}", token.place)
        least = int(found[1])
        most = int(found[3]) if found[3] else (None if found[2] else least)
        if least < 1 or (most is not None and most < least):
            self._fail("Repeats must be at least 1, and not less than the first", token.place)
        return least, most

    def _predicate(self, tokens: Sequence[_Token]) -> str | None:
        for token in tokens:
            if token.kind != "word":
                self._fail(f"Expected a word of the predicate, not {token.text!r}", token.place)
        words = " ".join(token.text for token in tokens)
        return None if words == "_" else words

    def _term(self, token: _Token) -> Term:
        match token.kind:
            case "variable":
                name, _, label = token.text[1:].partition(":")
                return Variable(name, label.strip('"') or None)
            case "id":
                return int(token.text[1:])
            case "repeat":
                self._fail("Repeats stand at the end of a step", token.place)
        return None if token.text == "_" else token.text.strip('"')

    def _absence(self, clause: list[_Token]) -> None:
        within, rest = math.inf, clause[1:]
        if len(rest) > 1 and rest[0].text == "within":
            within, rest = self._seconds(rest)
        if rest and rest[-1].kind == "repeat":
            self._fail("What must not happen has no repeats", rest[-1].place)
        self._absences.append(Absence(self._step(rest, clause[0]), len(self._steps), within))

    # -- conditions --------------------------------------------------------------------

    def _conditions(self, clause: list[_Token]) -> None:
        part: list[_Token] = []
        for token in clause[1:]:
            if token.text == "and":
                self._condition(part, token.place)
                part = []
            else:
                part.append(token)
        self._condition(part, self._after(clause))

    def _condition(self, tokens: list[_Token], place: int) -> None:
        words = [token.text for token in tokens]
        if len(tokens) == 4 and words[1:3] == ["may", "be"]:
            self._may_be.append((self._name(tokens[0]), self._name(tokens[3])))
        elif len(tokens) > 2 and words[0].isdecimal() and words[-1].isdecimal():
            names = " ".join(words[1:-1]).split(" or ")
            try:
                allen = tuple(_check_allen(name) for name in names)
            except QueryError as error:
                self._fail(str(error), tokens[1].place)
            self._allen.append(AllenLink(int(words[0]), allen, int(words[-1])))
        else:
            at = tokens[0].place if tokens else place
            self._fail("Expected 'where 1 overlaps 2' or 'where ?a may be ?b'", at)

    def _name(self, token: _Token) -> str:
        if token.kind != "variable":
            self._fail(f"Expected a variable, not {token.text!r}", token.place)
        return token.text[1:].partition(":")[0]
