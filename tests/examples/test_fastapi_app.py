"""The service of the example, over its real HTTP interface."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

pytest.importorskip("fastapi", reason="needs the extra 'examples'")

from fastapi.testclient import TestClient
from fastapi_app import create_app

from reelgraph import VideoAgent


@pytest.fixture(scope="module")
def client(tmp_path_factory: pytest.TempPathFactory) -> Iterator[TestClient]:
    store = tmp_path_factory.mktemp("kept")
    from reelgraph.graph.store import GraphStore

    agent = VideoAgent(store=GraphStore(store))
    with TestClient(create_app(agent, store / "uploads")) as opened:
        yield opened


@pytest.fixture(scope="module")
def video_id(client: TestClient, demo_clip: Path) -> str:
    with demo_clip.open("rb") as file:
        reply = client.post("/videos", files={"file": ("clip.mp4", file)})
    assert reply.status_code == 201
    found: str = reply.json()["id"]
    return found


def test_an_uploaded_video_is_asked(client: TestClient, video_id: str) -> None:
    reply = client.get(f"/videos/{video_id}/answer", params={"question": "Who hands the ball?"})
    assert reply.status_code == 200
    answer = reply.json()
    assert "hands" in answer["text"]
    assert answer["evidence"][0]["relation"]


def test_events_end_with_the_answer(client: TestClient, video_id: str) -> None:
    reply = client.get(f"/videos/{video_id}/events", params={"question": "Who hands the ball?"})
    blocks = [block.splitlines() for block in reply.text.strip().split("\n\n")]
    names = [block[0].removeprefix("event: ") for block in blocks]
    assert names[0] == "stage"
    assert "tool" in names
    assert names[-1] == "answer"
    assert "hands" in json.loads(blocks[-1][1].removeprefix("data: "))["text"]


def test_the_same_bytes_are_one_video(client: TestClient, video_id: str, demo_clip: Path) -> None:
    with demo_clip.open("rb") as file:
        again = client.post("/videos", files={"file": ("other name.mp4", file)})
    assert again.json()["id"] == video_id


def test_what_is_no_video_is_refused(client: TestClient) -> None:
    reply = client.post("/videos", files={"file": ("notes.mp4", b"not a video")})
    assert reply.status_code == 422
    assert "error" in reply.json()


@pytest.mark.parametrize("unknown", ["0" * 32, "..%2F..%2Fetc%2Fpasswd"])
def test_an_unknown_video_is_not_found(client: TestClient, unknown: str) -> None:
    reply = client.get(f"/videos/{unknown}/answer", params={"question": "Who?"})
    assert reply.status_code == 404


def test_a_question_that_cannot_be_asked_says_why(client: TestClient, video_id: str) -> None:
    reply = client.get(f"/videos/{video_id}/answer", params={"question": " "})
    assert reply.status_code == 422
    assert "question" in reply.json()["error"]
    events = client.get(f"/videos/{video_id}/events", params={"question": " "})
    assert events.text.startswith("event: error")
