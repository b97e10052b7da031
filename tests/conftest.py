"""What all tests share: hypothesis without deadlines, and the recordings beside the checkout."""

from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import settings

ROOT = Path(__file__).resolve().parent.parent
RECORDINGS = ROOT.parent / "shared" / "data"

settings.register_profile("stridehub", deadline=None)  # no test is about time
settings.register_profile("long", deadline=None, max_examples=2000)  # by hand
settings.load_profile("stridehub")


@pytest.fixture(scope="session")
def root() -> Path:
    """The checkout."""
    return ROOT


@pytest.fixture(scope="session")
def recording() -> Callable[[str], Path]:
    """The path of a recording by name, such as "hamner_s02_impact"; skips where it is absent."""

    def find(name: str) -> Path:
        path = RECORDINGS / f"{name}.npz"
        if not path.is_file():
            pytest.skip(f"no recording {name}.npz in ../shared/data")
        return path

    return find
