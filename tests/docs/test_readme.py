"""The README's commands and code run as they stand."""

from __future__ import annotations

import re
import shlex
import shutil
from pathlib import Path

import pytest
from typer.testing import CliRunner

from reelgraph.cli import app


def _blocks(repository: Path, language: str) -> list[str]:
    text = (repository / "README.md").read_text()
    return re.findall(rf"^```{language}\n(.*?)^```$", text, re.MULTILINE | re.DOTALL)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory, demo_clip: Path) -> Path:
    """A working folder as a reader has it after the first command, and a video of their own."""
    folder = tmp_path_factory.mktemp("reader")
    (folder / "reelgraph-demo").mkdir()
    shutil.copy(demo_clip, folder / "reelgraph-demo" / "clip.mp4")
    shutil.copy(demo_clip, folder / "kitchen.mp4")
    return folder


@pytest.fixture(autouse=True)
def at_the_reader(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(folder)
    monkeypatch.setenv("XDG_CACHE_HOME", str(folder / "cache"))


def test_python_blocks_run_in_order(repository: Path, capsys: pytest.CaptureFixture[str]) -> None:
    namespace: dict[str, object] = {}
    blocks = _blocks(repository, "python")
    for block in blocks:
        exec(compile(block, "README.md", "exec"), namespace)
    printed = capsys.readouterr().out
    assert len(blocks) == 2
    assert "hands" in printed
    assert not namespace["answer"].abstained  # type: ignore[attr-defined]
    assert namespace["graph"].relations(predicate="hold")  # type: ignore[attr-defined]


def test_every_reelgraph_command_succeeds(repository: Path) -> None:
    lines = [
        line
        for block in _blocks(repository, "bash")
        for line in block.splitlines()
        if line.startswith("reelgraph ")
    ]
    assert len(lines) >= 5
    for line in lines:
        result = CliRunner().invoke(app, shlex.split(line)[1:])
        assert result.exit_code == 0, f"{line}: {result.output}"


def test_the_set_up_commands_are_the_ones_that_ci_runs(repository: Path) -> None:
    first, second = (block.strip() for block in _blocks(repository, "bash")[:2])
    assert first.endswith("reelgraph demo")
    ci = (repository / ".ci" / "run").read_text()
    for command in second.split(" && "):
        assert (repository / command).is_file()
        assert command in ci


def test_linked_files_exist(repository: Path) -> None:
    for page in (repository / "README.md", repository / "CONTRIBUTING.md"):
        links = re.findall(r"\]\(([^)#]+)\)", page.read_text())
        missing = [
            link for link in links if "://" not in link and not (page.parent / link).exists()
        ]
        assert missing == []
