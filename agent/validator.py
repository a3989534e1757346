"""Checks a model's draft against the graph: ids, claims, times and counts.

A model may only cite. What it cites must exist and must say what the sentence says:
the same predicate, the same participants, in the same roles. Times, ids and counts in
the text that were not looked up are removed or reported.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from reelgraph.agent.answer import AnswerDraft
from reelgraph.agent.claims import contradiction
from reelgraph.agent.facts import Facts, ResultRow
from reelgraph.agent.language import NUMBERS
from reelgraph.agent.naming import misnamed, with_mentions, with_names
from reelgraph.agent.references import Reference, find_references, parse_reference, resolve
from reelgraph.errors import QueryError
from reelgraph.graph.schema import CAMERA, Relation
from reelgraph.graph.temporal import TemporalGraph

__all__ = ["Checked", "check_draft"]

_TIME = re.compile(
    r"(?:\b(?:at|from|to|until|by|around|after|before|about)\s+)?"
    r"(?:\b\d+:\d{2}(?:\.\d+)?\b"
    r"|\b\d+(?:\.\d+)?[\s-]*(?:s|secs?|seconds?|minutes?|mins?|hours?|ms)\b"
    r"|\b(?:seconds?|minutes?)\s+\d+(?:\.\d+)?\b|(?<![\[\w.])\d+\.\d+(?![\w.]*\]))",
    re.IGNORECASE,
)
_FRAME = re.compile(r"\bframes?\s+(?:no\.?\s*|number\s+)?#?\d+", re.IGNORECASE)
_WORD_TIME = re.compile(rf"\b(?:{'|'.join(NUMBERS)})\s+(?:seconds?|minutes?)\b", re.IGNORECASE)
_BARE = re.compile(
    r"(?<![\w\[.#-])((?:v\d+_)?[ro]\d+(?:\.\d+)?(?:\.(?:start|end|duration))?)\b(?![\w.]*\])"
)
_MENTION = re.compile(
    r"(?:#|\b(?:object|person|id|mask|track|relation)\s+#?)(\d+)\b", re.IGNORECASE
)
_COUNT = re.compile(
    r"(?<![#\w.\[])(\d+|two|three|four|five|six|seven|eight|nine|ten|eleven|twelve|twice)\b"
    r"(\s+times)?(?!\s*(?:s|secs?|seconds?|minutes?)\b)(?![\w.]*\])",
    re.IGNORECASE,
)
_SENTENCE = re.compile(r"(?<=[.!?])\s+(?=[A-Z\[])")
_CLAUSE = re.compile(r"[;,]\s+(?!and\b|or\b|nor\b|\[o\d+\](?:,|\s+(?:and|or|nor)\b))")
_NEGATION = re.compile(r"\b(?:no|not|never|nothing|nobody|none|does not|cannot)\b|n't\b", re.I)


@dataclass
class Checked:
    """A draft after the check.

    Attributes:
        text: The draft's text without what was not looked up, references still in it.
        references: Cited relations and objects that exist, in order, without repeats.
        problems: What is wrong, in words that the model can act on.
        supported: True if something that exists supports the answer.
    """

    text: str
    references: list[Reference] = field(default_factory=list)
    problems: list[str] = field(default_factory=list)
    supported: bool = False


def check_draft(
    draft: AnswerDraft,
    graph: TemporalGraph,
    facts: Facts,
    *,
    question: str = "",
    choices: Sequence[str] = (),
) -> Checked:
    """Check a draft.

    Args:
        draft: What the model wrote.
        graph: The graph that it was asked about.
        facts: What the tools returned in this conversation.
        question: The question; what it says itself may be repeated.
        choices: The options of a multiple-choice question.
    """
    return _Check(draft, graph, facts, question, choices).run()


class _Check:
    def __init__(
        self,
        draft: AnswerDraft,
        graph: TemporalGraph,
        facts: Facts,
        question: str,
        choices: Sequence[str],
    ) -> None:
        self._draft = draft
        self._graph = graph
        self._results: dict[str, ResultRow] = facts.results
        self._question = question
        self._choices = choices
        self._problems: list[str] = []

    def run(self) -> Checked:
        written = with_names(_BARE.sub(self._bracketed, self._draft.text), self._graph)
        inline = [reference for _, reference in find_references(written)]
        listed = [self._parsed(i) for i in self._draft.relations]
        objects = [Reference(f"o{i}") for i in self._draft.objects]
        results = [Reference(i.strip("[]")) for i in self._draft.results]
        wanted = [r for r in [*listed, *inline, *objects, *results] if r is not None]
        cited = [r for r in dict.fromkeys(wanted) if self._exists(r)]
        self._problems += misnamed(written, self._graph)
        text = self._without_inventions(written, cited)
        bad = self._unsupported(text, cited)
        self._check_counts(text, cited)
        self._check_choice()
        if not cited and not self._draft.abstain:
            self._problems.append("nothing is cited; cite the relations or objects that show it")
        supported = bool(cited) and not (bad and bad == self._claims(text))
        return Checked(text, cited, self._problems, supported)

    def _bracketed(self, found: re.Match[str]) -> str:
        """Return an id that stands without brackets as a citation, unless a name holds it."""
        return found[0] if self._is_named(found[0]) else f"[{found[1]}]"

    def _is_named(self, words: str) -> bool:
        """Return whether a label or an attribute holds these words."""
        held = (text for o in self._graph.objects() for text in (o.label, *o.attributes))
        return any(words.strip().lower() in text.lower() for text in held)

    def _parsed(self, text: str) -> Reference | None:
        reference = parse_reference(text)
        if reference is None:
            self._problems.append(f"{text!r} is not a reference; cite ids such as 'r12'")
        return reference

    def _exists(self, reference: Reference) -> bool:
        if reference.key == "video" or reference.key in self._results:
            return True
        try:
            resolve(reference, self._graph)
        except QueryError as error:
            self._problems.append(f"the draft cites {reference.key!r}: {error}")
            return False
        return True

    # -- what was not looked up --------------------------------------------------------

    def _without_inventions(self, text: str, cited: Sequence[Reference]) -> str:
        """Remove times and frame numbers, and report ids that nothing cites."""
        for pattern, what in ((_FRAME, "frame"), (_TIME, "time"), (_WORD_TIME, "time")):
            for found in list(pattern.finditer(text)):
                if not (self._said_in_question(found[0], pattern) or self._is_named(found[0])):
                    self._problems.append(
                        f"{found[0].strip()!r} is a {what} that was not looked up; "
                        "cite the relation instead, e.g. [r12]"
                    )
                    text = text.replace(found[0], "", 1)
        known = self._cited_objects(cited)
        for found in list(_MENTION.finditer(text)):
            text = self._check_mention(found, text, known)
        return re.sub(r"\s+([.,;!?])", r"\1", re.sub(r"[ \t]{2,}", " ", text)).strip()

    def _check_mention(self, found: re.Match[str], text: str, known: set[int]) -> str:
        number = int(found[1])
        if number in known or self._said_in_question(found[0], _MENTION):
            return text
        self._problems.append(
            f"{found[0]!r} names an object that no citation involves; cite what shows it"
        )
        return text.replace(found[0], found[0].replace(found[1], "").rstrip("# "), 1)

    def _said_in_question(self, words: str, kind: re.Pattern[str] | None = None) -> bool:
        """Return whether the question, or an option, gives the same figure, as the same kind."""
        digits = re.findall(r"\d+(?:[.:]\d+)?", words)
        said = " ".join([self._question, *self._choices]).lower()
        if kind is not None:
            said = " | ".join(found[0] for found in kind.finditer(said))
        if not digits:
            return words.strip().lower() in said
        return all(re.search(rf"(?<![\d.]){re.escape(d)}(?![\d.])", said) for d in digits)

    def _cited_objects(self, cited: Iterable[Reference]) -> set[int]:
        """Return every object that the citations name or involve."""
        known: set[int] = set()
        for reference in cited:
            if reference.object_id is not None:
                known.add(reference.object_id)
            elif reference.key in self._results:
                known.update(self._results[reference.key]["objects"])
            elif reference.key != "video":
                known.update(_participants(self._graph.relation(reference.key)))
        return known

    # -- what the citations do not say -------------------------------------------------

    def _unsupported(self, text: str, cited: Sequence[Reference]) -> list[str]:
        """Report sentences that say something else than what they cite."""
        bad = []
        relations = self._relations([*cited, *self._behind_figures(cited)])
        for sentence in self._claims(text):
            inline = self._relations(
                r for _, r in find_references(sentence) if r in cited or r.key in self._keys(cited)
            )
            named = with_mentions(sentence, inline or relations, self._graph)
            stated = [part for part in _CLAUSE.split(named) if not _NEGATION.search(part)]
            problem = contradiction(", ".join(stated), inline, relations, self._graph)
            if problem:
                self._problems.append(problem)
                bad.append(sentence)
        return bad

    def _behind_figures(self, cited: Sequence[Reference]) -> list[Reference]:
        """Return the relations that the cited figures were computed from."""
        rows = [self._results[r.key] for r in cited if r.key in self._results]
        keys = (key for row in rows for key in row["relations"])
        return [Reference(r.key) for r in map(parse_reference, keys) if r is not None]

    def _keys(self, cited: Sequence[Reference]) -> set[str]:
        return {reference.key for reference in cited}

    def _claims(self, text: str) -> list[str]:
        return [s for s in _SENTENCE.split(text) if s.strip()]

    def _relations(self, cited: Iterable[Reference]) -> list[Relation]:
        keys = dict.fromkeys(
            r.key
            for r in cited
            if r.object_id is None and r.key != "video" and r.key not in self._results
        )
        return [self._graph.relation(key) for key in keys]

    # -- counts and choice --------------------------------------------------------------

    def _check_counts(self, text: str, cited: Sequence[Reference]) -> None:
        """Require that a number is a computed figure or as large as what is cited."""
        happened, things = self._allowed_counts(cited)
        objects = self._cited_objects(cited)
        text = self._without_names(text)
        for found in _COUNT.finditer(text):
            word = found[1].lower()
            value = NUMBERS[word] if word in NUMBERS else int(word)
            times = word == "twice" or found[2]
            allowed = happened if times else happened | things
            if not times and (kind := self._kind(text[found.end() :])):
                allowed = (allowed - things) | {float(len(kind & objects))}
            if value not in allowed:
                self._report_count(found[1])

    def _kind(self, rest: str) -> set[int]:
        """Return the objects of the kind that follows a number, or none."""
        noun = re.match(r"\s+(?:other\s+|more\s+|different\s+)?([a-z]+(?:\s[a-z]+)?)", rest)
        for words in (noun[1], noun[1].split()[0]) if noun else ():
            try:
                return {item.id for item in self._graph.objects(words)}
            except QueryError:
                continue
        return set()

    def _report_count(self, word: str) -> None:
        if not self._said_in_question(word):
            self._problems.append(
                f"the number {word!r} is not backed: cite as many relations or objects, "
                "or the id of a result of the tool count"
            )

    def _allowed_counts(self, cited: Sequence[Reference]) -> tuple[set[float], set[float]]:
        """Return how often something happened, and how many things there are."""
        occurrences = {
            (r.key, i)
            for r in cited
            if r.object_id is None and r.key != "video" and r.key not in self._results
            for i in self._indices(r)
        }
        # An object that is only named beside relations is not cited for its stays in view.
        named = occurrences and not self._draft.objects
        stays = {
            (r.object_id, i)
            for r in cited
            if r.object_id is not None and not (named and r.index is None)
            for i in self._stays(r.object_id, r.index)
        }
        values = [row["value"] for k, row in self._results.items() if k in self._keys(cited)]
        numbers = {float(v) for v in values if isinstance(v, int | float)}
        happened = {len(occurrences), len({key for key, _ in occurrences}), len(stays)}
        things = {len({r.object_id for r in cited if r.object_id is not None})}
        return {0, 1, *map(float, happened), *numbers}, set(map(float, things))

    def _stays(self, object_id: int, index: int | None) -> range:
        """Return the numbers of the stays in view that a reference to an object means."""
        if index is not None:
            return range(index, index + 1)
        return range(1, len(self._graph.object(object_id).presence) + 1)

    def _indices(self, reference: Reference) -> range:
        if reference.index is not None:
            return range(reference.index, reference.index + 1)
        return range(1, len(self._graph.relation(reference.key).intervals) + 1)

    def _without_names(self, text: str) -> str:
        """Return the text without references, ids, and labels or attributes with digits."""
        for item in self._graph.objects():
            for name in (item.label, *item.attributes):
                if re.search(r"\d", name):
                    text = re.sub(re.escape(name), " ", text, flags=re.IGNORECASE)
        for found, _ in find_references(text):
            text = text.replace(found[0], " ")
        text = _MENTION.sub(" ", text)
        for pattern in (_TIME, _WORD_TIME, _FRAME):
            text = pattern.sub(" ", text)
        return text

    def _check_choice(self) -> None:
        choice = self._draft.choice
        if choice is not None and not 0 <= choice < len(self._choices):
            self._problems.append(
                f"choice {choice} does not exist; the options are 0 to {len(self._choices) - 1}"
                if self._choices
                else f"choice {choice} was given although the question has no options"
            )
        if self._choices and choice is None and not self._draft.abstain:
            self._problems.append("the question has options: give the index of one as choice")


def _participants(relation: Relation) -> set[int]:
    ends = (relation.subject, relation.object, relation.recipient)
    return {i for i in ends if i is not None and i != CAMERA}
