"""`reelgraph doctor` on the weights of models: here or not, how large, which licence."""

from __future__ import annotations

import json

import pytest
from typer.testing import CliRunner

from reelgraph.cli import app
from reelgraph.tools.model_files import HasModels, ModelFiles
from reelgraph.tools.sam2.config import Sam2Config
from reelgraph.tools.sam2.tracker import Sam2Tracker


def files(model: str, *, here: bool) -> ModelFiles:
    fix = "" if here else f"hf download {model}"
    return ModelFiles(model=model, here=here, bytes=156_000_000, licence="Apache-2.0", fix=fix)


@pytest.mark.parametrize(
    ("here", "shown"),
    [
        ((True, True), {"one": "ok", "two": "ok"}),
        ((True, False), {"one": "ok"}),
        ((False, True), {"one": "missing", "two": "ok"}),
        ((False, False), {"one": "missing"}),
    ],
)
def test_the_default_model_is_named_and_others_where_they_are_here(monkeypatch, here, shown):
    models = (files("one", here=here[0]), files("two", here=here[1]))
    monkeypatch.setattr(Sam2Tracker, "models", lambda self: models)
    result = CliRunner().invoke(app, ["doctor", "--json"])
    found = [check for check in json.loads(result.stdout) if check["subject"] == "Weights"]
    found = [check for check in found if "for sam2" in check["detail"]]
    assert {check["detail"].split()[0]: check["state"] for check in found} == shown
    for check in found:
        assert "156.0 MB, Apache-2.0" in check["detail"]
        assert (check["fix"] == "hf download one") == (check["state"] == "missing")


def test_the_tracker_names_the_model_in_its_options_first():
    assert isinstance(Sam2Tracker(), HasModels)
    assert Sam2Tracker().models()[0].model == "facebook/sam2.1-hiera-large"
    tiny = Sam2Tracker(Sam2Config(model="facebook/sam2.1-hiera-tiny")).models()
    assert len(tiny) == 4
    assert (tiny[0].model, tiny[0].bytes) == ("facebook/sam2.1-hiera-tiny", 156_008_466)
