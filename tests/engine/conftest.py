"""One engine for all tests that do not need an engine of their own."""

import pytest

from testkit import running


@pytest.fixture(scope="session")
def engine(tmp_path_factory):
    # A minute of rate(…) lasts one second here.
    with running(tmp_path_factory.mktemp("engine"), ENGINE_MINUTE_SECONDS="1") as one:
        yield one
