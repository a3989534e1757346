"""The demo answers from pixels, is checked against the truth, and reuses its work."""

from __future__ import annotations

from pathlib import Path

import cv2
import pytest

from reelgraph.demo import run_demo
from reelgraph.demo.run import QUESTIONS
from reelgraph.graph.schema import SceneGraph


@pytest.mark.slow
def test_the_demo_gives_three_right_answers_with_evidence(tmp_path: Path) -> None:
    result = run_demo(tmp_path / "demo")
    assert [question for question, _ in result.answers] == list(QUESTIONS)
    for check in result.checks:
        assert check.right, check
    assert all(answer.evidence for _, answer in result.answers)
    stored = SceneGraph.model_validate_json(result.graph_file.read_bytes())
    assert stored == result.graph.document
    sheet = cv2.imread(str(result.contact_sheet))
    assert sheet is not None
    assert min(sheet.shape[:2]) > 300

    painted = result.clip.stat().st_mtime_ns
    again = run_demo(tmp_path / "demo")
    assert again.clip.stat().st_mtime_ns == painted
    assert [a.text for _, a in again.answers] == [a.text for _, a in result.answers]

    result.clip.write_bytes(b"no longer the clip")
    repaired = run_demo(tmp_path / "demo")
    assert repaired.graph.video.sha256 == result.graph.video.sha256
