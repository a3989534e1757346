"""Asking: an arm and a question become a request, and a request becomes a reply.

Who answers depends on the arm: the agent where a graph is asked by tools, a chat model where
everything is told in one message, a file where answers were published. The embedded model has
no pictures and reads no captions; where an arm has captions, `reelgraph.eval.captions` chooses.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from importlib.resources import files
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

from langchain_core.language_models import BaseChatModel

from reelgraph.agent import VideoAgent
from reelgraph.agent.answer import Answer
from reelgraph.agent.briefing import PROMPTS
from reelgraph.agent.models import EMBEDDED, model_name, provider_errors, resolve_model
from reelgraph.agent.redaction import redacted
from reelgraph.errors import EvalError
from reelgraph.eval.arms import Arm
from reelgraph.eval.benchmarks.question import Question
from reelgraph.eval.captions import (
    CAPTION_RULE,
    GRAPH_WEIGHT,
    best_option,
    combined,
    option_scores,
)
from reelgraph.eval.log import Tokens
from reelgraph.eval.prompting import message, prompt_of, question_text, tokens_of
from reelgraph.eval.reply import Reply, reply_of_answer, reply_of_text
from reelgraph.eval.showing import Shown
from reelgraph.graph.schema import SceneGraph, VideoInfo
from reelgraph.graph.temporal import TemporalGraph
from reelgraph.prompts import prompts_hash

if TYPE_CHECKING:
    from langchain_core.messages import AIMessage

__all__ = ["Asker", "Published", "Request", "askers_for", "code_hash"]

TOOL_TOKENS = 10_000
"""What an answer by tools is taken to cost in an estimate: about four calls."""
_PACKAGES = ("agent", "graph", "prompts", "eval.benchmarks")
_EVAL = ("arms", "asking", "captions", "corruption", "prompting", "reply", "scoring", "showing")


@dataclass(frozen=True)
class Request:
    """Everything that is sent for one answer.

    Attributes:
        arm: What is shown.
        question: What is asked.
        shown: What it is shown of.
        sent: Whatever the answer may depend on, as JSON values.
        text: The message, for arms that tell all in one.
        prompt_hash: Hash of the prompt's fixed text.
        tokens: Estimate of the tokens that go in.
    """

    arm: Arm
    question: Question
    shown: Shown
    sent: Mapping[str, Any] = field(repr=False)
    text: str = ""
    prompt_hash: str = ""
    tokens: int = 0

    @property
    def key(self) -> str:
        """Hash of everything that is sent: the same request has the same key, and no other."""
        return hashlib.sha256(json.dumps(self.sent, sort_keys=True).encode()).hexdigest()


class Asker(Protocol):
    """Answers the questions of an arm."""

    def request(self, arm: Arm, question: Question, shown: Shown) -> Request:
        """Return what would be sent."""

    async def reply(self, request: Request) -> Reply:
        """Send it and return what comes back."""


def askers_for(arms: Iterable[Arm], model: str | BaseChatModel) -> dict[str, Asker]:
    """Return who answers the questions of each arm; arms that are asked alike share one.

    Raises:
        EvalError: If the model cannot be asked in the way of an arm, or published answers
            cannot be read.
        AgentError: If there is no such model, or its key is missing.
    """
    chosen = list(arms)
    chat = resolve_model(model) if any(arm.answers is None for arm in chosen) else None
    made: dict[object, Asker] = {}
    return {arm.name: _asker(arm, chat, made) for arm in chosen}


def _asker(arm: Arm, chat: BaseChatModel | None, made: dict[object, Asker]) -> Asker:
    if arm.answers is not None or chat is None:
        return Published(arm.answers or Path())
    if model_name(chat) != EMBEDDED:
        kind: type[ByTools | Told | Embedded] = ByTools if arm.by_tools else Told
    elif arm.frames:
        raise EvalError(
            f"arm {arm.name!r}: the embedded model sees no frames; choose a model that does, "
            "such as --model openai:gpt-5, or build a graph of them (arm graph)"
        )
    else:
        kind = Embedded
    return made.setdefault(kind, kind(chat))


class ByTools:
    """The agent asks the graph by its tools."""

    def __init__(self, model: BaseChatModel) -> None:
        self._name = model_name(model)
        self._model = model
        self._agent = VideoAgent(model, mode="tools")

    def request(self, arm: Arm, question: Question, shown: Shown) -> Request:
        """Return what would be sent: the question, the graph, and the code of the tools."""
        sent = _asked(self._name, question) | {
            "asked by": "tools",
            "options": _options(self._model),
            "graph": shown.graph_hash,
            "during": question.during,
            "code": code_hash(),
        }
        prompt = prompts_hash(PROMPTS)
        return Request(arm, question, shown, sent, prompt_hash=prompt, tokens=TOOL_TOKENS)

    async def reply(self, request: Request) -> Reply:
        """Ask the agent.

        Raises:
            EvalError: If there is no graph to ask.
        """
        if request.shown.graph is None:
            raise EvalError(f"arm {request.arm.name!r} has no graph to ask")
        question = request.question
        answer = await self._agent.aask(
            question.text,
            request.shown.graph,
            choices=question.choices or None,
            allow_unsupported=True,
        )
        return reply_of_answer(question, answer)


class Told:
    """A chat model is told everything in one message."""

    def __init__(self, model: BaseChatModel) -> None:
        self._name = model_name(model)
        self._model = model

    def request(self, arm: Arm, question: Question, shown: Shown) -> Request:
        """Return what would be sent: the text, and which frames of which file."""
        text = question_text(question, shown)
        sent = {
            "model": self._name,
            "options": _options(self._model),
            "text": text,
            "media": shown.media_hash,
            "frames": shown.frames,
        }
        prompt = prompt_of(question).sha256
        return Request(arm, question, shown, sent, text, prompt, tokens_of(text, shown))

    async def reply(self, request: Request) -> Reply:
        """Send the message.

        Raises:
            ProviderError: If the provider fails.
        """
        with provider_errors(self._model):
            sent = message(request.text, request.shown)
            came: AIMessage = await self._model.ainvoke([sent])
        used = came.usage_metadata
        tokens = Tokens(
            model_calls=1,
            input_tokens=used["input_tokens"] if used else 0,
            output_tokens=used["output_tokens"] if used else 0,
        )
        return reply_of_text(request.question, came.text, tokens)


class Embedded:
    """The embedded model: by tools from a graph, by words in common from captions, or both."""

    def __init__(self, model: BaseChatModel) -> None:
        self._agent = VideoAgent(model)

    def request(self, arm: Arm, question: Question, shown: Shown) -> Request:
        """Return what the answer depends on.

        Raises:
            EvalError: If the question is open and only captions are shown.
        """
        if arm.captions and not question.choices:
            raise EvalError(
                f"arm {arm.name!r}: the embedded model chooses by captions among options only, "
                "and the question is open; leave out the captions or choose another model"
            )
        sent = _asked(EMBEDDED, question) | {
            "asked by": "rules",
            "graph": shown.graph_hash if arm.graph else None,
            "during": question.during,
            "captions": shown.captions,
            "rule": [CAPTION_RULE, GRAPH_WEIGHT] if arm.captions else [],
            "code": code_hash(),
        }
        return Request(arm, question, shown, sent, prompt_hash=prompts_hash(PROMPTS))

    async def reply(self, request: Request) -> Reply:
        """Answer; no other task runs meanwhile, for there is nothing to wait for."""
        question, shown, arm = request.question, request.shown, request.arm
        if not arm.captions:
            return reply_of_answer(question, self._ask(question, shown))
        scores = option_scores(question.text, question.choices, shown.captions)
        if not arm.graph:
            return _chosen(question, scores, Reply())
        found = reply_of_answer(question, self._ask(question, shown))
        chosen = found.prediction if isinstance(found.prediction, int) else None
        return _chosen(question, combined(scores, chosen, found.confidence or 0.0), found)

    def _ask(self, question: Question, shown: Shown) -> Answer:
        return self._agent.ask(
            question.text,
            shown.graph or _empty(),
            choices=question.choices or None,
            allow_unsupported=True,
        )


class Published:
    """Answers that somebody published: ``{question id: {"prediction": index or text}}``.

    Raises:
        EvalError: If the file cannot be read or is of another form.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        try:
            content = json.loads(path.read_bytes())
        except (OSError, ValueError) as error:
            raise EvalError(f"{str(path)!r} cannot be read as JSON: {error}") from error
        if not isinstance(content, dict):
            raise EvalError(f'{str(path)!r} must hold {{question id: {{"prediction": ...}}}}')
        self._answers = content

    def has(self, question: Question) -> bool:
        """Return whether there is an answer to a question."""
        return question.id in self._answers

    def request(self, arm: Arm, question: Question, shown: Shown) -> Request:
        """Return what the answer depends on."""
        return Request(arm, question, shown, {"published": self._answers.get(question.id)})

    async def reply(self, request: Request) -> Reply:
        """Return the answer; one that is no option is an answer that cannot be parsed."""
        found = self._answers.get(request.question.id)
        value = found.get("prediction") if isinstance(found, dict) else found
        choices = request.question.choices
        fits = isinstance(value, int) and 0 <= value < len(choices) if choices else bool(value)
        return Reply(prediction=value if fits else None, parsed=fits, text=str(value))


@lru_cache(maxsize=1)
def code_hash() -> str:
    """Return the hash of the code that answers are made with: of graphs, agent and evaluation."""
    found = hashlib.sha256()
    for name in _EVAL:
        found.update(name.encode() + Path(str(files("reelgraph.eval") / f"{name}.py")).read_bytes())
    for package in _PACKAGES:
        folder = Path(str(files(f"reelgraph.{package}")))
        for path in sorted(p for p in folder.rglob("*") if p.suffix in {".py", ".md"}):
            found.update(path.relative_to(folder).as_posix().encode() + path.read_bytes())
    return found.hexdigest()[:16]


def _asked(model: str, question: Question) -> dict[str, Any]:
    return {"model": model, "question": question.text, "choices": question.choices}


def _options(model: BaseChatModel) -> dict[str, Any]:
    """Return what a chat model is set to, without secrets."""
    found = dict(model._identifying_params) | {"class": type(model).__name__}
    for name in ("openai_api_base", "anthropic_api_url", "base_url", "endpoint"):
        if isinstance(where := getattr(model, name, None), str):
            found[name] = redacted(where, model)
    text = json.dumps(found, sort_keys=True, default=lambda value: type(value).__name__)
    plain: dict[str, Any] = json.loads(text)
    return plain


def _empty() -> TemporalGraph:
    """Return a graph that says nothing, not even how long the video is."""
    info = VideoInfo(
        path="", sha256="", duration_s=0.0, fps=1.0, frame_count=1, resolution_wh=(0, 0)
    )
    return TemporalGraph(SceneGraph(video=info))


def _chosen(question: Question, scores: list[float], found: Reply) -> Reply:
    """Return the option with the best score, on the evidence of the graph if it is the graph's."""
    index = best_option(scores)
    same = found.prediction == index
    return Reply(
        prediction=index,
        text=question.choices[index],
        confidence=min(1.0, max(0.0, scores[index])),
        evidence=found.evidence if same else Reply().evidence,
        usage=found.usage,
    )
