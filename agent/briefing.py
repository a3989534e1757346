"""What a model is told before the question: the prompts, rendered for a scene and a mode."""

from __future__ import annotations

import json
import re
from collections.abc import Sequence

from langchain_core.messages import AnyMessage, HumanMessage
from langchain_core.tools import BaseTool

from reelgraph.agent.answer import AnswerDraft
from reelgraph.agent.look import GIVEN_FRAMES, given_frames
from reelgraph.agent.modes import Mode
from reelgraph.agent.request import Request, write_request
from reelgraph.agent.scene import Scene
from reelgraph.errors import AgentError, QueryError
from reelgraph.graph.temporal import TemporalGraph
from reelgraph.prompts import load_prompt, prompts_hash

__all__ = ["PROMPTS", "question_message", "system_prompt", "told_hash"]

PROMPTS = (
    "citing",
    "context",
    "context_question",
    "data",
    "no_draft",
    "no_json",
    "question",
    "repair",
    "repair_json",
    "system",
    "videos",
)
"""Every prompt that the agent gives to a model."""

_FENCE = re.compile(r"<(?=\s*/?\s*scene_graph)", re.IGNORECASE)


def system_prompt(scene: Scene, mode: Mode) -> str:
    """Return the system prompt."""
    parts = {
        "citing": load_prompt("citing").render(),
        "data": load_prompt("data").render(),
        "videos": _videos(scene),
    }
    if mode == "tools":
        return load_prompt("system").render(**parts)
    return load_prompt("context").render(fields=_fields(), **parts)


def _fields() -> str:
    """Return what the fields of a draft mean, for a model that writes it as JSON."""
    fields = AnswerDraft.model_json_schema()["properties"]
    return json.dumps({name: field["description"] for name, field in fields.items()})


def _videos(scene: Scene) -> str:
    if not scene.several:
        return ""
    listed = "\n".join(
        f"- video {n}: {json.dumps(part.title)}, {part.graph.video.duration_s:.2f} s"
        for n, part in enumerate(scene.parts, 1)
    )
    return "\n\n" + load_prompt("videos").render(
        count=str(len(scene.parts)), list=listed, example=scene.example()
    )


def question_message(
    request: Request, scene: Scene, mode: Mode, *, frames: int = 0, budget: int = 8000
) -> AnyMessage:
    """Return the message that puts a question, with the graph where there are no tools.

    Args:
        request: The question.
        scene: What it is about.
        mode: How the model gets at the graph.
        frames: How many frames go with it.
        budget: Most tokens of the graph's text.
    """
    text = write_request(request)
    if mode == "context":
        graph = graph_text(request.question, scene, budget)
        text = load_prompt("context_question").render(graph=graph, question=text)
    shown = [
        given_frames(part.during or (0.0, part.graph.video.duration_s), frames, number)
        for number, part in enumerate(scene.parts, 1)
        if frames and part.path is not None
    ]
    return HumanMessage(text, additional_kwargs={GIVEN_FRAMES: shown} if shown else {})


def graph_text(question: str, scene: Scene, budget: int) -> str:
    """Return the graphs as text, what matters for the question first.

    The text cannot end the frame around it, whatever the labels say.

    Raises:
        AgentError: If not even a headline fits the budget.
    """
    share = budget // len(scene.parts)
    texts = [
        (f"video {n}\n" if scene.several else "") + _one(part.graph, question, share)
        for n, part in enumerate(scene.numbered, 1)
    ]
    return _FENCE.sub("‹", "\n\n".join(texts))


def _one(graph: TemporalGraph, question: str, budget: int) -> str:
    try:
        return graph.to_text("triples", budget=budget, focus=question)
    except QueryError as error:
        raise AgentError(
            f"the graph does not fit into {budget} tokens of text; raise context_tokens ({error})"
        ) from error


def told_hash(tools: Sequence[BaseTool]) -> str:
    """Return the hash of all prompts and of the tools with their arguments."""
    schemas = [(tool.name, tool.description, tool.args) for tool in tools]
    draft = AnswerDraft.model_json_schema()
    return prompts_hash(PROMPTS, json.dumps([schemas, draft], sort_keys=True))
