"""The log: what was written is read, whatever a kill cut off; runs are never mixed."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from reelgraph.errors import EvalError
from reelgraph.eval.log import LogWriter, Record, Run, graph_text, read_run


def header(**others: object) -> Run:
    fields: dict[str, object] = {
        "benchmark": "made",
        "questions": 3,
        "questions_hash": "x",
        "arms": {"none": {}, "graph": {}},
        "model": "embedded",
    }
    return Run.model_validate(fields | others)


def record(arm: str, question: str, **others: object) -> Record:
    fields: dict[str, object] = {
        "question_id": question,
        "video": "v",
        "cluster": "v",
        "type": "t",
        "arm": arm,
        "question": "Who?",
        "choices": ("a", "b"),
        "gold": 1,
        "prediction": 1,
        "correct": True,
        "gold_spans": ((1.0, 2.5),),
    }
    return Record.model_validate(fields | others)


RECORDS = [record(arm, q) for arm in ("graph", "none") for q in ("q2", "q1", "q3")]


def write(folder: Path, records: list[Record], **others: object) -> Path:
    with LogWriter(folder, header(**others)) as writer:
        for item in records:
            writer.append(item)
    return folder


def test_records_are_read_in_the_order_of_the_report(tmp_path: Path) -> None:
    log = read_run(write(tmp_path, RECORDS))
    names = [(r.arm, r.question_id) for r in log.records]
    assert names == [(arm, q) for arm in ("none", "graph") for q in ("q1", "q2", "q3")]
    assert log.arms == ("none", "graph")
    assert log.missing == 0
    assert all(r in RECORDS for r in log.records)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=60)
@given(cut=st.integers(0, 4000))
def test_a_log_cut_anywhere_is_mended_and_goes_on(cut: int, tmp_path: Path) -> None:
    folder = tmp_path / str(cut)
    path = write(folder, RECORDS) / "records.jsonl"
    data = path.read_bytes()
    path.write_bytes(data[: min(cut, len(data))])
    whole = data[:cut].count(b"\n")
    assert len(read_run(folder).records) == whole
    with LogWriter(folder, header()) as writer:
        assert list(writer.records) == RECORDS[:whole]
        for item in RECORDS[whole:]:
            writer.append(item)
    assert path.read_bytes() == data


def test_damage_in_the_middle_is_named(tmp_path: Path) -> None:
    path = write(tmp_path, RECORDS) / "records.jsonl"
    lines = path.read_bytes().split(b"\n")
    path.write_bytes(b"\n".join([lines[0], b"{}", *lines[2:]]))
    with pytest.raises(EvalError, match=r"line 2 of .* is damaged"):
        read_run(tmp_path)


@pytest.mark.parametrize(
    ("change", "named"),
    [
        ({"model": "openai:gpt-5"}, "model: .*embedded.*gpt-5"),
        ({"questions_hash": "y"}, "questions_hash"),
        ({"config": {"seed": 1}}, r"config: \{\} and \{\"seed\": 1\}"),
        ({"shard": (1, 2)}, "shard"),
    ],
)
def test_a_folder_with_another_run_is_refused(
    change: dict[str, object], named: str, tmp_path: Path
) -> None:
    write(tmp_path, RECORDS)
    with pytest.raises(EvalError, match=named):
        LogWriter(tmp_path, header(**change))


def test_shards_are_read_as_one(tmp_path: Path) -> None:
    one = write(tmp_path / "1", RECORDS[:2], shard=(1, 2))
    two = write(tmp_path / "2", RECORDS[2:], shard=(2, 2), created="later")
    merged = read_run(two, one)
    assert merged.records == read_run(write(tmp_path / "all", RECORDS)).records
    assert merged.header.shard is None
    with pytest.raises(EvalError, match="twice"):
        read_run(one, one)
    other = write(tmp_path / "3", [], shard=(2, 2), model="else")
    with pytest.raises(EvalError, match="different runs"):
        read_run(one, other)


def test_a_later_answer_replaces_one_that_failed(tmp_path: Path) -> None:
    failed = record("none", "q1", error="no network", prediction=None, correct=False)
    log = read_run(write(tmp_path, [failed, record("none", "q1")]))
    assert [r.error for r in log.records] == [None]


def test_two_processes_do_not_write_to_one_run(tmp_path: Path) -> None:
    with (
        LogWriter(tmp_path, header()),
        pytest.raises(EvalError, match=r"another process .*--shard"),
    ):
        LogWriter(tmp_path, header())
    with LogWriter(tmp_path, header()):
        pass


def test_what_is_no_run_says_how_to_make_one(tmp_path: Path) -> None:
    with pytest.raises(EvalError, match="reelgraph eval run"):
        read_run(tmp_path)
    with pytest.raises(EvalError, match="name the folder"):
        read_run()
    (tmp_path / "run.json").write_text('{"benchmark": 3}')
    with pytest.raises(EvalError, match="no header"):
        read_run(tmp_path)


def test_graph_texts_are_kept_once_and_found_in_any_shard(tmp_path: Path) -> None:
    with LogWriter(tmp_path, header()) as writer:
        name = writer.keep_text("0-1 child throw ball")
        assert writer.keep_text("0-1 child throw ball") == name
        writer.append(record("graph", "q1", graph_text=name))
        writer.append(record("none", "q1"))
    log = read_run(tmp_path)
    told = {r.arm: graph_text(log, r) for r in log.records}
    assert told == {"graph": "0-1 child throw ball", "none": None}
    assert len(list((tmp_path / "graphs").iterdir())) == 1
