"""One flag writes generated docs anew instead of checking them."""

from __future__ import annotations

import pytest


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--update-docs", action="store_true", help="write generated docs anew")


@pytest.fixture
def update_docs(request: pytest.FixtureRequest) -> bool:
    # The option is unknown where this folder is not the one that was asked for.
    return bool(request.config.getoption("--update-docs", default=False))
