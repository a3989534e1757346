"""The graph tools over several videos: each takes the number of a video, or asks all."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from langchain_core.tools import BaseTool, StructuredTool, ToolException
from pydantic import BaseModel, Field, create_model

from reelgraph.agent.facts import Artifact, ResultRow
from reelgraph.agent.look import Camera
from reelgraph.agent.scene import Scene
from reelgraph.agent.tools import Result, acting_on_errors, graph_tools

__all__ = ["scene_tools"]


def scene_tools(scene: Scene, cameras: Mapping[int, Camera]) -> list[BaseTool]:
    """Return the tools with which a model asks all videos of a question.

    Args:
        scene: What the question is about.
        cameras: Gives frames to the tool ``look``, by the number of the video.
    """
    kits = [
        graph_tools(part.graph, tracks=part.tracks, camera=cameras.get(n), during=part.during)
        for n, part in enumerate(scene.numbered, 1)
    ]
    if not scene.several:
        return kits[0]
    names = [tool.name for tool in max(kits, key=len)]
    by_name = [{tool.name: tool for tool in kit} for kit in kits]
    return [_joined([kit.get(name) for kit in by_name]) for name in names]


def _joined(tools: Sequence[BaseTool | None]) -> BaseTool:
    """Return one tool that asks the tools of single videos."""
    first = next(tool for tool in tools if tool is not None)
    functions = [tool.func if isinstance(tool, StructuredTool) else None for tool in tools]

    def ask(video: int | None = None, **given: Any) -> Result:
        return _asked(functions, video, given)

    return StructuredTool.from_function(
        ask,
        name=first.name,
        description=f"{first.description} Of one video, or of all.",
        args_schema=_with_video(first.args_schema, len(tools)),
        response_format="content_and_artifact",
        infer_schema=False,
        **acting_on_errors(first.args_schema),
    )


def _with_video(schema: Any, count: int) -> type[BaseModel]:
    field = Field(default=None, ge=1, le=count, description="Number of a video; omit for all.")
    return create_model(schema.__name__, __base__=schema, video=(int | None, field))


def _asked(
    functions: Sequence[Callable[..., Result] | None], video: int | None, given: dict[str, Any]
) -> Result:
    """Return what one video says, or all of them that have an answer.

    Raises:
        ToolException: If no video has one; with the words of the first.
    """
    wanted = range(1, len(functions) + 1) if video is None else [video]
    said: list[str] = []
    artifacts: list[Artifact] = []
    refusals: list[ToolException] = []
    for number in wanted:
        function = functions[number - 1]
        if function is None:
            refusals.append(ToolException(f"video {number} has no frames to look at"))
            continue
        try:
            text, artifact = _unique(number, *function(**given))
        except ToolException as error:
            refusals.append(error)
            continue
        said.append(f"video {number}:\n{text}")
        artifacts.append(artifact)
    if not artifacts:
        raise refusals[0]
    if sum("frames_s" in artifact for artifact in artifacts) > 1:
        raise ToolException("say which video to look at: give its number as 'video'")
    return "\n".join(said), _union(artifacts)


def _unique(number: int, said: object, artifact: Artifact) -> tuple[str, Artifact]:
    """Give figures the number of their video: the same question gives them the same id."""
    text, rows = str(said), artifact.get("results", [])
    for row in rows:
        text = text.replace(row["id"], f"{row['id']}v{number}")
    named: list[ResultRow] = [{**row, "id": f"{row['id']}v{number}"} for row in rows]
    return text, {**artifact, "video": number, "results": named}


def _union(artifacts: Sequence[Artifact]) -> Artifact:
    """Return what several videos said, as one."""
    together: Artifact = {
        "objects": [row for a in artifacts for row in a.get("objects", [])],
        "relations": [row for a in artifacts for row in a.get("relations", [])],
        "results": [row for a in artifacts for row in a.get("results", [])],
    }
    if predicates := dict.fromkeys(p for a in artifacts for p in a.get("predicates", [])):
        together["predicates"] = list(predicates)
    if windows := [a["window"] for a in artifacts if "window" in a]:
        together["window"] = [min(w[0] for w in windows), max(w[1] for w in windows)]
    shown = [a for a in artifacts if "frames_s" in a]
    return {**shown[0], **together} if shown else together
