"""The layout holds: one import name, every package listed, light import, no stray names."""

from __future__ import annotations

import ast
import re
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

FOLDERS = ("agent", "eval", "graph", "prompts", "tools")
HEAVY = (
    "torch",
    "torchvision",
    "transformers",
    "sam2",
    "langchain",
    "langchain_core",
    "openai",
    "cv2",
)


def _tracked(repository: Path, *patterns: str) -> list[Path]:
    listing = subprocess.run(
        ["git", "ls-files", "--", *patterns],
        cwd=repository,
        capture_output=True,
        text=True,
        check=True,
    )
    return [repository / name for name in listing.stdout.splitlines()]


@pytest.fixture(scope="session")
def sources(repository: Path) -> list[Path]:
    files = [p for p in _tracked(repository, "*.py") if p.is_file() and not p.is_symlink()]
    assert len(files) > 20
    return files


@pytest.fixture(scope="session")
def project(repository: Path) -> dict[str, object]:
    return tomllib.loads((repository / "pyproject.toml").read_text())["tool"]["setuptools"]


def test_every_package_in_the_tree_is_listed(repository: Path, project: dict[str, object]) -> None:
    roots = {"reelgraph": repository / "src/reelgraph"} | {
        f"reelgraph.{name}": repository / name for name in FOLDERS
    }
    found = {}
    for name, root in roots.items():
        for init in root.rglob("__init__.py"):
            relative = init.parent.relative_to(root)
            if not any((root / part).is_symlink() for part in relative.parts[:1]):
                package = ".".join((name, *relative.parts))
                found[package] = str(init.parent.relative_to(repository))
    assert found == project["package-dir"]
    assert sorted(found) == sorted(project["packages"])  # type: ignore[call-overload]


@pytest.mark.parametrize("name", FOLDERS)
def test_symlinks_are_relative_and_committed(repository: Path, name: str) -> None:
    link = repository / "src/reelgraph" / name
    assert link.is_symlink()
    assert str(link.readlink()) == f"../../{name}"
    assert link in _tracked(repository, "src/reelgraph")


def test_no_file_imports_a_folder_by_its_bare_name(sources: list[Path]) -> None:
    offenders = []
    for path in sources:
        for node in ast.walk(ast.parse(path.read_text())):
            names = [a.name for a in node.names] if isinstance(node, ast.Import) else []
            if isinstance(node, ast.ImportFrom):
                names = [node.module or ""] if node.level == 0 else ["(relative)"]
            offenders += [
                f"{path}: {n}" for n in names if n.split(".")[0] in (*FOLDERS, "(relative)")
            ]
    assert offenders == []


def test_import_stays_light(tmp_path: Path) -> None:
    code = f"import sys, reelgraph; print([m for m in {HEAVY!r} if m in sys.modules])"
    run = subprocess.run(
        [sys.executable, "-c", code], cwd=tmp_path, capture_output=True, text=True, check=True
    )
    assert run.stdout.strip() == "[]"


def test_the_graph_package_stays_light(tmp_path: Path) -> None:
    code = (
        "import sys, reelgraph.graph.temporal, reelgraph.graph.serialize, reelgraph.graph.store;"
        f"print([m for m in {HEAVY!r} if m in sys.modules])"
    )
    run = subprocess.run(
        [sys.executable, "-c", code], cwd=tmp_path, capture_output=True, text=True, check=True
    )
    assert run.stdout.strip() == "[]"


def test_exported_members_equal_what_is_there() -> None:
    import reelgraph

    assert reelgraph.__all__ == sorted(reelgraph.__all__, key=lambda n: (not n.isupper(), n))
    assert all(getattr(reelgraph, name) is not None for name in reelgraph.__all__)
    assert set(reelgraph.__all__) <= set(dir(reelgraph))
    with pytest.raises(AttributeError, match="no_such_name"):
        _ = reelgraph.no_such_name


def test_no_machine_paths_in_the_repository(repository: Path) -> None:
    pattern = re.compile(r"(?<![\w./])/(?:work|tmp/bash_jobs|root)/")
    offenders = []
    for path in _tracked(repository):
        if path.is_file() and path.suffix in {".py", ".md", ".toml", ".yaml", ".yml", ".sh", ""}:
            offenders += [path.name] if pattern.search(path.read_text(errors="ignore")) else []
    assert offenders == []


def test_no_large_files(repository: Path) -> None:
    large = [p.name for p in _tracked(repository) if p.is_file() and p.stat().st_size > 1_000_000]
    assert large == []


def test_no_module_is_named_after_nothing(sources: list[Path]) -> None:
    vague = {"utils.py", "util.py", "helpers.py", "common.py", "misc.py"}
    assert [str(path) for path in sources if path.name in vague] == []


def test_contributing_names_the_owner_of_every_module(repository: Path) -> None:
    sections: dict[str, str] = {}
    for section in (repository / "CONTRIBUTING.md").read_text().split("\n### ")[1:]:
        folder, _, listing = section.partition("\n")
        sections[folder.strip("`/")] = listing
    shipped = _tracked(repository, "src", *FOLDERS)
    missing = [
        str(path.relative_to(repository))
        for path in shipped
        if path.suffix in {".py", ".md"}
        and path.name != "__init__.py"
        and f"`{path.name}`" not in sections[str(path.parent.relative_to(repository))]
    ]
    assert missing == []
