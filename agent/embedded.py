"""The embedded chat model: answers from the graph by rules, without key or weights.

It takes part in the same loop as any provider's model: it reads the question from the
messages, calls the same tools, reads their results, and ends with a structured draft.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

from langchain_core.callbacks import CallbackManagerForLLMRun
from langchain_core.language_models import BaseChatModel, LanguageModelInput
from langchain_core.messages import AIMessage, BaseMessage, HumanMessage, ToolCall, ToolMessage
from langchain_core.outputs import ChatGeneration, ChatResult
from langchain_core.runnables import Runnable
from langchain_core.tools import BaseTool

from reelgraph.agent.answer import AnswerDraft
from reelgraph.agent.choosing import choose, guess
from reelgraph.agent.clauses import Pattern, read_clause
from reelgraph.agent.compose import compose
from reelgraph.agent.facts import Facts, Occurrence
from reelgraph.agent.language import tokens
from reelgraph.agent.matching import FALLBACKS, GOING
from reelgraph.agent.phrases import RANKS
from reelgraph.agent.question import Question, parse_question
from reelgraph.agent.reason import solve
from reelgraph.agent.request import read_request
from reelgraph.agent.verbs import VISIBLE
from reelgraph.agent.vocabulary import Vocabulary
from reelgraph.graph import serialize

__all__ = ["EmbeddedChatModel", "draft_answer", "explaining", "plan"]

MOST_REASONS = 3
"""A guess names at most so many labels and predicates that speak for it."""

MOST_QUERIES = 4
"""A question about more predicates than this asks for all relations at once."""

_OPEN = frozenset({"event", "where", "describe", "why", "how"})


class EmbeddedChatModel(BaseChatModel):
    """A chat model made of a small grammar of English and rules over scene graphs."""

    @property
    def _llm_type(self) -> str:
        return "reelgraph-embedded"

    @property
    def _identifying_params(self) -> dict[str, Any]:
        return {"model": "embedded"}

    def bind_tools(
        self,
        tools: Sequence[dict[str, Any] | type | Callable[..., Any] | BaseTool],  # noqa: ARG002
        *,
        tool_choice: str | None = None,  # noqa: ARG002
        **kwargs: Any,  # noqa: ARG002
    ) -> Runnable[LanguageModelInput, AIMessage]:
        """Return the model itself: it knows the graph tools by name."""
        return self

    def _generate(
        self,
        messages: list[BaseMessage],
        stop: list[str] | None = None,  # noqa: ARG002
        run_manager: CallbackManagerForLLMRun | None = None,  # noqa: ARG002
        **kwargs: Any,  # noqa: ARG002
    ) -> ChatResult:
        calls = _next_calls(messages)
        return ChatResult(generations=[ChatGeneration(message=AIMessage("", tool_calls=calls))])


def _next_calls(messages: Sequence[BaseMessage]) -> list[ToolCall]:
    """Return the tool calls that the conversation needs next; the draft ends it."""
    request = read_request([m for m in messages if isinstance(m, HumanMessage)])
    results = [m for m in messages if isinstance(m, ToolMessage)]
    if not results:
        return [_call("describe_video", {}, 0)]
    facts = Facts.gather(m.artifact for m in results if m.artifact)
    question = parse_question(request.question, facts.vocabulary(), request.choices)
    asked = [(c["name"], c["args"]) for m in messages for c in getattr(m, "tool_calls", [])]
    wanted = [call for call in plan(question, facts.vocabulary()) if call not in asked]
    if len(asked) == 1:
        wanted = wanted or explaining(question, facts)
    elif all(name != "compare_times" for name, _ in asked):
        wanted = explaining(question, facts)
    else:
        wanted = []
    if wanted and AnswerDraft.__name__ not in {name for name, _ in asked}:
        return [_call(name, args, len(asked) + i) for i, (name, args) in enumerate(wanted)]
    draft = draft_answer(question, facts, allow_unsupported=request.allow_unsupported)
    return [_call(AnswerDraft.__name__, json.loads(draft.model_dump_json()), len(asked))]


def _call(name: str, arguments: dict[str, Any], number: int) -> ToolCall:
    return ToolCall(name=name, args=arguments, id=f"call_{number}", type="tool_call")


def plan(question: Question, vocabulary: Vocabulary) -> list[tuple[str, dict[str, Any]]]:
    """Return the tool calls that bring the facts a question needs.

    Args:
        question: The question, read with the graph's words.
        vocabulary: The graph's words.
    """
    if question.asked in _OPEN:
        return [("find_relations", {})]
    calls: list[tuple[str, dict[str, Any]]] = []
    if question.extreme:
        calls.append(("count", _count_arguments(question, vocabulary)))
    patterns = [*question.patterns, *_option_patterns(question, vocabulary)]
    predicates = [p for pattern in patterns for p in _needed(pattern, vocabulary)]
    if _mentions_place(question):
        predicates += vocabulary.meaning("left of")
    wanted = [p for p in dict.fromkeys(predicates) if p != VISIBLE]
    if len(wanted) > MOST_QUERIES:
        return [*calls, ("find_relations", {})]
    return [*calls, *(("find_relations", {"predicate": p}) for p in wanted)]


def explaining(question: Question, facts: Facts) -> list[tuple[str, dict[str, Any]]]:
    """Return the tool call that shows how two times lie to each other, if the answer needs it.

    Args:
        question: The question.
        facts: What tools returned.
    """
    if not (question.anchors or question.among) or question.choices:
        return []
    finding = solve(question, facts)
    first, second = [*finding.occurrences[:1], *finding.beside[:1]], finding.occurrences[1:2]
    pair = [_reference(o) for o in (*first, *second)][:2]
    if len(set(pair)) < 2:
        return []
    return [("compare_times", {"first": pair[0], "second": pair[1]})]


def _reference(occurrence: Occurrence) -> str:
    """Return the id of an occurrence, also of one that stands for its start or end."""
    return occurrence.cite.removesuffix(".start").removesuffix(".end")


def _needed(pattern: Pattern, vocabulary: Vocabulary) -> list[str]:
    """Return the predicates to look up for a clause, with what may stand for them."""
    related = [FALLBACKS.get(pattern.sense, ""), *GOING.get(pattern.sense, ())]
    return [*pattern.predicates, *(p for name in related for p in vocabulary.meaning(name))]


def _option_patterns(question: Question, vocabulary: Vocabulary) -> list[Pattern]:
    if question.asked in {"entity", "gap", "how many", "how often", "when", "how long"}:
        return []
    return [read_clause(tokens(option), vocabulary) for option in question.choices]


def _mentions_place(question: Question) -> bool:
    words = [w for text in (question.text, *question.choices) for w in tokens(text)]
    return bool(RANKS.keys() & set(words))


def _count_arguments(question: Question, vocabulary: Vocabulary) -> dict[str, Any]:
    """Return the call of the tool count for ``the smallest number of``."""
    ref = question.pattern.subject
    arguments: dict[str, Any] = {"what": "objects", "over": question.extreme}
    if ref is None or ref.labels == frozenset(vocabulary.labels):
        return arguments
    nouns = [w for w in tokens(ref.text) if vocabulary.labels_for(w) == ref.labels]
    names = [*ref.unknown] or (nouns if len(ref.labels) > 1 else sorted(ref.labels))
    return {**arguments, "subject": names[0]} if names else arguments


def draft_answer(
    question: Question, facts: Facts, *, allow_unsupported: bool = False
) -> AnswerDraft:
    """Return the draft that the facts support; it abstains where they do not say.

    Args:
        question: What was asked.
        facts: What tools returned.
        allow_unsupported: Whether to guess an option where none is supported.
    """
    finding = solve(question, facts)
    if not question.choices:
        return compose(question, finding, facts, None)
    if chosen := choose(question, finding, facts):
        if chosen.shown_by:
            finding = replace(finding, occurrences=(chosen.shown_by,))
        return compose(question, finding, facts, chosen.index)
    if not allow_unsupported:
        reason = finding.reason or "the graph supports none of the options"
        return AnswerDraft(text=f"I do not know: {reason}.", abstain=True, confidence=0.0)
    best, likely = guess(question, facts)
    because = ", ".join(map(serialize.clean, best.because[:MOST_REASONS]))
    text = (
        f"A guess: {question.choices[best.index]}{f'; the graph has {because}' if because else ''}."
    )
    return AnswerDraft(text=text, choice=best.index, confidence=likely)
