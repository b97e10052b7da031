"""Plans, profiles and passwords: any bytes in their files are read, or refused as settings are."""

from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from stridehub.coaching.plan import Plan
from stridehub.config import MqttConfig, load_profile
from stridehub.errors import ConfigError
from stridehub.mqtt.endpoint import MAX_PASSWORD_BYTES, endpoint_of
from stridehub.team import plan_of

contents = st.binary(max_size=300) | st.text(max_size=300).map(str.encode)
# The folder is the same for every example: each writes its file anew.
anything = settings(suppress_health_check=[HealthCheck.function_scoped_fixture])


def read_or_refused(read: Callable[[Path], object], path: Path, content: bytes) -> object:
    """What was read; None: refused, with the file's name."""
    path.write_bytes(content)
    try:
        return read(path)
    except ConfigError as error:
        refusal = str(error)
    assert str(path) in refusal
    return None


@anything
@given(content=contents)
@example(b'name = "x"\n[[blocks]]\nkind = "free"\nminutes = 1e999')
@example(b'name = "x"\n[coaching.cues]\nleast_gap_s = "\xff"')
@example(b"x = " + b"[" * 50_000)
def test_a_plan(tmp_path: Path, content: bytes) -> None:
    plan = read_or_refused(lambda path: plan_of(str(path)), tmp_path / "any.toml", content)
    assert plan is None or isinstance(plan, Plan)


@anything
@given(content=contents)
@example(b"height_m = 1e999")
@example(b"height_m = nan")
def test_a_profile(tmp_path: Path, content: bytes) -> None:
    read_or_refused(load_profile, tmp_path / "any.toml", content)


@anything
@given(content=contents)
@example(b"")
@example(b"\n")
@example(b"x" * (MAX_PASSWORD_BYTES + 1))
@example(b"\xff\n")
def test_a_password(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "password"
    path.touch(mode=0o600)
    config = MqttConfig(host="127.0.0.1", user="hub", password_file=str(path))
    endpoint = read_or_refused(lambda _: endpoint_of(config).password, path, content)
    assert endpoint is None or (isinstance(endpoint, str) and endpoint and "\n" not in endpoint)


def test_a_plan_that_is_no_file(tmp_path: Path) -> None:
    with pytest.raises(ConfigError):
        plan_of(str(tmp_path / "none.toml"))
