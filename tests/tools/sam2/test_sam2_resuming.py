"""The folder of an unfinished run: whole files only, one process at a time, nothing left."""

from __future__ import annotations

import os
import time

import pytest

from reelgraph.tools.sam2.resuming import (
    ABANDONED_AFTER_S,
    WorkFolder,
    default_work_root,
    open_work,
    work_key,
)

KEY = work_key({"media": "a"})


class StoppedError(Exception):
    pass


def stop(root, key, state=None):
    """A run that stops before it is finished."""
    with open_work(root, key) as work:
        work.write("part-0", b"")
        if state is not None:
            work.save_state(state)
        raise StoppedError


def test_what_was_written_is_read_and_what_is_damaged_counts_as_absent(tmp_path):
    work = WorkFolder(tmp_path)
    assert work.read("part-0") is None
    assert work.state() is None
    work.write("part-0", b"first")
    work.write("part-0", b"second")
    work.save_state({"next": 3, "found": [1.5, None]})
    assert work.read("part-0") == b"second"
    assert work.state() == {"next": 3, "found": [1.5, None]}
    (tmp_path / "part-0").write_bytes((tmp_path / "part-0").read_bytes() + b"!")
    (tmp_path / "state.json").write_bytes(b"")
    assert work.read("part-0") is None
    assert work.state() is None
    work.remove("part-0")
    work.remove("part-0")
    assert [path.name for path in tmp_path.iterdir()] == ["state.json"]


def test_keys_differ_with_every_part_and_not_with_their_order():
    same = [work_key({"a": 1, "b": [1, 2]}), work_key({"b": [1, 2], "a": 1})]
    assert same[0] == same[1]
    assert work_key({"a": 1, "b": [2, 1]}) != same[0]
    assert len(same[0]) == 64


def test_a_folder_is_kept_while_something_can_be_gone_on_with(tmp_path):
    with pytest.raises(StoppedError):
        stop(tmp_path, KEY)
    assert list(tmp_path.iterdir()) == []
    with pytest.raises(StoppedError):
        stop(tmp_path, KEY, {"next": 1})
    with open_work(tmp_path, KEY) as work:
        assert work.state() == {"next": 1}
    assert list(tmp_path.iterdir()) == []


def test_a_second_run_of_the_same_works_elsewhere(tmp_path):
    with open_work(tmp_path, KEY) as first:
        first.save_state({"run": 1})
        with open_work(tmp_path, KEY) as second:
            assert second.path != first.path
            assert second.state() is None
            second.save_state({"run": 2})
        assert not second.path.exists()
        assert first.state() == {"run": 1}


def test_a_place_that_cannot_be_written_to_costs_only_the_resuming(tmp_path):
    (tmp_path / "file").touch()
    with open_work(tmp_path / "file", KEY) as work:
        work.save_state({"run": 1})
        assert work.state() == {"run": 1}
    assert not work.path.exists()


def test_runs_that_nobody_took_up_again_are_removed(tmp_path):
    old, young = (work_key({"media": name}) for name in ("old", "young"))
    for key in (old, young):
        with pytest.raises(StoppedError):
            stop(tmp_path, key, {})
    (tmp_path / "notes.txt").touch()
    past = time.time() - ABANDONED_AFTER_S - 60
    for name in (old, "notes.txt"):
        os.utime(tmp_path / name, (past, past))
    with open_work(tmp_path, KEY):
        pass
    assert sorted(path.name for path in tmp_path.iterdir()) == sorted([young, "notes.txt"])


def test_the_default_place_is_in_the_cache_folder(private_cache):
    assert default_work_root() == private_cache / "reelgraph" / "unfinished"
