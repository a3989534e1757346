"""The store serves what was written or nothing, whatever happens to its folder."""

from __future__ import annotations

import errno
import hashlib
import logging
import os
import pickle
import random
import signal
import sqlite3
import subprocess
import sys
import textwrap
import threading
import time
from pathlib import Path

import diskcache
import pytest

from reelgraph.errors import StoreError
from reelgraph.graph.store import GraphStore, StageKey, default_cache_root

SHA = "ab" * 32
BIG = bytes(range(256)) * 400  # goes to a file of its own; small values stay in the database


def key(**changes) -> StageKey:
    fields = {"media_sha256": SHA, "stage": "tracks", "tool": "t", "version": "1"}
    return StageKey(**(fields | changes))


def forbidden() -> bytes:
    raise AssertionError("built although it is stored")


@pytest.fixture
def store(tmp_path) -> GraphStore:
    return GraphStore(tmp_path / "cache")


@pytest.fixture
def messages(caplog):
    caplog.set_level(logging.WARNING, logger="reelgraph")
    return lambda: [record.getMessage() for record in caplog.records]


# -------------------------------------------------------------------------------- keys


@pytest.mark.parametrize(
    "changes",
    [
        {"media_sha256": "cd" * 32},
        {"stage": "layer"},
        {"tool": "u"},
        {"version": "2"},
        {"config": {"threshold": 0.5}},
        {"model_id": "m@1"},
        {"inputs": ("x",)},
        {"schema_version": 99},
    ],
)
def test_everything_that_shapes_a_value_is_in_its_key(store, changes):
    assert store.get_or_build(key(), lambda: b"old") == b"old"
    assert store.get_or_build(key(**changes), lambda: b"new") == b"new"
    assert store.get(key()) == b"old"


def test_equal_options_in_another_order_are_the_same_key():
    assert key(config={"a": 1, "b": 2}).digest == key(config={"b": 2, "a": 1}).digest


# ------------------------------------------------------------------------------ values


@pytest.mark.parametrize("value", [b"", b"x", BIG])
def test_values_survive_the_process(store, value):
    assert store.get(key()) is None
    assert store.get_or_build(key(), lambda: value) == value
    again = GraphStore(store.root)
    assert again.get_or_build(key(), forbidden) == value


def test_a_failed_build_stores_nothing_and_frees_the_key(store):
    with pytest.raises(ZeroDivisionError):
        store.get_or_build(key(), lambda: bytes(1 // 0))
    assert store.list() == []
    assert store.get_or_build(key(), lambda: b"ok") == b"ok"


def test_nothing_is_evicted_unless_a_limit_is_set(tmp_path):
    payload = os.urandom(400_000)
    free, limited = GraphStore(tmp_path / "a"), GraphStore(tmp_path / "b", 2_000_000)
    for number in range(12):
        for store in (free, limited):
            store.put(key(version=str(number)), payload)
    assert len(free.list()) == 12
    assert 0 < len(limited.list()) < 12


def test_one_thread_builds_and_the_others_wait(store):
    built: list[int] = []

    def build() -> bytes:
        built.append(1)
        time.sleep(0.2)
        return BIG

    results: list[bytes] = []
    threads = [
        threading.Thread(target=lambda: results.append(store.get_or_build(key(), build)))
        for _ in range(6)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert results == [BIG] * 6
    assert len(built) == 1


def test_builds_of_different_keys_nest(store):
    def graph() -> bytes:
        return store.get_or_build(key(), lambda: b"tracks") + b"+graph"

    assert store.get_or_build(key(stage="graph"), graph) == b"tracks+graph"


# ---------------------------------------------------------------------- damage and harm


def value_files(root: Path) -> list[Path]:
    return sorted(root.glob("*/*/*.val"))


def change_file(root: Path) -> None:
    (path,) = value_files(root)
    data = bytearray(path.read_bytes())
    data[len(data) // 2] ^= 1
    path.write_bytes(data)


def cut_file(root: Path) -> None:
    (path,) = value_files(root)
    path.write_bytes(path.read_bytes()[:-10])


def empty_file(root: Path) -> None:
    value_files(root)[0].write_bytes(b"")


def update(root: Path, statement: str, *values: object) -> None:
    database = sqlite3.connect(root / "cache.db")
    database.execute(statement, values)
    database.commit()
    database.close()


def swap_entry(root: Path) -> None:
    """Put another key's sound entry in this one's place."""
    other = GraphStore(root)
    other.put(key(version="other"), BIG[::-1])
    other.close()
    name = f"entry/{key(version='other').digest}"
    update(root, "DELETE FROM Cache WHERE key = ?", f"entry/{key().digest}")
    update(root, "UPDATE Cache SET key = ? WHERE key = ?", f"entry/{key().digest}", name)


def text_value(root: Path) -> None:
    update(root, "UPDATE Cache SET mode = 1, filename = NULL, value = 'text'")


def outside_file(root: Path) -> None:
    (root.parent / "secret").write_bytes(b"secret")
    update(root, "UPDATE Cache SET filename = '../secret'")


@pytest.mark.parametrize(
    "harm", [change_file, cut_file, empty_file, swap_entry, text_value, outside_file]
)
def test_a_changed_entry_is_noticed_dropped_and_built_again(store, messages, harm):
    store.put(key(), BIG)
    store.close()
    harm(store.root)
    assert [entry.damage is not None for entry in store.verify()] == [True]
    assert store.get(key()) is None
    assert any("damaged" in message and "\n" not in message for message in messages())
    assert store.get_or_build(key(), lambda: b"again") == b"again"
    assert store.verify() == []
    assert store.get(key()) == b"again"
    secret = store.root.parent / "secret"
    assert harm is not outside_file or secret.exists(), "dropping removes only our files"


def test_a_missing_value_file_is_a_miss(store):
    store.put(key(), BIG)
    value_files(store.root)[0].unlink()
    assert store.get_or_build(key(), lambda: b"again") == b"again"


class Bomb:
    """Writes a file when unpickled."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self):
        return (Path.touch, (self.path,))


@pytest.mark.parametrize("size", [0, 100_000], ids=["in the database", "in a file"])
def test_a_planted_pickle_is_not_loaded(store, tmp_path, messages, size):
    mark = tmp_path / "unpickled"
    name = f"entry/{key().digest}"
    planted = diskcache.Cache(str(store.root))
    planted[name] = (Bomb(mark), "x" * size)
    planted[("a", Bomb(mark))] = b"value"
    planted.close()
    assert not mark.exists()
    assert store.get(key()) is None
    assert store.list() == []
    store.gc(max_age_s=0)
    assert not mark.exists()
    assert store.get_or_build(key(), lambda: b"right") == b"right"
    pickle.loads(pickle.dumps(Bomb(mark)))  # noqa: S301
    assert mark.exists(), "the bomb works where it is loaded"


def test_a_database_that_is_garbage_costs_time_not_answers(store, messages):
    store.put(key(), b"value")
    store.close()
    for path in store.root.glob("cache.db*"):
        path.write_bytes(b"garbage" * 1000)
    assert store.get_or_build(key(), lambda: b"built") == b"built"
    assert any("not a database" in message for message in messages())
    with pytest.raises(StoreError, match="clear it"):
        store.list()
    store.clear()
    assert store.get_or_build(key(), lambda: b"anew") == b"anew"
    assert store.get_or_build(key(), forbidden) == b"anew"


# -------------------------------------------------------- folders that cannot be written


def test_a_file_where_the_folder_should_be(tmp_path, messages):
    root = tmp_path / "cache"
    root.write_text("a file")
    store = GraphStore(root)
    for _ in range(3):
        assert store.get_or_build(key(), lambda: b"built") == b"built"
    assert len(messages()) == 1, "said once"
    assert "\n" not in messages()[0]
    with pytest.raises(StoreError, match="labels cannot be stored"):
        store.set_labels(key(), {1: "cup"})
    assert store.get_labels(key()) == {}
    assert root.read_text() == "a file"


def test_a_read_only_folder_is_still_read(store, messages, monkeypatch):
    store.put(key(), b"small")
    store.put(key(version="2"), BIG)
    store.close()

    def refuse(*arguments, **options):
        raise sqlite3.OperationalError("attempt to write a readonly database")

    monkeypatch.setattr(diskcache, "Cache", refuse)
    again = GraphStore(store.root)
    assert again.get_or_build(key(), forbidden) == b"small"
    assert again.get_or_build(key(version="2"), forbidden) == BIG
    assert again.get_or_build(key(version="3"), lambda: b"built") == b"built"
    assert [entry.damage for entry in again.list()] == [None, None]
    assert len(messages()) == 1
    with pytest.raises(StoreError):
        again.gc(max_age_s=0)


@pytest.mark.parametrize(
    "error",
    [
        OSError(errno.ENOSPC, "No space left on device"),
        sqlite3.OperationalError("database or disk is full"),
        diskcache.Timeout(),
    ],
)
def test_a_full_disk_costs_a_warning(store, messages, monkeypatch, error):
    store.put(key(version="old"), b"old")

    def refuse(*arguments, **options):
        raise error

    monkeypatch.setattr(diskcache.Cache, "set", refuse)
    assert store.get_or_build(key(), lambda: b"built") == b"built"
    assert store.get(key(version="old")) == b"old"
    assert len(messages()) == 1
    monkeypatch.undo()
    assert store.get_or_build(key(), lambda: b"kept") == b"kept"
    assert store.get(key()) == b"kept"


def test_locks_that_cannot_be_had_do_not_stop_the_work(store, messages, monkeypatch):
    def refuse(*arguments, **options):
        raise OSError(errno.EROFS, "Read-only file system")

    monkeypatch.setattr("reelgraph.graph.store.FileLock", refuse)
    assert store.get_or_build(key(), lambda: b"built") == b"built"
    assert len(messages()) == 1


# ------------------------------------------------------------------------- media hashes


def file_hash(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


def rested(path: Path, data: bytes) -> Path:
    path.write_bytes(data)
    time.sleep(0.08)
    return path


def refuse_hash(path: Path) -> str:
    raise AssertionError(f"{path} hashed again")


def test_an_unchanged_file_is_hashed_once(store, tmp_path):
    path = rested(tmp_path / "a é.mp4", b"one")
    assert store.media_sha256(path, file_hash) == file_hash(path)
    assert GraphStore(store.root).media_sha256(path, refuse_hash) == file_hash(path)


def rewrite(path: Path) -> None:
    path.write_bytes(b"two")


def replace(path: Path) -> None:
    other = path.with_suffix(".new")
    other.write_bytes(b"two")
    other.replace(path)


def rewrite_keeping_the_time(path: Path) -> None:
    before = path.stat()
    path.write_bytes(b"two")
    os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns))


def append(path: Path) -> None:
    path.write_bytes(b"one more")


@pytest.mark.parametrize("change", [rewrite, replace, rewrite_keeping_the_time, append])
def test_a_changed_file_is_hashed_again(store, tmp_path, change):
    path = rested(tmp_path / "a.mp4", b"one")
    before = store.media_sha256(path, file_hash)
    change(path)
    assert store.media_sha256(path, file_hash) == file_hash(path) != before


def test_a_file_written_this_instant_is_not_trusted(store, tmp_path, monkeypatch):
    """Two writes within one tick of the file system's clock leave the same stamp."""
    now = time.time_ns()
    monkeypatch.setattr("reelgraph.graph.store.time.time_ns", lambda: now)
    monkeypatch.setattr("reelgraph.graph.store.file_stamp", lambda path: [3, now, now, 1, 1])
    path = tmp_path / "a.mp4"
    for content in (b"one", b"two"):
        path.write_bytes(content)
        assert store.media_sha256(path, file_hash) == file_hash(path)


# ------------------------------------------------------------------------------- labels


def test_labels_are_kept_apart_by_tracks_and_survive_gc(store):
    store.set_labels(key(), {3: "cup", 1: "hand"})
    store.set_labels(key(), {3: "bottle"})
    store.put(key(), b"x")
    store.gc(max_age_s=0)
    assert GraphStore(store.root).get_labels(key()) == {1: "hand", 3: "bottle"}
    assert store.get_labels(key(version="2")) == {}
    store.clear()
    assert store.get_labels(key()) == {}


def test_labels_that_are_not_json_are_not_used(store, messages):
    store.set_labels(key(), {1: "cup"})
    (path,) = (store.root / "labels").glob("*.json")
    path.write_text("{")
    assert store.get_labels(key()) == {}
    assert "labels" in messages()[0]


# --------------------------------------------------------------------------- management


def test_list_and_show_describe_entries(store, tmp_path):
    path = rested(tmp_path / "clip.mp4", b"one")
    sha = store.media_sha256(path, file_hash)
    store.put(key(media_sha256=sha), b"12345")
    store.put(key(stage="layer"), BIG)
    first, second = store.list()
    assert (first.key, first.size_bytes, first.videos) == (
        key(media_sha256=sha),
        5,
        (str(path),),
    )
    assert (second.key, second.videos, second.damage) == (key(stage="layer"), (), None)
    assert store.show(first.id[:10]) == first
    with pytest.raises(StoreError, match="no entry"):
        store.show("nothing")
    with pytest.raises(StoreError, match="2 entries"):
        store.show("")


def test_a_cache_that_is_not_there_is_empty_and_stays_so(store):
    assert store.list() == []
    assert store.verify() == []
    assert store.gc().entries == ()
    store.clear()
    assert not store.root.exists()


def test_gc_removes_what_will_not_be_used_again(store, tmp_path):
    kept_file = rested(tmp_path / "kept.mp4", b"kept")
    lost_file = rested(tmp_path / "lost.mp4", b"lost")
    kept = store.media_sha256(kept_file, file_hash)
    lost = store.media_sha256(lost_file, file_hash)
    lost_file.unlink()
    stays = key(media_sha256=kept)
    old_tool = key(media_sha256=kept, version="0")
    layer = key(media_sha256=kept, stage="layer", inputs=(stays.digest,))
    cases = [
        (stays, None),
        (layer, None),
        (key(media_sha256=kept, tool="other", version="0"), None),
        (key(tool="unseen video"), None),
        (old_tool, "now at version 1"),
        (key(media_sha256=kept, stage="layer", inputs=(old_tool.digest,)), "built on"),
        (key(media_sha256=kept, schema_version=0), "another release"),
        (key(media_sha256=lost), "gone"),
    ]
    for item, _ in cases:
        store.put(item, b"x")
    removed = store.gc(versions={"t": "1"})
    pairs = zip(removed.entries, removed.reasons, strict=True)
    reasons = {entry.key.digest: why for entry, why in pairs}
    for item, expected in cases:
        assert (item.digest in reasons) == (expected is not None), item
        assert expected is None or expected in reasons[item.digest]
        assert (store.get(item) is None) == (expected is not None)
    assert removed.freed_bytes == len(reasons) == 4


def test_gc_keeps_a_video_that_moved_within_reach(store, tmp_path):
    one, two = rested(tmp_path / "1.mp4", b"same"), rested(tmp_path / "2.mp4", b"same")
    sha = store.media_sha256(one, file_hash)
    assert store.media_sha256(two, file_hash) == sha
    store.put(key(media_sha256=sha), b"x")
    one.unlink()
    store.gc()
    assert store.get(key(media_sha256=sha)) == b"x"


def test_gc_by_age_and_leftovers(store):
    store.put(key(), BIG)
    orphan = store.root / "aa" / "bb" / ("0" * 28 + ".val")
    orphan.parent.mkdir(parents=True)
    orphan.write_bytes(b"half a value")
    store.gc(max_age_s=3600)
    assert store.get(key()) == BIG
    assert orphan.exists(), "it may be in the making"
    os.utime(orphan, (0, 0))
    store.gc(max_age_s=0)
    assert store.get(key()) is None
    assert not orphan.exists()
    assert value_files(store.root) == []


def test_clear_leaves_other_files_alone(store):
    store.put(key(), BIG)
    mine = store.root / "notes.txt"
    mine.write_text("mine")
    store.clear()
    assert store.list() == []
    assert mine.read_text() == "mine"
    assert value_files(store.root) == []


@pytest.mark.parametrize(
    ("named", "expected"),
    [("/somewhere", Path("/somewhere/reelgraph")), ("relative", None), ("", None)],
)
@pytest.mark.skipif(sys.platform != "linux", reason="the default differs by platform")
def test_default_root(monkeypatch, named, expected):
    monkeypatch.setenv("XDG_CACHE_HOME", named)
    monkeypatch.setenv("HOME", "/home/somebody")
    assert default_cache_root() == (expected or Path("/home/somebody/.cache/reelgraph"))


# ---------------------------------------------------------------------- killed processes

WRITER = """
    import os, sys
    from pathlib import Path
    from reelgraph.graph.store import GraphStore, StageKey

    def value(number):
        return bytes([number % 256]) * (40 + 97 * (number % 7) * (number % 1000))

    def key(number):
        return StageKey(media_sha256="ab" * 32, stage="tracks", tool="t", version=str(number))

    def write(root, seed):
        store = GraphStore(root)
        for number in range(seed, seed + 500):
            store.get_or_build(key(number), lambda: value(number))

    if __name__ == "__main__":
        root = Path(sys.argv[1])
        for line in sys.stdin:
            child = os.fork()
            if child == 0:
                write(root, int(line))
                os._exit(0)
            print(child, flush=True)
            os.waitpid(child, 0)
            print("over", flush=True)
"""


@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork and SIGKILL")
def test_writers_killed_at_any_moment_leave_whole_values(store, tmp_path):
    script = tmp_path / "writer.py"
    script.write_text(textwrap.dedent(WRITER))
    names: dict = {"__name__": "writer"}
    exec(compile(script.read_text(), str(script), "exec"), names)
    moments = random.Random(7)
    store.list()
    command = [sys.executable, str(script), str(store.root)]
    with subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as server:
        for round_number in range(20):
            server.stdin.write(f"{round_number * 100}\n")
            server.stdin.flush()
            child = int(server.stdout.readline())
            time.sleep(moments.uniform(0.0, 0.25))
            os.kill(child, signal.SIGKILL)
            assert server.stdout.readline() == "over\n"
        server.stdin.close()
    assert store.verify() == []
    stored = [number for number in range(2400) if store.get(names["key"](number)) is not None]
    assert stored, "some values were published before the kills"
    for number in range(2400):
        found = store.get_or_build(names["key"](number), lambda n=number: names["value"](n))
        assert found == names["value"](number)
