"""A stage of their own for scanners: no worker is flooded, and no limit hides a page from them."""

from collections.abc import Iterator

import pytest
from pytest_django import DjangoDbBlocker, Settings

from privacy.services import refresh_sealing_key
from tests.campaigns import cast
from tests.journeys.conftest import on_stage
from tests.journeys.stage import Stage, set_up

_LIMITS_OFF = dict.fromkeys(
    (
        *("ACCORD_FORMS_PER_NETWORK", "ACCORD_FORMS_PER_FORM"),
        *("ACCORD_MESSAGES_PER_MINUTE", "ACCORD_TOKEN_REFUSALS"),
    ),
    "10000000",
)


@pytest.fixture(scope="session")
def quiet_stage() -> Iterator[Stage]:
    stage = set_up(name="scan", programs=("public", "staff"), more=_LIMITS_OFF)
    yield stage
    stage.stop()
    stage.inbox.stop()


@pytest.fixture
def scanned(
    quiet_stage: Stage, settings: Settings, django_db_blocker: DjangoDbBlocker
) -> Iterator[Stage]:
    with on_stage(quiet_stage, settings, django_db_blocker):
        refresh_sealing_key(now=cast.clock())
        yield quiet_stage
