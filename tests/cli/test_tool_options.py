"""Options of tools: how they are written, where they hold, and how errors read."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from reelgraph.cli.options import parse_tool_options
from reelgraph.errors import QueryError, SettingsError
from reelgraph.settings import load_settings
from reelgraph.tools.motion.tracker import MotionConfig
from reelgraph.tools.pipeline import Pipeline

Run = Callable[..., Any]


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        (["motion.fps=10"], {"motion": {"fps": 10}}),
        (["sam2.model=my/folder"], {"sam2": {"model": "my/folder"}}),
        (["a.b.c=true", "a.b.d=[1, 2]"], {"a": {"b": {"c": True, "d": [1, 2]}}}),
        (["a.b=x=y"], {"a": {"b": "x=y"}}),
        (["a.b=1", "a.b=2"], {"a": {"b": 2}}),
    ],
    ids=["number", "text", "nested", "equals in the value", "the last one holds"],
)
def test_values_are_read(values: list[str], expected: dict[str, Any]) -> None:
    assert parse_tool_options(values) == expected


def test_what_is_not_said_stays_as_it_was() -> None:
    known = {"motion": {"fps": 10, "min_area": 0.1}, "traser": {"task": "objects"}}
    merged = parse_tool_options(["motion.fps=5"], known)
    assert merged == {"motion": {"fps": 5, "min_area": 0.1}, "traser": {"task": "objects"}}
    assert known["motion"]["fps"] == 10


@pytest.mark.parametrize("value", ["fps=10", "motion.fps", "motion.=3", ".fps=3", "motion=3", ""])
def test_what_cannot_be_read_is_named_with_an_example(value: str) -> None:
    with pytest.raises(QueryError, match=r"TOOL\.OPTION=VALUE; write e\.g\."):
        parse_tool_options([value])


def test_options_reach_the_tool() -> None:
    pipeline = Pipeline(tracker="motion", options={"motion": {"fps": 10, "max_objects": 3}})
    assert pipeline.tracker.config == MotionConfig(fps=10, max_objects=3)


@pytest.mark.parametrize(
    ("options", "error", "words"),
    [
        ({"moton": {"fps": 1}}, QueryError, ["'moton'", "Did you mean 'motion'?"]),
        ({"motion": {"fsp": 1}}, SettingsError, ["'fsp'", "Did you mean 'fps'?", "max_objects"]),
        ({"motion": {"fps": -1}}, SettingsError, ["motion.fps", "-1", "greater than 0"]),
    ],
    ids=["tool", "option", "value"],
)
def test_a_wrong_option_is_named(
    options: dict[str, dict[str, object]], error: type[Exception], words: list[str]
) -> None:
    with pytest.raises(error) as caught:
        Pipeline(tracker="motion", options=options)
    assert [word for word in words if word not in str(caught.value)] == []


def test_the_settings_file_sets_options(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "reelgraph.toml").write_text("[tools.motion]\nfps = 10\n")
    assert load_settings().tools == {"motion": {"fps": 10}}


def test_tools_lists_what_there_is_and_what_it_takes(run: Run) -> None:
    listing = run("tools").stdout
    assert {"motion", "appearance", "geometry"} <= {
        line.split()[0] for line in listing.splitlines()
    }
    options = run("tools", "motion").stdout
    assert "motion.fps" in options
    assert "12.5" in options
    assert "Frames per second to process." in options
    wrong = run("tools", "moton")
    assert wrong.exit_code == 2
    assert "'moton'" in wrong.stderr


def test_a_wrong_option_ends_the_command_in_one_line(video: Path) -> None:
    from typer.testing import CliRunner

    from reelgraph.cli import app

    result = CliRunner().invoke(app, ["tracks", str(video), "--set", "motion.fps=fast"])
    assert result.exit_code == 2
    assert "motion.fps" in result.stderr
    assert "'fast'" in result.stderr
    assert "Traceback" not in result.stderr
