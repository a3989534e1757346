"""A question-answering service: upload a video, ask about it, watch the answer come.

Run it (``pip install "reelgraph[examples]"``)::

    uvicorn examples.fastapi_app:app

Then::

    curl -F file=@clip.mp4 localhost:8000/videos
    curl localhost:8000/videos/ID/answer --get --data-urlencode "question=Who holds the ball?"
    curl -N localhost:8000/videos/ID/events --get --data-urlencode "question=Who holds the ball?"

The model is ``REELGRAPH_MODEL`` (``embedded`` if it is not set: no key, nothing is sent).
"""

from __future__ import annotations

import asyncio
import shutil
import uuid
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Annotated

from fastapi import Depends, FastAPI, HTTPException, Request, Response, UploadFile
from fastapi.responses import JSONResponse, StreamingResponse

from reelgraph import VideoAgent
from reelgraph.agent import Answer
from reelgraph.agent.events import AnswerReady, Event, StageStarted, ToolCalled
from reelgraph.errors import AgentError, ProviderError, ReelgraphError, VideoError
from reelgraph.tools.video import Video as VideoFile
from reelgraph.tools.video import hash_file

UPLOADS = Path("uploads")


def create_app(agent: VideoAgent, folder: Path = UPLOADS) -> FastAPI:
    """Return the service around one agent; requests share its graphs.

    Args:
        agent: Answers the questions. It may be asked many things at once.
        folder: Where uploaded videos are kept, named by their content.
    """
    service = FastAPI(title="reelgraph")
    service.state.agent = agent
    service.state.folder = folder
    service.post("/videos", status_code=201)(upload)
    service.get("/videos/{video_id}/answer")(answer)
    service.get("/videos/{video_id}/events")(events)
    service.add_exception_handler(ReelgraphError, _refusal)
    return service


def _agent(request: Request) -> VideoAgent:
    found: VideoAgent = request.app.state.agent
    return found


def _folder(request: Request) -> Path:
    found: Path = request.app.state.folder
    return found


def _video(video_id: str, folder: Annotated[Path, Depends(_folder)]) -> Path:
    """Return an uploaded video; ids are looked up, never used as a path."""
    known = {path.stem: path for path in folder.glob("*.mp4")}
    if video_id not in known:
        raise HTTPException(404, f"no video {video_id!r}; upload it to /videos first")
    return known[video_id]


Agent = Annotated[VideoAgent, Depends(_agent)]
Video = Annotated[Path, Depends(_video)]


def upload(file: UploadFile, folder: Annotated[Path, Depends(_folder)]) -> dict[str, str]:
    """Keep a video under the hash of its bytes, so that the same video is kept once."""
    folder.mkdir(parents=True, exist_ok=True)
    part = folder / f"{uuid.uuid4().hex}.part"
    try:
        with part.open("wb") as out:
            shutil.copyfileobj(file.file, out)
        VideoFile.open(part)  # what is no video is refused now, not at the first question
        video_id = hash_file(part)[:32]
        part.replace(folder / f"{video_id}.mp4")
    finally:
        part.unlink(missing_ok=True)
    return {"id": video_id}


async def answer(question: str, video: Video, agent: Agent) -> Answer:
    """Answer a question; the evidence holds ids, times, boxes and masks."""
    return await agent.aask(question, video)


async def events(question: str, video: Video, agent: Agent) -> StreamingResponse:
    """Tell as server-sent events what happens until the answer is there."""
    return StreamingResponse(_told(agent, question, video), media_type="text/event-stream")


async def _told(agent: VideoAgent, question: str, video: Path) -> AsyncIterator[str]:
    try:
        async for event in agent.astream(question, video):
            yield _as_sse(event)
    except ReelgraphError as error:
        yield f"event: error\ndata: {_one_line(error)}\n\n"
    except asyncio.CancelledError:  # the browser went away: the agent stops too
        raise


def _as_sse(event: Event) -> str:
    if isinstance(event, AnswerReady):
        return f"event: answer\ndata: {event.answer.model_dump_json()}\n\n"
    if isinstance(event, StageStarted):
        return f"event: stage\ndata: {event.stage}\n\n"
    if isinstance(event, ToolCalled):
        return f"event: tool\ndata: {event.step.model_dump_json()}\n\n"
    return ""


async def _refusal(request: Request, error: Exception) -> Response:  # noqa: ARG001
    """Answer with the status that tells the client who has to act."""
    status = 500
    if isinstance(error, ProviderError):
        status = 503 if error.retryable else 502
    elif isinstance(error, AgentError | VideoError):
        status = 422
    return JSONResponse({"error": _one_line(error)}, status_code=status)


def _one_line(error: Exception) -> str:
    return " ".join(str(error).split())


def _default_app() -> FastAPI:
    from reelgraph.settings import load_settings

    return create_app(VideoAgent(load_settings().model))


app = _default_app()
