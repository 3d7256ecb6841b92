"""One town for the tests of this folder, in whatever order they come."""

import os
from collections.abc import Iterator
from contextlib import ExitStack

import pytest

from tests.network.building import build
from tests.network.namespaces import what_is_missing
from tests.network.town import Town


@pytest.fixture(scope="session")
def town() -> Iterator[Town]:
    if missing := what_is_missing():
        if os.environ.get("CI") == "true":
            pytest.fail(missing)
        pytest.skip(missing)
    with ExitStack() as stack:
        yield build(stack)
