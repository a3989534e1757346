"""The demo: a rendered clip with its ground truth, and the chain run on its pixels.

Names are loaded on first use, so that rendering the clip needs no language-model package.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from reelgraph.demo.compare import Check
    from reelgraph.demo.run import DemoResult, run_demo
    from reelgraph.demo.scene import render

_HOME_OF = {"Check": "compare", "DemoResult": "run", "render": "scene", "run_demo": "run"}

__all__ = ["Check", "DemoResult", "render", "run_demo"]


def __getattr__(name: str) -> Any:
    if name not in _HOME_OF:
        raise AttributeError(f"module 'reelgraph.demo' has no attribute {name!r}")
    return getattr(importlib.import_module(f"reelgraph.demo.{_HOME_OF[name]}"), name)


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
