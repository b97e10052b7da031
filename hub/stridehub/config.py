"""Settings from TOML files: the hub's own, and the profile of a runner."""

import math
import os
import platform
import re
from pathlib import Path
from typing import Annotated, Any, Literal, TypeVar

import msgspec

from stridehub.errors import ConfigError
from stridehub.model import RunnerProfile
from stridehub.rules import Layer, rules

MAX_CONFIG_BYTES = 65536  # some dozens of lines, a dozen a runner

# Becomes part of file names and topics.
RunnerId = Annotated[str, msgspec.Meta(pattern=r"^[A-Za-z0-9_-]{1,32}\Z")]
# What the kernel takes, native/src/stride_kernel.c: generous for a child as for a giant.
HeightM = Annotated[float, msgspec.Meta(ge=0.8, le=2.6)]
MassKg = Annotated[float, msgspec.Meta(ge=15.0, le=300.0)]
LegLengthM = Annotated[float, msgspec.Meta(ge=0.3, le=1.5)]
StandingDeg = Annotated[float, msgspec.Meta(ge=-45.0, le=45.0)]
SpeedFactor = Annotated[float, msgspec.Meta(ge=0.5, le=2.0)]


class ProfileSettings(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What a source knows of a runner. None: it does not say."""

    runner: RunnerId | None = None
    height_m: HeightM | None = None
    mass_kg: MassKg | None = None
    leg_length_left_m: LegLengthM | None = None
    leg_length_right_m: LegLengthM | None = None
    standing_thigh_deg: StandingDeg | None = None
    standing_shank_deg: StandingDeg | None = None
    speed_factor: SpeedFactor | None = None

    def __post_init__(self) -> None:
        for name, value in msgspec.structs.asdict(self).items():
            if isinstance(value, float) and math.isnan(value):
                raise ValueError(f"{name} is not a number")


AdapterAddress = Annotated[str, msgspec.Meta(pattern=r"^[0-9A-Fa-f]{2}(:[0-9A-Fa-f]{2}){5}\Z")]


class RadioConfig(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """How pods are reached."""

    adapters: tuple[AdapterAddress, ...] = ()  # none: all that are there
    most_links: Annotated[int, msgspec.Meta(ge=1, le=20)] = 7  # of one adapter, at most
    rate_hz: Literal[52, 104, 208, 416] = 208
    batch: Annotated[int, msgspec.Meta(ge=1, le=19)] = 8  # samples a packet; 19 saves airtime


DriverName = Literal["gpio", "pod", "console", "none"]
BcmPin = Annotated[int, msgspec.Meta(ge=0, le=27)]
IntensityPercent = Annotated[int, msgspec.Meta(ge=1, le=100)]


class GpioConfig(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Two motors at a hub that is worn, each behind a transistor."""

    left: BcmPin
    right: BcmPin
    runner: RunnerId  # who wears the hub
    pwm_hz: Annotated[int, msgspec.Meta(ge=50, le=1000)] = 200

    def __post_init__(self) -> None:
        if self.left == self.right:
            raise ValueError("two motors at one pin")


# What can be told apart while running.
Pulses = Annotated[int, msgspec.Meta(ge=2, le=3)]
OnMs = Annotated[int, msgspec.Meta(ge=150, le=250)]
OffMs = Annotated[int, msgspec.Meta(ge=100, le=150)]


class LongPattern(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Land closer."""

    pulses: Pulses = 2
    on_ms: OnMs = 250
    off_ms: OffMs = 150


class ShortPattern(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """All other cues."""

    pulses: Pulses = 3
    on_ms: OnMs = 150
    off_ms: OffMs = 100


class HapticsConfig(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What runners are made to feel, and by what; a runner's own settings come first."""

    drivers: tuple[DriverName, ...] = ("gpio", "pod")  # the first that can, does
    intensity_percent: IntensityPercent = 70
    gpio: GpioConfig | None = None  # None: no pin is ever touched
    long: LongPattern = LongPattern()
    short: ShortPattern = ShortPattern()

    def __post_init__(self) -> None:
        _check_drivers(self.drivers)


def _check_drivers(names: tuple[DriverName, ...]) -> None:
    """Raises ValueError."""
    if "none" in names and len(names) > 1:
        raise ValueError('"none" beside other drivers')


# The name of a ready-made plan, or the path of a .toml file.
PlanName = Annotated[str, msgspec.Meta(min_length=1, max_length=200)]


class RunnerSettings(ProfileSettings, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A runner of this hub: the body, and how to coach it. None: as the hub does."""

    haptics: tuple[DriverName, ...] | None = None
    intensity_percent: IntensityPercent | None = None
    plan: PlanName | None = None
    coaching: dict[str, Any] = {}  # numbers of this runner's own, see rules.py

    def __post_init__(self) -> None:
        super().__post_init__()
        _check_drivers(self.haptics or ())
        _check_rules(Layer("runner", self.coaching))


Host = Annotated[str, msgspec.Meta(min_length=1, max_length=253)]
Port = Annotated[int, msgspec.Meta(ge=1, le=65535)]
FileName = Annotated[str, msgspec.Meta(min_length=1, max_length=4096)]


class MqttConfig(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The broker. Secrets stand in files of their own."""

    host: Host | None = None  # None: a broker of the hub's own
    port: Port | None = None  # None: 1883, with TLS 8883
    user: Annotated[str, msgspec.Meta(min_length=1, max_length=128)] | None = None
    password_file: FileName | None = None
    tls: bool = False  # by the system's authorities; ca_file names another one
    ca_file: FileName | None = None
    cert_file: FileName | None = None  # of the hub itself, with its key_file
    key_file: FileName | None = None
    page_url: Annotated[str, msgspec.Meta(pattern=r"^wss?://[^\s]{1,300}\Z")] | None = None
    backlog_per_s: Annotated[int, msgspec.Meta(ge=1, le=10_000)] = 200

    def __post_init__(self) -> None:
        if self.password_file is not None and self.user is None:
            raise ValueError("a password_file without a user")
        if (self.cert_file is None) != (self.key_file is None):
            raise ValueError("cert_file and key_file go together")

    @property
    def is_secure(self) -> bool:
        return self.tls or self.ca_file is not None or self.cert_file is not None


class BrokerConfig(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The hub's own broker, where no other is named. A taken port moves to a free one."""

    listen: Host = "127.0.0.1"  # 0.0.0.0 lets everybody near read; commands need a password then
    port: Port = 1883
    ws_port: Port = 9001  # for pages
    program: Literal["mosquitto", "amqtt"] | None = None  # None: mosquitto where it is installed


class DashboardConfig(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The live page."""

    is_on: bool = True
    listen: Host = "127.0.0.1"
    port: Port = 8080
    commands: bool | None = None  # without credentials; None: where only this machine has the page


class RecordConfig(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What is kept on the card, and for how long."""

    raw: bool = False  # every packet: a file for each run of the hub, some 50 MB an hour and runner
    keep_days: Annotated[int, msgspec.Meta(ge=1, le=36500)] = 400  # of strides
    keep_mb: Annotated[int, msgspec.Meta(ge=10, le=10_000_000)] = 2000  # of strides
    keep_raw_days: Annotated[int, msgspec.Meta(ge=1, le=36500)] = 30
    keep_raw_mb: Annotated[int, msgspec.Meta(ge=10, le=10_000_000)] = 4000  # one file ends at that
    free_mb: Annotated[int, msgspec.Meta(ge=1, le=1_000_000)] = 200  # of the card: raw ends here


class HubConfig(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The hub's own settings. None: by where the program runs, see the properties."""

    state_dir: str | None = None
    runtime_dir: str | None = None
    radio: RadioConfig = RadioConfig()
    haptics: HapticsConfig = HapticsConfig()
    hub: RunnerId | None = None  # its name in topics; None: the machine's
    mqtt: MqttConfig = MqttConfig()
    broker: BrokerConfig = BrokerConfig()
    dashboard: DashboardConfig = DashboardConfig()
    record: RecordConfig = RecordConfig()
    plan: PlanName | None = None  # of every session; None: all cues, nothing else
    coaching: dict[str, Any] = {}  # numbers, see rules.py
    runners: tuple[RunnerSettings, ...] = ()

    def __post_init__(self) -> None:
        names = [settings.runner for settings in self.runners]
        if None in names:
            raise ValueError("a runner of the hub needs a name: runner = ...")
        if len(set(names)) < len(names):
            raise ValueError("two runners have the same name")
        _check_rules(Layer("hub", self.coaching))
        for settings in self.runners:
            _check_rules(*self._layers(settings))

    @property
    def database(self) -> Path:
        """Of pods and of what coaches remember: little is written, and all of it matters."""
        return self.state / "stridehub.sqlite"

    @property
    def sessions(self) -> Path:
        """Of sessions with their strides, and of what waits for the broker: much is written."""
        return self.state / "sessions.sqlite"

    @property
    def raw_folder(self) -> Path:
        """Of recordings of packets."""
        return self.state / "raw"

    @property
    def state(self) -> Path:
        """The folder of what must outlive the hub."""
        return _folder(self.state_dir, "STATE_DIRECTORY", "/var/lib/stridehub", "XDG_STATE_HOME",
                       "~/.local/state")  # fmt: skip

    @property
    def name(self) -> str:
        """Of the hub, in topics."""
        own = re.sub(r"[^A-Za-z0-9_-]", "-", platform.node().partition(".")[0])[:32]
        return self.hub or own or "hub"

    @property
    def runtime(self) -> Path:
        """The folder of what need not outlive the machine's power."""
        return _folder(self.runtime_dir, "RUNTIME_DIRECTORY", "/run/stridehub", "XDG_RUNTIME_DIR",
                       "~/.cache")  # fmt: skip

    def profile(self, runner: str) -> RunnerProfile:
        """What is known of the runner; the defaults for one without settings."""
        return runner_profile(self.settings(runner), ProfileSettings(runner=runner))

    def settings(self, runner: str) -> RunnerSettings:
        """All that is set for the runner; nothing for one without settings."""
        own = (settings for settings in self.runners if settings.runner == runner)
        return next(own, RunnerSettings(runner=runner))

    def layers(self, runner: str) -> tuple[Layer, ...]:
        """The numbers that were set for the runner, the weakest first."""
        return self._layers(self.settings(runner))

    def _layers(self, settings: RunnerSettings) -> tuple[Layer, ...]:
        return Layer("hub", self.coaching), Layer("runner", settings.coaching)

    def plan_name(self, runner: str) -> str | None:
        return self.settings(runner).plan or self.plan

    def drivers(self, runner: str) -> tuple[DriverName, ...]:
        """In the order in which they are tried."""
        own = self.settings(runner).haptics
        return self.haptics.drivers if own is None else own

    def intensity_percent(self, runner: str) -> int:
        return self.settings(runner).intensity_percent or self.haptics.intensity_percent


def _check_rules(*layers: Layer) -> None:
    """Raises ValueError."""
    try:
        rules(*layers)
    except msgspec.ValidationError as error:
        raise ValueError(f"coaching: {error}") from error


def _folder(chosen: str | None, of_service: str, of_root: str, of_user: str, at_home: str) -> Path:
    """As chosen, as systemd says, root's, or the user's own."""
    if chosen is not None:
        return _at_home(chosen)
    if given := os.environ.get(of_service):
        return Path(given.partition(":")[0])
    if os.geteuid() == 0:
        return Path(of_root)
    return Path(os.environ.get(of_user) or at_home).expanduser() / "stridehub"


def load_hub_config(path: Path | None) -> HubConfig:
    """Of that file; without one, of where it usually is, and the defaults if it is not there.

    Raises ConfigError.
    """
    found = settings_file(path)
    return HubConfig() if found is None else _hub_config(found)


def settings_file(path: Path | None) -> Path | None:
    """That one, or the usual one; None where that is not there."""
    if path is not None:
        return path
    usual = _folder(None, "CONFIGURATION_DIRECTORY", "/etc/stridehub", "XDG_CONFIG_HOME",
                    "~/.config") / "stridehub.toml"  # fmt: skip
    return usual if usual.exists() else None


def _hub_config(path: Path) -> HubConfig:
    config = load_toml(path, HubConfig)
    runners = tuple(_found_from(settings, path) for settings in config.runners)
    return msgspec.structs.replace(_found_from(config, path), runners=runners)


def load_profile(path: Path) -> RunnerSettings:
    """The profile in a TOML file. Raises ConfigError."""
    return _found_from(load_toml(path, RunnerSettings), path)


def is_file(plan: str) -> bool:
    """As opposed to the name of a ready-made one."""
    return plan.endswith(".toml")


_Planned = TypeVar("_Planned", HubConfig, RunnerSettings)


def _found_from(settings: _Planned, path: Path) -> _Planned:
    """A plan's file is looked for from where the settings are."""
    if settings.plan is None or not is_file(settings.plan):
        return settings
    plan = path.parent / _at_home(settings.plan)
    return msgspec.structs.replace(settings, plan=str(plan))


def _at_home(path: str) -> Path:
    """With ~ put in full. Raises ConfigError."""
    try:
        return Path(path).expanduser()
    except RuntimeError as error:
        raise ConfigError(path, str(error)) from error


_Settings = TypeVar("_Settings")


def load_toml(path: Path, kind: type[_Settings]) -> _Settings:
    """Raises ConfigError where the file is not there, or not of that kind."""
    try:
        with path.open("rb") as file:
            content = file.read(MAX_CONFIG_BYTES + 1)
    except (OSError, ValueError) as error:  # a zero in its name
        raise ConfigError(path, getattr(error, "strerror", None) or str(error)) from error
    if len(content) > MAX_CONFIG_BYTES:
        raise ConfigError(path, f"more than {MAX_CONFIG_BYTES} bytes")
    try:
        return msgspec.toml.decode(content, type=kind)
    except (msgspec.DecodeError, ValueError, RecursionError) as error:
        raise ConfigError(path, str(error)) from error


def runner_profile(*settings: ProfileSettings) -> RunnerProfile:
    """The defaults, overruled by the first settings, and so on to the last."""
    known = {
        name: value
        for layer in settings
        for name in ProfileSettings.__struct_fields__
        if (value := getattr(layer, name)) is not None
    }
    return RunnerProfile(**known)
