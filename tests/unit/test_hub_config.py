"""The hub's settings: every key, what is refused and why, and where things are by default."""

import os
from pathlib import Path

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from stridehub.config import (
    MAX_CONFIG_BYTES,
    GpioConfig,
    HapticsConfig,
    HubConfig,
    RadioConfig,
    RunnerSettings,
    load_hub_config,
)
from stridehub.errors import ConfigError
from stridehub.model import CueKind, RunnerProfile
from stridehub.rules import rules

EVERYTHING = """
state_dir = "/srv/hub"
runtime_dir = "/run/hub"
plan = "just-measure"

[radio]
adapters = ["F0:00:00:00:00:01", "f0:00:00:00:00:0a"]
most_links = 5
rate_hz = 104
batch = 19

[haptics]
drivers = ["gpio", "pod", "console"]
intensity_percent = 55

[haptics.gpio]
left = 17
right = 27
runner = "r1"
pwm_hz = 150

[coaching.cues]
least_gap_s = 30

[coaching.zones.kickback_deg]
below = 10

[[runners]]
runner = "r1"
height_m = 1.8
mass_kg = 70
leg_length_left_m = 0.9
leg_length_right_m = 0.91
standing_thigh_deg = -5.0
standing_shank_deg = -7.5
speed_factor = 1.02
haptics = ["pod", "gpio"]
intensity_percent = 90
plan = "heel-under-the-hip"

[runners.coaching.cues]
kinds = ["heel_lift"]

[[runners]]
runner = "r-2_B"
"""
FOLDERS = (
    *("STATE_DIRECTORY", "RUNTIME_DIRECTORY", "CONFIGURATION_DIRECTORY"),
    *("XDG_STATE_HOME", "XDG_RUNTIME_DIR", "XDG_CONFIG_HOME"),
)


def loaded(folder: Path, content: str | bytes) -> HubConfig:
    path = folder / "hub.toml"
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    return load_hub_config(path)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("config")


def test_every_key_is_read(tmp_path: Path) -> None:
    assert loaded(tmp_path, EVERYTHING) == HubConfig(
        state_dir="/srv/hub",
        runtime_dir="/run/hub",
        radio=RadioConfig(
            adapters=("F0:00:00:00:00:01", "f0:00:00:00:00:0a"),
            most_links=5,
            rate_hz=104,
            batch=19,
        ),
        haptics=HapticsConfig(
            drivers=("gpio", "pod", "console"),
            intensity_percent=55,
            gpio=GpioConfig(left=17, right=27, runner="r1", pwm_hz=150),
        ),
        plan="just-measure",
        coaching={"cues": {"least_gap_s": 30}, "zones": {"kickback_deg": {"below": 10}}},
        runners=(
            RunnerSettings(
                runner="r1",
                height_m=1.8,
                mass_kg=70.0,
                leg_length_left_m=0.9,
                leg_length_right_m=0.91,
                standing_thigh_deg=-5.0,
                standing_shank_deg=-7.5,
                speed_factor=1.02,
                haptics=("pod", "gpio"),
                intensity_percent=90,
                plan="heel-under-the-hip",
                coaching={"cues": {"kinds": ["heel_lift"]}},
            ),
            RunnerSettings(runner="r-2_B"),
        ),
    )


def test_an_empty_file_means_the_defaults(tmp_path: Path) -> None:
    config = loaded(tmp_path, "")
    assert config == HubConfig()
    assert config.radio.adapters == ()
    assert (config.radio.most_links, config.radio.rate_hz, config.radio.batch) == (7, 208, 8)
    assert config.runners == ()


def test_what_a_file_does_not_say_stays_as_it_is(tmp_path: Path) -> None:
    assert loaded(tmp_path, "[radio]\nbatch = 4").radio == RadioConfig(batch=4)


@pytest.mark.parametrize("rate", [52, 104, 208, 416])
def test_every_rate_of_a_pod_may_be_set(tmp_path: Path, rate: int) -> None:
    assert loaded(tmp_path, f"[radio]\nrate_hz = {rate}").radio.rate_hz == rate


def test_a_runners_own_settings_come_before_the_hubs(tmp_path: Path) -> None:
    config = loaded(tmp_path, EVERYTHING)
    assert config.drivers("r1") == ("pod", "gpio")
    assert config.drivers("r-2_B") == config.drivers("stranger") == ("gpio", "pod", "console")
    assert (config.intensity_percent("r1"), config.intensity_percent("stranger")) == (90, 55)
    assert config.plan_name("r1") == "heel-under-the-hip"
    assert config.plan_name("r-2_B") == "just-measure"
    chosen = rules(*config.layers("r1"))
    assert (chosen.cues.kinds, chosen.cues.least_gap_s) == ((CueKind.HEEL_LIFT,), 30)
    assert rules(*config.layers("stranger")).cues.kinds == tuple(CueKind)


# ---- what is refused ----

REFUSED = {
    "unknown key": "stat_dir = '/srv'",
    "unknown key of the radio": "[radio]\nadapter = []",
    "unknown key of a runner": "[[runners]]\nrunner = 'r1'\nheight = 1.8",
    "unknown table": "[radios]",
    "address too short": "[radio]\nadapters = ['F0:00:00:00:00']",
    "address too long": "[radio]\nadapters = ['F0:00:00:00:00:01:02']",
    "address by name": "[radio]\nadapters = ['hci0']",
    "address of other digits": "[radio]\nadapters = ['F0:00:00:00:00:0G']",
    "address with dashes": "[radio]\nadapters = ['F0-00-00-00-00-01']",
    "address with a line break": '[radio]\nadapters = ["F0:00:00:00:00:01\\n"]',
    "one address, no list": "[radio]\nadapters = 'F0:00:00:00:00:01'",
    "no links": "[radio]\nmost_links = 0",
    "many links": "[radio]\nmost_links = 21",
    "a rate no pod has": "[radio]\nrate_hz = 100",
    "no samples a packet": "[radio]\nbatch = 0",
    "many samples a packet": "[radio]\nbatch = 20",
    "a number as a folder": "state_dir = 3",
    "two of one name": "[[runners]]\nrunner = 'r1'\n[[runners]]\nrunner = 'r1'",
    "nameless": "[[runners]]\nheight_m = 1.8",
    "nameless after a named one": "[[runners]]\nrunner = 'r1'\n[[runners]]\nmass_kg = 70",
    "a name with a slash": "[[runners]]\nrunner = 'a/b'",
    "a name with a space": "[[runners]]\nrunner = 'a b'",
    "a name with a line break": '[[runners]]\nrunner = "r1\\n"',
    "an empty name": "[[runners]]\nrunner = ''",
    "a long name": f"[[runners]]\nrunner = '{'a' * 33}'",
    "a name of other letters": "[[runners]]\nrunner = 'ä'",
    "a height in cm": "[[runners]]\nrunner = 'r1'\nheight_m = 180",
    "a mass in g": "[[runners]]\nrunner = 'r1'\nmass_kg = 70000",
    "a leg of a giant": "[[runners]]\nrunner = 'r1'\nleg_length_left_m = 1.6",
    "not a number": "[[runners]]\nrunner = 'r1'\nspeed_factor = nan",
    "infinite": "[[runners]]\nrunner = 'r1'\nstanding_thigh_deg = inf",
    "two motors at one pin": "[haptics.gpio]\nleft = 17\nright = 17\nrunner = 'r1'",
    "a pin that is none": "[haptics.gpio]\nleft = 28\nright = 17\nrunner = 'r1'",
    "motors that nobody wears": "[haptics.gpio]\nleft = 27\nright = 17",
    "a driver that is none": "[haptics]\ndrivers = ['bell']",
    "no intensity": "[haptics]\nintensity_percent = 0",
    "a rule that is none": "[coaching.cues]\nleast_gap = 30",
    "a rule out of range": "[coaching.cues]\nwithheld = 1.5",
    "a rule that is no number": "[coaching.zones.kickback_deg]\nvalue = nan",
    "a zone that is none": "[coaching.zones.foot_strike_angle_deg]\nabove = 1",
    "a zone without bounds": "[coaching.zones.heel_trail_ratio]\nabove = {}",
    "a cue for the foot strike": "[coaching.cues]\nkinds = ['foot_strike']",
    "rules as a list": "coaching = [1]",
    "a rule of a runner": "[[runners]]\nrunner = 'r1'\n[runners.coaching.trigger]\ndue_sd = 0.1",
    "runners as a table": "[runners]\nr1 = 1.8",
    "no TOML": "radio = {",
    "a key twice": "state_dir = 'a'\nstate_dir = 'b'",
    "endless nesting": f"x = {'[' * 20_000}",
    "a number of 5000 digits": f"x = {'9' * 5000}",
    "more than a file may hold": f"#{'x' * MAX_CONFIG_BYTES}",
}
BYTES = {
    "not UTF-8": b"state_dir = '\xff'",
    "UTF-16": "state_dir = 'a'".encode("utf-16"),
    "a zero": b"\0",
}
CONTENTS = {name: text.encode() for name, text in REFUSED.items()} | BYTES


@pytest.mark.parametrize("content", CONTENTS.values(), ids=CONTENTS)
def test_what_may_not_stand_there_is_refused_with_the_file(tmp_path: Path, content: bytes) -> None:
    with pytest.raises(ConfigError) as caught:
        loaded(tmp_path, content)
    assert caught.value.path == tmp_path / "hub.toml"
    assert str(caught.value).startswith(f"{tmp_path / 'hub.toml'}: ")
    assert caught.value.reason


def test_a_refusal_says_where(tmp_path: Path) -> None:
    for content, where in (
        ("[radio]\nmost_links = 0", "radio.most_links"),
        ("[radio]\nadapter = []", "adapter"),
        ("[[runners]]\nrunner = 'r1'\nheight_m = 180", "runners[0].height_m"),
        ("[coaching.zones.kickback_deg]\nbelow = -1", "zones.kickback_deg.below"),
    ):
        with pytest.raises(ConfigError) as caught:
            loaded(tmp_path, content)
        assert where in caught.value.reason


def test_as_much_as_a_file_may_hold_is_read(tmp_path: Path) -> None:
    assert loaded(tmp_path, "#" * MAX_CONFIG_BYTES) == HubConfig()


def test_a_file_that_is_not_there_is_told_of(tmp_path: Path) -> None:
    path = tmp_path / "none.toml"
    with pytest.raises(ConfigError, match="No such file") as caught:
        load_hub_config(path)
    assert caught.value.path == path


def test_a_folder_is_no_file(tmp_path: Path) -> None:
    with pytest.raises(ConfigError):
        load_hub_config(tmp_path)


@given(
    content=st.binary(max_size=300)
    | st.text(max_size=300).map(lambda t: t.encode("utf-8", "replace"))
)
@example(b"")
@example(b"[radio]\nrate_hz = 99999999999999999999999")
@example(b"x = 1979-99-99")
@example(b"[[runners]]\nrunner = 'r1'\nmass_kg = 1e999")
def test_any_bytes_are_a_config_or_refused(folder: Path, content: bytes) -> None:
    refusal: ConfigError | None = None
    config: HubConfig | None = None
    try:
        config = loaded(folder, content)
    except ConfigError as error:
        refusal = error
    if refusal is None:
        assert isinstance(config, HubConfig)
    else:
        assert refusal.path == folder / "hub.toml"


# ---- where things are ----


@pytest.fixture
def user(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """Someone's home, and no service around."""
    for name in FOLDERS:
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setattr(os, "geteuid", lambda: 1000)
    return tmp_path


def test_a_user_keeps_everything_at_home(user: Path) -> None:
    assert HubConfig().database == user / ".local/state/stridehub/stridehub.sqlite"
    assert HubConfig().runtime == user / ".cache/stridehub"


def test_a_user_may_have_folders_elsewhere(user: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_STATE_HOME", "/data/state")
    monkeypatch.setenv("XDG_RUNTIME_DIR", "/run/user/1000")
    assert HubConfig().database == Path("/data/state/stridehub/stridehub.sqlite")
    assert HubConfig().runtime == Path("/run/user/1000/stridehub")


def test_root_keeps_everything_where_services_do(
    user: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(os, "geteuid", lambda: 0)
    monkeypatch.setenv("XDG_STATE_HOME", "/data/state")
    assert HubConfig().database == Path("/var/lib/stridehub/stridehub.sqlite")
    assert HubConfig().runtime == Path("/run/stridehub")


@pytest.mark.parametrize("uid", [0, 1000])
def test_a_service_keeps_everything_where_it_is_told(
    user: Path, monkeypatch: pytest.MonkeyPatch, uid: int
) -> None:
    monkeypatch.setattr(os, "geteuid", lambda: uid)
    monkeypatch.setenv("STATE_DIRECTORY", "/var/lib/private/hub:/var/lib/other")
    monkeypatch.setenv("RUNTIME_DIRECTORY", "/run/private/hub")
    assert HubConfig().database == Path("/var/lib/private/hub/stridehub.sqlite")
    assert HubConfig().runtime == Path("/run/private/hub")


def test_an_empty_variable_says_nothing(user: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    before = HubConfig().database, HubConfig().runtime
    for name in FOLDERS:
        monkeypatch.setenv(name, "")
    assert (HubConfig().database, HubConfig().runtime) == before


def test_what_the_file_says_comes_first(user: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in FOLDERS:
        monkeypatch.setenv(name, "/elsewhere")
    config = HubConfig(state_dir="/srv/hub", runtime_dir="/srv/run")
    assert config.database == Path("/srv/hub/stridehub.sqlite")
    assert config.runtime == Path("/srv/run")


def test_without_a_path_and_a_file_there_are_the_defaults(user: Path) -> None:
    assert load_hub_config(None) == HubConfig()


@pytest.mark.parametrize(
    ("variable", "folder"),
    [
        (None, ".config/stridehub"),
        ("CONFIGURATION_DIRECTORY", "etc"),
        ("XDG_CONFIG_HOME", "stridehub"),
    ],
)
def test_without_a_path_the_usual_file_is_read(
    user: Path, monkeypatch: pytest.MonkeyPatch, variable: str | None, folder: str
) -> None:
    (user / folder).mkdir(parents=True)
    (user / folder / "stridehub.toml").write_text("[radio]\nbatch = 3")
    if variable is not None:
        monkeypatch.setenv(variable, str(user / folder if folder == "etc" else user))
    assert load_hub_config(None).radio.batch == 3


def test_a_usual_file_that_is_wrong_is_refused(user: Path) -> None:
    path = user / ".config/stridehub/stridehub.toml"
    path.parent.mkdir(parents=True)
    path.write_text("nonsense = true")
    with pytest.raises(ConfigError) as caught:
        load_hub_config(None)
    assert caught.value.path == path


# ---- runners ----


def test_a_profile_is_what_the_file_knows_of_the_runner_and_the_defaults(tmp_path: Path) -> None:
    config = loaded(tmp_path, EVERYTHING)
    assert config.profile("r1") == RunnerProfile(
        "r1", 1.8, 70.0, 0.9, 0.91, standing_thigh_deg=-5.0, standing_shank_deg=-7.5,
        speed_factor=1.02,
    )  # fmt: skip
    assert config.profile("r-2_B") == RunnerProfile("r-2_B")
    assert config.profile("stranger") == RunnerProfile("stranger")


def test_runners_of_one_file_are_not_mixed_up(tmp_path: Path) -> None:
    config = loaded(
        tmp_path,
        "[[runners]]\nrunner = 'a'\nheight_m = 1.6\n"
        "[[runners]]\nrunner = 'b'\nheight_m = 1.9\nmass_kg = 80",
    )
    assert config.profile("a") == RunnerProfile("a", height_m=1.6)
    assert config.profile("b") == RunnerProfile("b", height_m=1.9, mass_kg=80.0)
