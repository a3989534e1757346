"""Inert pickles: reads plain values and NumPy arrays from a pickle without running its code.

A pickle names functions to call. Here a few names stand for classes of this module that
build lists and numbers, and any other name is an error, so that nothing of what the file
names is ever imported or called. A hostile file can still ask for much memory.
"""

from __future__ import annotations

import pickle
from io import BytesIO
from typing import Any, Literal

import numpy as np

__all__ = ["load"]

_NUMBERS = frozenset("biuf")
"""NumPy's letters for flags, integers and floats."""


class _StandIn:
    """Base of what names stand for: a pickle can neither change nor look into it."""

    def __setstate__(self, state: tuple[Any, ...]) -> None:
        raise pickle.UnpicklingError(f"{type(self).__name__} has no state")


class _Type(_StandIn):
    """Stands for ``numpy.dtype``."""

    def __init__(self, code: str, *_: object) -> None:
        self.type = np.dtype(code)
        if self.type.kind not in _NUMBERS:
            raise pickle.UnpicklingError(f"arrays of type {code!r:.20} are not read")

    def __setstate__(self, state: tuple[Any, ...]) -> None:
        self.type = self.type.newbyteorder(state[1])


class _Array(_StandIn):
    """Stands for ``numpy.ndarray`` and the function that makes an empty one."""

    values: Any = None

    def __init__(self, *_: object) -> None:
        pass

    def __setstate__(self, state: tuple[Any, ...]) -> None:
        _, shape, kind, by_column, data = state
        flat = np.frombuffer(data, dtype=kind.type)
        self.values = flat.reshape(shape, order=_order("F" if by_column else "C")).tolist()


class _Buffer(_StandIn):
    """Stands for the function that newer pickles make arrays with; gives a list."""

    def __new__(cls, data: bytes, kind: _Type, shape: tuple[int, ...], order: str) -> Any:
        return np.frombuffer(data, dtype=kind.type).reshape(shape, order=_order(order)).tolist()


class _Scalar(_StandIn):
    """Stands for the function that makes a NumPy number; gives the plain number."""

    def __new__(cls, kind: _Type, data: bytes) -> Any:
        return np.frombuffer(data, dtype=kind.type)[0].item()


class _Encode(_StandIn):
    """Stands for ``_codecs.encode``, by which older pickles write bytes."""

    def __new__(cls, text: str, encoding: str) -> Any:
        if encoding != "latin1":
            raise pickle.UnpicklingError(f"text in {encoding!r:.20} is not read")
        return text.encode("latin1")


class _NoBytes(_StandIn):
    """Stands for ``bytes()``, by which older pickles write no bytes at all."""

    def __new__(cls) -> Any:
        return b""


def _order(letter: str) -> Literal["C", "F"]:
    return "F" if letter == "F" else "C"


_STAND_INS: dict[str, type[_StandIn]] = {
    "numpy.core.multiarray._reconstruct": _Array,
    "numpy._core.multiarray._reconstruct": _Array,
    "numpy.core.multiarray.scalar": _Scalar,
    "numpy._core.multiarray.scalar": _Scalar,
    "numpy.core.numeric._frombuffer": _Buffer,
    "numpy._core.numeric._frombuffer": _Buffer,
    "numpy.ndarray": _Array,
    "numpy.dtype": _Type,
    "_codecs.encode": _Encode,
    "__builtin__.bytes": _NoBytes,
    "builtins.bytes": _NoBytes,
}


class _Reader(pickle.Unpickler):
    def find_class(self, module: str, name: str) -> Any:
        try:
            return _STAND_INS[f"{module}.{name}"]
        except KeyError:
            raise pickle.UnpicklingError(f"it names {module}.{name}, which is not data") from None


def load(data: bytes) -> Any:
    """Return the value in a pickle: arrays and tuples become lists.

    Raises:
        ValueError: If it is no pickle, is cut short, or holds more than plain values and
            arrays of numbers.
    """
    try:
        return _plain(_Reader(BytesIO(data)).load())
    except (
        pickle.UnpicklingError,
        ArithmeticError,
        AttributeError,
        EOFError,
        LookupError,
        MemoryError,
        RecursionError,
        TypeError,
    ) as error:
        raise ValueError(f"it is no pickle of plain data ({error})") from error


def _plain(value: Any) -> Any:
    """Return lists for arrays and tuples, all through the value."""
    if isinstance(value, _Array):
        return value.values
    if isinstance(value, dict):
        return {key: _plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(item) for item in value]
    if value is None or isinstance(value, bool | int | float | str | bytes):
        return value
    raise ValueError(f"a value of type {type(value).__name__} is not plain data")
