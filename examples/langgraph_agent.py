"""An incident report from a video: reelgraph's tools inside somebody else's LangGraph.

The first node turns the video into a graph; the second lets a model of your choice ask it,
next to a tool that has nothing to do with videos. Run it::

    python examples/langgraph_agent.py shop.mp4 "Who takes the bottle?" --model openai:gpt-5
"""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any, TypedDict

from langchain.agents import create_agent
from langchain.chat_models import init_chat_model
from langchain_core.language_models import BaseChatModel
from langchain_core.tools import tool
from langgraph.graph import END, START, StateGraph

from reelgraph import Pipeline
from reelgraph.agent import graph_tools
from reelgraph.graph.temporal import TemporalGraph

INSTRUCTIONS = (
    "You investigate what happened in a video. Find out with the tools, then file one report. "
    "Cite relation ids such as r12 for everything you say."
)


class Case(TypedDict, total=False):
    """What the nodes hand to each other."""

    video: str
    question: str
    scene: TemporalGraph
    report: str


def build(model: BaseChatModel, pipeline: Pipeline) -> Any:
    """Return the compiled LangGraph: ``{"video", "question"}`` in, ``{"report"}`` out."""

    def see(case: Case) -> Case:
        return {"scene": pipeline.graph(case["video"])}

    def investigate(case: Case) -> Case:
        reports: list[str] = []

        @tool
        def file_report(text: str) -> str:
            """File the report; call it once, at the end."""
            reports.append(text)
            return "filed"

        tools = [*graph_tools(case["scene"]), file_report]
        agent = create_agent(model, tools, system_prompt=INSTRUCTIONS)
        result = agent.invoke({"messages": [("user", case["question"])]})
        return {"report": reports[-1] if reports else result["messages"][-1].text}

    flow = StateGraph(Case)
    flow.add_node("see", see)
    flow.add_node("investigate", investigate)
    flow.add_edge(START, "see")
    flow.add_edge("see", "investigate")
    flow.add_edge("investigate", END)
    return flow.compile()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("video", type=Path)
    parser.add_argument("question")
    parser.add_argument("--model", default="openai:gpt-5", help="any LangChain chat model")
    given = parser.parse_args()
    flow = build(init_chat_model(given.model), Pipeline())
    print(flow.invoke({"video": str(given.video), "question": given.question})["report"])


if __name__ == "__main__":
    main()
