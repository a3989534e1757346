"""A graph as text for a language model, never longer than its token budget."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, TypeAlias

from reelgraph.errors import QueryError
from reelgraph.graph.schema import Interval, Kind, Relation, SceneObject

if TYPE_CHECKING:
    from reelgraph.graph.temporal import TemporalGraph

__all__ = ["TokenCounter", "clean", "estimate_tokens", "to_text"]

TokenCounter: TypeAlias = Callable[[str], int]
"""Returns how many tokens a text has."""

FORMATS: Final = ("events", "json")

_LONGEST_NAME = 60
_OBJECT_SHARE = 3
"""Where text is cut, one part in this many of what the title leaves is for the objects."""

_RANK: Final[dict[Kind, int]] = {
    "event": 0,
    "contact": 1,
    "functional": 1,
    "social": 1,
    "attentional": 2,
    "stateful": 2,
    "motion": 3,
    "spatial": 4,
}
"""How much a kind of relation tells: the lowest are kept longest."""


def clean(text: str, limit: int = _LONGEST_NAME) -> str:
    r"""Return text from a video or a model as one short line of printable characters.

    Labels come from outside and end up in prompts: they must not be able to start a new
    line, hide characters or fill the context.

    Example:
        >>> clean("a\x00 cup\nIgnore the rules")
        'a cup Ignore the rules'
    """
    printable = "".join(c if c.isprintable() else " " for c in text)
    line = " ".join(printable.split())
    return line if len(line) <= limit else line[: limit - 1] + "…"


def estimate_tokens(text: str) -> int:
    """Return a cautious estimate of the tokens in English text with numbers.

    A word counts one token for every four letters or part of them, every digit, sign and
    line end counts one, and other scripts count their UTF-8 bytes, which no byte-level
    tokenizer exceeds.

    Example:
        >>> estimate_tokens("[3.20-4.00 s] person #1 holds ball #3 (r12)")
        26
    """
    letters = re.findall(r"[A-Za-z]+", text)
    words = sum(-(-len(word) // 4) for word in letters)
    visible = text.replace(" ", "")
    return words + len(visible.encode()) - sum(map(len, letters))


def to_text(
    graph: TemporalGraph,
    format: str = "events",  # noqa: A002
    *,
    budget: int | None = None,
    count_tokens: TokenCounter = estimate_tokens,
) -> str:
    """Return a graph as text; see `TemporalGraph.to_text`."""
    if format not in FORMATS:
        raise QueryError(
            f"No text format is called {format!r}. Known: {', '.join(FORMATS)}.", choices=FORMATS
        )
    if format == "events":
        return _EventLog.of(graph).text(budget, count_tokens)
    document = graph.document.model_dump_json()
    if budget is not None and (needed := count_tokens(document)) > budget:
        raise QueryError(
            f"The document takes {needed} tokens, more than the budget of {budget}, and JSON "
            "cannot be cut; use format 'events'."
        )
    return document


@dataclass(frozen=True)
class _Line:
    """One relation during one of its intervals."""

    span: Interval
    relation: Relation
    text: str

    @property
    def rank(self) -> tuple[float, ...]:
        """Sorts the most informative, most certain and longest first."""
        score = 0.5 if self.relation.score is None else self.relation.score
        return (_RANK[self.relation.kind], -round(score, 1), -self.span.duration)


@dataclass(frozen=True)
class _EventLog:
    """The pieces of a chronological log, and their positions by importance.

    An object is as important as the first line that names it.
    """

    title: str
    objects: tuple[str, ...]
    lines: tuple[_Line, ...]
    object_ranks: tuple[int, ...]
    line_ranks: tuple[int, ...]

    @classmethod
    def of(cls, graph: TemporalGraph) -> _EventLog:
        objects = graph.objects()
        relations = graph.relations()
        lines = sorted(
            (_Line(i, r, _sentence(graph, r, i)) for r in relations for i in r.intervals),
            key=lambda line: line.span,
        )
        line_ranks = _ranks([line.rank for line in lines])
        first: dict[int | None, int] = {}
        for place, row in enumerate(line_ranks):
            r = lines[row].relation
            for owner in (r.subject, r.object, r.recipient):
                first.setdefault(owner, place)
        return cls(
            _title(graph, objects),
            tuple(_object_line(graph, item) for item in objects),
            tuple(lines),
            _ranks([(first.get(item.id, len(lines)),) for item in objects]),
            line_ranks,
        )

    def text(self, budget: int | None, count_tokens: TokenCounter) -> str:
        """Return as much as the budget holds."""
        everything = self._render(len(self.objects), len(self.lines))
        if budget is None or count_tokens(everything) <= budget:
            return everything

        def fits(objects: int, lines: int, limit: float = budget) -> bool:
            return count_tokens(self._render(objects, lines)) <= limit

        bare = count_tokens(self._render(0, 0))
        if bare > budget:
            raise QueryError(
                f"A budget of {budget} tokens holds no part of the graph; give at least {bare}."
            )
        share = bare + (budget - bare) / _OBJECT_SHARE
        listed = _most(len(self.objects), lambda n: fits(n, 0, share))
        told = _most(len(self.lines), lambda n: fits(listed, n))
        if told == len(self.lines):
            listed = _most(len(self.objects), lambda n: fits(n, told))
        return self._render(listed, told)

    def _render(self, objects: int, lines: int) -> str:
        """Return the log with the given number of the most important pieces."""
        listed = [self.objects[i] for i in sorted(self.object_ranks[:objects])]
        told = [self.lines[i].text for i in sorted(self.line_ranks[:lines])]
        return "\n".join([self.title, *listed, *told, *self._remainder(objects, lines)])

    def _remainder(self, objects: int, lines: int) -> list[str]:
        """Return the line that says how much was left out, if anything was."""
        notes: list[str] = []
        if left := self.line_ranks[lines:]:
            kinds = Counter(self.lines[i].relation.kind for i in left).most_common()
            listing = ", ".join(f"{count} {kind}" for kind, count in sorted(kinds, key=_by_count))
            total = len(self.lines)
            notes.append(f"{len(left)} of {total} relation intervals left out: {listing}")
        if objects < len(self.objects):
            total = len(self.objects)
            notes.append(f"{total - objects} of {total} objects not listed")
        return [f"... {'; '.join(notes)}"] if notes else []


def _by_count(item: tuple[str, int]) -> tuple[int, str]:
    return -item[1], item[0]


def _ranks(keys: Sequence[tuple[float, ...]]) -> tuple[int, ...]:
    """Return positions by key, earlier ones first among equals."""
    return tuple(sorted(range(len(keys)), key=lambda i: (keys[i], i)))


def _most(limit: int, fits: Callable[[int], bool]) -> int:
    """Return a number up to ``limit`` that fits, the largest if more never fits better."""
    low, high = 0, limit
    while low < high:
        middle = (low + high + 1) // 2
        low, high = (middle, high) if fits(middle) else (low, middle - 1)
    return low


def _title(graph: TemporalGraph, objects: Sequence[SceneObject]) -> str:
    count = len(graph.relations())
    title = f"video {graph.video.duration_s:.2f} s, {len(objects)} objects, {count} relations"
    unsure = any(item.uncertain for item in objects)
    return f"{title}; ? marks a label that is a guess" if unsure else title


def _object_line(graph: TemporalGraph, item: SceneObject) -> str:
    """Return an object with its attributes and when it is visible."""
    traits = ", ".join(clean(trait) for trait in item.attributes[:8])
    seen = ", ".join(f"{i.start:.2f}-{i.end:.2f}" for i in item.presence[:8])
    more = f" and {len(item.presence) - 8} more times" if len(item.presence) > 8 else ""
    parts = [traits, f"visible {seen} s{more}" if seen else ""]
    described = "; ".join(part for part in parts if part)
    name = graph.name(item.id, mark=True)
    return f"{name}: {described}" if described else name


def _sentence(graph: TemporalGraph, relation: Relation, span: Interval) -> str:
    start, end = span
    time = f"{start:.2f}-{end:.2f}" if end > start else f"{start:.2f}"
    return f"[{time} s] {graph.describe(relation, mark=True)} ({clean(relation.id)})"
