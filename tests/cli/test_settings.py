"""Where settings come from, which place wins, and what a wrong one is told."""

from __future__ import annotations

from pathlib import Path

import pytest

from reelgraph.errors import SettingsError
from reelgraph.settings import find_file, load_settings


@pytest.fixture(autouse=True)
def elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A working folder below the one that tests write settings to."""
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))
    folder = tmp_path / "project" / "videos"
    folder.mkdir(parents=True)
    monkeypatch.chdir(folder)
    return folder


def write_file(folder: Path, text: str) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / "reelgraph.toml"
    path.write_text(text, encoding="utf-8")
    return path


def test_defaults_need_no_key_and_no_file() -> None:
    settings = load_settings()
    assert (settings.model, settings.tracker, settings.generators) == (
        "embedded",
        "auto",
        ("auto",),
    )
    assert settings.cache is None
    assert settings.cache_limit is None


def test_arguments_win_over_environment_over_file_over_defaults(
    elsewhere: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_file(elsewhere, 'model = "ollama:file"\ntracker = "file"\ngenerators = ["file"]')
    monkeypatch.setenv("REELGRAPH_MODEL", "openai:environment")
    monkeypatch.setenv("REELGRAPH_TRACKER", "environment")
    settings = load_settings(model="argument", tracker=None)
    assert settings.model == "argument"
    assert settings.tracker == "environment"
    assert settings.generators == ("file",)
    assert settings.max_tokens is None


def test_the_nearest_file_upwards_counts_before_the_users(tmp_path: Path, elsewhere: Path) -> None:
    users = write_file(tmp_path / "config" / "reelgraph", 'model = "a:users"')
    assert find_file() == users
    projects = write_file(elsewhere.parent, 'model = "a:projects"')
    assert find_file() == projects
    assert load_settings().model == "a:projects"


@pytest.mark.parametrize(
    ("text", "size"),
    [("20 GB", 20 * 10**9), ("500MB", 5 * 10**8), ("1GiB", 2**30), ("12345", 12345)],
)
def test_sizes_are_written_as_people_do(
    text: str, size: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("REELGRAPH_CACHE_LIMIT", text)
    assert load_settings().cache_limit == size


def test_paths_in_a_file_count_from_its_folder(elsewhere: Path) -> None:
    write_file(elsewhere.parent, 'cache = "kept"')
    assert load_settings().cache == elsewhere.parent / "kept"


def test_home_is_expanded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("REELGRAPH_CACHE", "~/kept")
    assert load_settings().cache == Path.home() / "kept"


def test_names_are_split_at_commas(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("REELGRAPH_GENERATORS", "geometry, traser,")
    assert load_settings().generators == ("geometry", "traser")


def test_an_empty_variable_is_not_set(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("REELGRAPH_MODEL", "")
    assert load_settings().model == "embedded"


def test_variables_that_resemble_no_setting_are_left_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    plain = load_settings()
    monkeypatch.setenv("REELGRAPH_TEST_DATA", "somewhere")
    assert load_settings() == plain


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ('mdoel = "x"', ["reelgraph.toml", "'mdoel'", "Did you mean 'model'?", "tracker"]),
        ("max_tokens = -3", ["reelgraph.toml", "'max_tokens'", "-3", "greater than 0"]),
        ('cache_limit = "20 XB"', ["reelgraph.toml", "'cache_limit'", "'20 XB'"]),
        ("model = ", ["reelgraph.toml", "TOML"]),
        ("model = 3", ["reelgraph.toml", "'model'", "3", "string"]),
        ("generators = []", ["reelgraph.toml", "'generators'"]),
    ],
)
def test_a_wrong_file_is_named_with_key_value_and_fix(
    elsewhere: Path, text: str, words: list[str]
) -> None:
    write_file(elsewhere, text)
    with pytest.raises(SettingsError) as caught:
        load_settings()
    assert [word for word in words if word not in str(caught.value)] == []


def test_a_wrong_variable_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("REELGRAPH_MAX_SECONDS", "soon")
    with pytest.raises(SettingsError, match=r"REELGRAPH_MAX_SECONDS.*'soon'"):
        load_settings()


def test_a_misspelt_variable_is_named_with_the_nearest(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("REELGRAPH_TRAKER", "motion")
    with pytest.raises(SettingsError, match=r"'REELGRAPH_TRAKER'.*'REELGRAPH_TRACKER'"):
        load_settings()


def test_a_wrong_argument_is_named_as_the_option() -> None:
    with pytest.raises(SettingsError, match=r"--cache-limit.*0"):
        load_settings(cache_limit=0)
