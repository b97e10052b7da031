"""A browser, a broker and the page, for the tests of the live page."""

from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser

from browsing import chromium, dashboard
from hub_words import hub
from mosquitto import Mosquitto
from runner_words import Track


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with chromium() as at_work:
        yield at_work


@pytest.fixture(scope="module")
def place() -> Mosquitto:
    """Where the broker of each test listens, one after the other."""
    return Mosquitto()


@pytest.fixture
def broker(place: Mosquitto) -> Iterator[Mosquitto]:
    place.start()
    yield place
    place.kill()


@pytest.fixture(scope="module")
def url(tmp_path_factory: pytest.TempPathFactory, place: Mosquitto) -> Iterator[str]:
    with dashboard(tmp_path_factory.mktemp("hub"), place) as served:
        yield served


@pytest.fixture
def track(broker: Mosquitto) -> Iterator[Track]:
    with hub(broker) as on_air:
        yield Track(on_air)
