"""The log of an evaluation: a header, and one record a question and arm, which survive a kill.

A run is a folder::

    run.json              the header (`Run`), written once, whole
    records.jsonl         one `Record` a line, appended and flushed to disk one by one
    graphs/<hash>.txt     what an arm was told of a graph, where it was told text

Reading a run orders its records by arm (in the header's order), cluster and question id,
so that the order in which questions were answered never shows. Only `Record.seconds`,
`Record.cached` and `Run.created` differ between two runs of the same thing.
"""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Annotated, Final, Self

from filelock import FileLock, Timeout
from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, JsonValue, ValidationError

from reelgraph._atomic import replacing
from reelgraph.errors import EvalError

__all__ = [
    "LOG_VERSION",
    "Evidence",
    "LogWriter",
    "Record",
    "Run",
    "RunLog",
    "Span",
    "Tokens",
    "graph_text",
    "read_run",
    "read_runs",
]

LOG_VERSION: Final = 1
"""Version of the folder's form."""
_HEADER, _RECORDS, _GRAPHS, _LOCK = "run.json", "records.jsonl", "graphs", ".lock"

Span = Annotated[tuple[float, float], BeforeValidator(tuple)]
"""Seconds ``(start, end)``, the end not included."""


class _Frozen(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Evidence(_Frozen):
    """What an answer rests on, looked up in the graph.

    Attributes:
        relations: Ids of the relations, None where it rests on objects alone.
        intervals: When, one for each.
        sentences: The relations in words, one for each.
    """

    relations: tuple[str | None, ...] = ()
    intervals: tuple[Span, ...] = ()
    sentences: tuple[str, ...] = ()


class Tokens(_Frozen):
    """What an answer cost, as the provider counts; all 0 for the embedded model."""

    model_calls: int = 0
    input_tokens: int = 0
    output_tokens: int = 0


class Record(_Frozen):
    """What one arm answered to one question.

    Attributes:
        question_id: Unique in the benchmark.
        video: Name of the video.
        cluster: What questions are grouped by for statistics; the video as a rule.
        type: The benchmark's type of question, ``""`` if it has none.
        arm: Name of the arm, as in the header.
        question: What was asked.
        choices: The options; empty for an open question.
        gold: The right option's index, or the right answer's text.
        also_right: Further texts that are right, for an open question.
        prediction: The chosen option's index, or the answer's text; None if there is none.
        correct: Whether it is right. What failed, abstained or could not be parsed is
            wrong. None only where the benchmark's answers are not public.
        parsed: Whether the reply named an option (or said anything, if open); never guessed.
        abstained: Whether the model said that what it was shown does not tell.
        error: What failed, one sentence; None if nothing did.
        text: What the model said.
        confidence: 0 to 1, or None if it gave none.
        evidence: What the answer rests on.
        predicted_spans: When, by the answer; empty if it does not say.
        gold_spans: When, by the people who annotated; empty if not annotated.
        duration_s: Length of the video, None if not known.
        scores: Further scores of this answer by name, such as ``"wups"``.
        usage: Calls and tokens.
        seconds: How long it took; differs from run to run.
        cached: Whether the reply came from the request cache; differs from run to run.
        prompt_hash: Hash of the prompt's fixed text.
        request_hash: Hash of everything that was sent: the cache key.
        graph_hash: Hash of the graph's document, ``""`` for an arm without one.
        graph_text: Name in ``graphs/`` of the text of the graph that was asked (see
            `graph_text`), ``""`` if there is none.
        model: Name of the model.
    """

    question_id: str
    video: str
    cluster: str
    type: str
    arm: str
    question: str
    choices: tuple[str, ...] = ()
    gold: int | str
    also_right: tuple[str, ...] = ()
    prediction: int | str | None = None
    correct: bool | None = None
    parsed: bool = True
    abstained: bool = False
    error: str | None = None
    text: str = ""
    confidence: float | None = Field(default=None, ge=0, le=1)
    evidence: Evidence = Evidence()
    predicted_spans: tuple[Span, ...] = ()
    gold_spans: tuple[Span, ...] = ()
    duration_s: float | None = None
    scores: Mapping[str, float] = {}
    usage: Tokens = Tokens()
    seconds: float = 0.0
    cached: bool = False
    prompt_hash: str = ""
    request_hash: str = ""
    graph_hash: str = ""
    graph_text: str = ""
    model: str = ""


class Run(_Frozen):
    """What was asked of whom, with what; two logs may be merged only if it agrees.

    Attributes:
        log_version: Version of the folder's form.
        benchmark: Registered name of the benchmark.
        data: SHA-256 of each file of the benchmark that was read, by name.
        questions: How many questions the whole run has, all shards together.
        questions_hash: Hash of their ids.
        groups: Larger groups of question types, type to group: ``{"CW": "causal"}``; empty
            if the benchmark has none.
        arms: Definition of each arm by name, in the order of the report.
        model: Name of the model.
        config: Every option that may change an answer.
        versions: Of reelgraph, Python and the packages that take part.
        shard: ``(k, n)`` for the k-th of n parts, from 1; None for the whole.
        created: When the run began, UTC.
    """

    log_version: int = LOG_VERSION
    benchmark: str
    data: Mapping[str, str] = {}
    questions: int
    questions_hash: str
    groups: Mapping[str, str] = {}
    arms: Mapping[str, Mapping[str, JsonValue]]
    model: str
    config: Mapping[str, JsonValue] = {}
    versions: Mapping[str, str] = {}
    shard: tuple[int, int] | None = None
    created: str = ""

    def same_as(self, other: Run) -> bool:
        """Return whether both describe the same run, shards and dates apart."""
        return self._compared() == other._compared()

    def _compared(self) -> dict[str, object]:
        return self.model_dump(exclude={"shard", "created"})


class RunLog(_Frozen):
    """A run that was read: its header and its records, in the order of the report.

    Attributes:
        header: The header; of a merged run with ``shard`` None.
        records: By arm, cluster and question id.
        folders: Where it was read from.
    """

    header: Run
    records: tuple[Record, ...]
    folders: tuple[Path, ...] = ()

    @property
    def arms(self) -> tuple[str, ...]:
        """The arms' names, in order."""
        return tuple(self.header.arms)

    @property
    def missing(self) -> int:
        """How many answers the run still lacks."""
        return self.header.questions * len(self.header.arms) - len(self.records)

    def of(self, arm: str) -> tuple[Record, ...]:
        """Return an arm's records."""
        return tuple(record for record in self.records if record.arm == arm)


class LogWriter:
    """Appends records to a run's folder, each flushed to disk before the next.

    Args:
        folder: The run's folder; created if it is not there.
        header: What the run is. A folder that already holds a run goes on with it.

    Raises:
        EvalError: If the folder holds another run, or another process writes to it.
    """

    def __init__(self, folder: Path, header: Run) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self.folder = folder
        # The system frees the lock of a process that dies.
        self._lock = FileLock(folder / _LOCK, timeout=0)
        try:
            self._lock.acquire()
        except Timeout as error:
            raise EvalError(
                f"another process writes to the run {str(folder)!r}; wait for it, or give each "
                "process a part of its own: --shard 1/2 and 2/2"
            ) from error
        try:
            self.header = _begin(folder, header)
            self.records: tuple[Record, ...] = tuple(_repaired(folder / _RECORDS))
        except BaseException:
            self._lock.release()
            raise
        self._file = (folder / _RECORDS).open("ab")

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._file.close()
        self._lock.release()

    def append(self, record: Record) -> None:
        """Write one record; it is on disk when this returns."""
        self._file.write(record.model_dump_json().encode() + b"\n")
        self._file.flush()
        os.fsync(self._file.fileno())

    def keep_text(self, text: str) -> str:
        """Keep what an arm was told of a graph, once, and return its name."""
        name = hashlib.sha256(text.encode()).hexdigest()[:16]
        path = self.folder / _GRAPHS / f"{name}.txt"
        if not path.exists():
            path.parent.mkdir(exist_ok=True)
            with replacing(path) as partial:
                partial.write_text(text, encoding="utf-8")
        return name


def read_run(*folders: str | Path) -> RunLog:
    """Read a run from its folder, or from the folders of its shards.

    A last line that was cut by a kill is left out; the run can be resumed. Where a question
    was asked again because it failed, the last answer counts.

    Raises:
        EvalError: If a folder holds no run, a line in the middle is damaged, or the
            folders hold different runs or the same answer twice.
    """
    if not folders:
        raise EvalError("name the folder of a run, e.g. runs/nextqa")
    paths = tuple(Path(folder) for folder in folders)
    headers = [_header(path) for path in paths]
    for path, header in zip(paths, headers, strict=True):
        if not header.same_as(headers[0]):
            raise EvalError(_difference(paths[0], headers[0], path, header))
    records = [r for path in paths for r in _parsed(path / _RECORDS)]
    whole = headers[0] if len(paths) == 1 else headers[0].model_copy(update={"shard": None})
    return RunLog(header=whole, records=_ordered(whole, records), folders=paths)


def read_runs(*folders: str | Path) -> list[RunLog]:
    """Read several runs; folders that are shards of one run become one.

    Raises:
        EvalError: As `read_run` does.
    """
    groups: list[list[Path]] = []
    for path in map(Path, folders):
        header = _header(path)
        same = (g for g in groups if header.shard and header.same_as(_header(g[0])))
        found = next(same, None)
        if found is None:
            groups.append([path])
        else:
            found.append(path)
    return [read_run(*group) for group in groups]


def graph_text(log: RunLog, record: Record) -> str | None:
    """Return the text of the graph that a record's answer was made from, if it was kept."""
    for folder in log.folders:
        path = folder / _GRAPHS / f"{record.graph_text}.txt"
        if record.graph_text and path.is_file():
            return path.read_text(encoding="utf-8")
    return None


def _begin(folder: Path, header: Run) -> Run:
    """Write the header, or check that the one that is there says the same."""
    path = folder / _HEADER
    if not path.exists():
        with replacing(path) as partial:
            partial.write_text(header.model_dump_json(indent=1) + "\n", encoding="utf-8")
        return header
    found = _header(folder)
    if not found.same_as(header) or found.shard != header.shard:
        hint = "Name another folder with --out, or delete it to start anew."
        raise EvalError(f"{_difference(folder, found, None, header)} {hint}")
    return found


def _header(folder: Path) -> Run:
    path = folder / _HEADER
    try:
        return Run.model_validate_json(path.read_bytes())
    except OSError as error:
        raise EvalError(
            f"{str(folder)!r} holds no run (no {_HEADER}); make one with: reelgraph eval run"
        ) from error
    except ValidationError as error:
        problem = error.errors()[0]
        place = ".".join(map(str, problem["loc"]))
        raise EvalError(
            f"{str(path)!r} is no header of a run: {place}: {problem['msg']}"
        ) from error


def _difference(one: Path, first: Run, other: Path | None, second: Run) -> str:
    """Return one sentence on what two headers do not agree in."""
    where = "what was asked for" if other is None else repr(str(other))
    left, right = first.model_dump(), second.model_dump()
    fields = [
        f"{name}: {_short(left[name], right[name])} and {_short(right[name], left[name])}"
        for name in Run.model_fields
        if name != "created" and left[name] != right[name]
    ]
    return f"{str(one)!r} and {where} are different runs: {'; '.join(fields)}."


def _short(value: object, other: object) -> str:
    """Return a value as text, of a mapping only what the other one has not."""
    if isinstance(value, dict) and isinstance(other, dict):
        value = {k: v for k, v in value.items() if k not in other or other[k] != v}
    text = json.dumps(value, default=str)
    return text if len(text) <= 120 else text[:117] + "..."


def _repaired(path: Path) -> Iterable[Record]:
    """Return the records that are there, and cut off a last line that is not whole."""
    if not path.exists():
        return []
    data = path.read_bytes()
    whole = data[: data.rfind(b"\n") + 1]
    if len(whole) < len(data):
        with path.open("r+b") as file:
            file.truncate(len(whole))
            os.fsync(file.fileno())
    return _parsed(path)


def _parsed(path: Path) -> list[Record]:
    if not path.exists():
        return []
    records = []
    lines = path.read_bytes().split(b"\n")
    # What follows the last line break is a line that a kill cut.
    for number, line in enumerate(lines[:-1], start=1):
        try:
            records.append(Record.model_validate_json(line))
        except ValidationError as error:
            raise EvalError(
                f"line {number} of {str(path)!r} is damaged; delete that line and resume the run"
            ) from error
    return records


def _ordered(header: Run, records: Sequence[Record]) -> tuple[Record, ...]:
    place = {arm: number for number, arm in enumerate(header.arms)}
    seen: dict[tuple[str, str], Record] = {}
    for record in records:
        if record.arm not in place:
            raise EvalError(f"a record is of arm {record.arm!r}, which the header does not name")
        key = (record.arm, record.question_id)
        if key in seen and seen[key].error is None:
            raise EvalError(f"arm {record.arm!r} answers question {record.question_id!r} twice")
        seen[key] = record
    order = sorted(seen.values(), key=lambda r: (place[r.arm], r.cluster, r.question_id))
    return tuple(order)
