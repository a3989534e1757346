"""The notebook runs from top to bottom on the real video, and its answers are right."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("nbclient", reason="needs the extra 'examples'")
pytest.importorskip("ipykernel", reason="needs the extra 'examples'")


RUN = """
import sys, nbclient, nbformat
book = nbformat.read(sys.argv[1], as_version=4)
nbclient.NotebookClient(book, timeout=240).execute()
nbformat.write(book, "done.ipynb")
"""


@pytest.fixture(scope="module")
def notebook(data_dir: Path, repository: Path, tmp_path_factory: pytest.TempPathFactory) -> Any:
    """Run the notebook in a process of its own and return it with the folder it ran in."""
    import nbformat

    folder = tmp_path_factory.mktemp("notebook")
    env = os.environ | {
        "REELGRAPH_EXAMPLE_VIDEO": str(data_dir / "videos" / "bottle-detection.mp4"),
        "XDG_CACHE_HOME": str(folder / "cache"),
        "IPYTHONDIR": str(folder / "ipython"),
    }
    source = str(repository / "examples" / "bottle.ipynb")
    run = subprocess.run(
        [sys.executable, "-c", RUN, source],
        cwd=folder,
        env=env,
        capture_output=True,
        text=True,
        check=False,
    )
    assert run.returncode == 0, run.stderr[-3000:]
    return nbformat.read(folder / "done.ipynb", as_version=4), folder


def outputs(book: Any, words: str) -> str:
    """Return what the cell whose code holds ``words`` printed."""
    (cell,) = [c for c in book.cells if c.cell_type == "code" and words in c.source]
    return "".join(
        output.get("text", "") or output.get("data", {}).get("text/plain", "")
        for output in cell.outputs
    )


def test_the_notebook_answers_and_draws(notebook: Any) -> None:
    book, folder = notebook
    answers = outputs(book, "questions = (").splitlines()
    assert "3" in answers[0]
    assert "bottle" in answers[1]
    assert "know" in answers[3] or "not" in answers[3]
    assert "times" in outputs(book, "held = ")
    assert (folder / "bottle.html").stat().st_size > 10_000
    pictures = [
        o for c in book.cells for o in c.get("outputs", []) if "image/jpeg" in o.get("data", {})
    ]
    assert len(pictures) == 2


def test_the_committed_notebook_holds_no_output(repository: Path) -> None:
    import nbformat

    book = nbformat.read(repository / "examples" / "bottle.ipynb", as_version=4)
    assert all(not c.get("outputs") for c in book.cells)
