"""The evaluation: what graphs bring, measured.

    >>> from reelgraph.eval import run, read_run
    >>> log = run("nextqa", "nextqa/", arms=["none", "graph"], out="runs/a")  # doctest: +SKIP

Names are loaded on first use; `reelgraph.eval.benchmarks` reads the data, `reelgraph.eval.runner`
asks, `reelgraph.eval.log` keeps, `reelgraph.eval.stats` and `reelgraph.eval.metrics` count,
`reelgraph.eval.report` tells.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from reelgraph.eval.arms import Arm, parse_arm
    from reelgraph.eval.benchmarks import Benchmark, Question, load_benchmark
    from reelgraph.eval.corruption import corrupt
    from reelgraph.eval.estimate import Prices
    from reelgraph.eval.log import Record, Run, RunLog, read_run, read_runs
    from reelgraph.eval.plan import Config
    from reelgraph.eval.report import summarize, write_report
    from reelgraph.eval.runner import Manner, run

_HOMES = {
    "reelgraph.eval.arms": ("Arm", "parse_arm"),
    "reelgraph.eval.benchmarks": ("Benchmark", "Question", "load_benchmark"),
    "reelgraph.eval.corruption": ("corrupt",),
    "reelgraph.eval.estimate": ("Prices",),
    "reelgraph.eval.log": ("Record", "Run", "RunLog", "read_run", "read_runs"),
    "reelgraph.eval.report": ("summarize", "write_report"),
    "reelgraph.eval.plan": ("Config",),
    "reelgraph.eval.runner": ("Manner", "run"),
}
_HOME_OF = {name: module for module, names in _HOMES.items() for name in names}

__all__ = [
    "Arm",
    "Benchmark",
    "Config",
    "Manner",
    "Prices",
    "Question",
    "Record",
    "Run",
    "RunLog",
    "corrupt",
    "load_benchmark",
    "parse_arm",
    "read_run",
    "read_runs",
    "run",
    "summarize",
    "write_report",
]


def __getattr__(name: str) -> Any:
    if name not in _HOME_OF:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(importlib.import_module(_HOME_OF[name]), name)


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
