"""What the agent adds to a question beyond the model's and the tools' own time.

A scripted model asks two tools of a graph of 1,000 relations and answers; what its calls
and the tools take is measured by the agent itself and subtracted from the total. The same
is measured for LangChain's bare loop with the same tools, so that the two can be compared.
Processor time is told beside, which other work on the machine does not change.

    python benchmarks/agent_overhead.py [questions]
"""

from __future__ import annotations

import statistics
import sys
import time
from collections.abc import Callable

from langchain.agents import create_agent
from langchain.agents.structured_output import ToolStrategy
from langchain_core.messages import HumanMessage

from reelgraph.agent import AnswerDraft, VideoAgent, graph_tools
from reelgraph.agent.testing import ScriptedChatModel, call, draft
from reelgraph.graph.schema import Interval, Relation, SceneGraph, SceneObject, VideoInfo
from reelgraph.graph.temporal import TemporalGraph

OBJECTS, RELATIONS, DURATION_S = 40, 1000, 600.0
PREDICATES = ("holds", "touches", "left of", "near", "approaches")


def made_graph() -> TemporalGraph:
    """Return a graph of `RELATIONS` relations."""
    objects = tuple(
        SceneObject(id=i, label=("person", "cup", "box")[i % 3], presence=((0.0, DURATION_S),))
        for i in range(1, OBJECTS + 1)
    )
    relations = tuple(
        Relation(
            id=f"r{n}",
            subject=1 + n % OBJECTS,
            predicate=PREDICATES[n % len(PREDICATES)],
            object=1 + (n * 7 + 1 + n // OBJECTS) % OBJECTS,
            intervals=(Interval(n * 0.5, n * 0.5 + 2.0),),
            kind="contact",
            source="made",
        )
        for n in range(1, RELATIONS + 1)
    )
    video = VideoInfo(
        path="made.mp4", sha256="0" * 64, duration_s=DURATION_S, fps=25.0,
        frame_count=int(DURATION_S * 25), resolution_wh=(640, 360),
    )  # fmt: skip
    return TemporalGraph(SceneGraph(video=video, objects=objects, relations=relations))


def script(questions: int) -> ScriptedChatModel:
    """Return a model that asks two tools and answers, so many times."""
    replies = [
        call("describe_video"),
        call("find_relations", subject=6, predicate="holds"),
        draft("[o6] holds it [r5].", ["r5"]),
    ]
    return ScriptedChatModel(replies * questions)


def overhead_ms(graph: TemporalGraph, questions: int) -> list[float]:
    """Return what the agent adds to each question, in milliseconds."""
    agent = VideoAgent(script(questions + 1))
    agent.ask("Who holds it?", graph)
    added = []
    for _ in range(questions):
        seconds = agent.ask("Who holds it?", graph).usage.seconds
        added.append(1000 * (seconds["total"] - seconds["model"] - seconds["tools"]))
    return added


def bare_ms(graph: TemporalGraph, questions: int) -> list[float]:
    """Return what LangChain's loop alone takes for each question, tools included."""
    loop = create_agent(
        script(questions + 1), graph_tools(graph), response_format=ToolStrategy(AnswerDraft)
    )
    return timed(lambda: loop.invoke({"messages": [HumanMessage("Who holds it?")]}), questions)


def timed(work: Callable[[], object], times: int) -> list[float]:
    """Return how long each of several runs takes, in milliseconds, after one to warm up."""
    work()
    taken = []
    for _ in range(times):
        begun = time.perf_counter()
        work()
        taken.append(1000 * (time.perf_counter() - begun))
    return taken


def cpu_ms(work: Callable[[], object], times: int) -> float:
    """Return the processor time of one run of all threads, in milliseconds."""
    begun = time.process_time()
    for _ in range(times):
        work()
    return 1000 * (time.process_time() - begun) / times


def told(name: str, values: list[float]) -> None:
    ordered = sorted(values)
    p95 = ordered[int(0.95 * (len(ordered) - 1))]
    print(f"{name:44} median {statistics.median(values):6.2f} ms   p95 {p95:6.2f} ms")


def main() -> None:
    questions = int(sys.argv[1]) if len(sys.argv) > 1 else 100
    graph = made_graph()
    agent = VideoAgent(script(questions + 1))
    told("agent beyond model and tools", overhead_ms(graph, questions))
    told("agent, whole question", timed(lambda: agent.ask("Who holds it?", graph), questions))
    agent = VideoAgent(script(questions + 1))
    cpu = cpu_ms(lambda: agent.ask("Who holds it?", graph), questions)
    print(f"{'agent, whole question, processor time':44} mean   {cpu:6.2f} ms")
    told("LangChain's loop alone, whole question", bare_ms(graph, questions))


if __name__ == "__main__":
    main()
