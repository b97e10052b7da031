"""What can go wrong, each error carrying the offending value."""


class StrideHubError(Exception):
    """Anything stridehub refuses or fails at, in one line for the user."""


class UnknownPlacementError(StrideHubError):
    """A pod is said to sit where no pod sits."""

    def __init__(self, placement: object) -> None:
        super().__init__(f"unknown placement {placement!r}")
        self.placement = placement


class PacketError(StrideHubError):
    """A packet or info record that the wire codec refuses to read or write."""

    def __init__(self, reason: str, value: object) -> None:
        """`reason` is the codec's name of the result; `value` the bytes, or the fields, refused."""
        super().__init__(f"packet refused: {reason}")
        self.reason = reason
        self.value = value


class LinkRecordError(StrideHubError):
    """A record between hub and pod, other than samples and info, that cannot be read or written."""

    def __init__(self, record: str, reason: str, value: object) -> None:
        """`record` is which, such as "control"; `value` the bytes, or the fields, refused."""
        super().__init__(f"{record} record refused: {reason}")
        self.record = record
        self.reason = reason
        self.value = value


class ProfileError(StrideHubError):
    """A runner's profile with a value outside what a body can have."""

    def __init__(self, profile: object) -> None:
        super().__init__(f"profile out of range: {profile}")
        self.profile = profile


class PodRefusedError(StrideHubError):
    """A pod that a kernel does not take: its placement is worn already, or eight are."""

    def __init__(self, info: object, reason: str) -> None:
        super().__init__(f"pod refused: {reason}: {info}")
        self.info = info
        self.reason = reason


class KernelError(StrideHubError):
    """The kernel of this installation does not measure as it should."""

    def __init__(self, reason: str) -> None:
        super().__init__(f"the stride kernel fails its self-test: {reason}; install stridehub anew")
        self.reason = reason


class RecordingError(StrideHubError):
    """A recording that cannot be read, or whose content cannot be what it says."""

    def __init__(self, path: object, reason: str) -> None:
        super().__init__(f"{path}: {reason}")
        self.path = path
        self.reason = reason


class ConfigError(StrideHubError):
    """A file of settings that cannot be read or holds what it may not."""

    def __init__(self, path: object, reason: str) -> None:
        super().__init__(f"{path}: {reason}")
        self.path = path
        self.reason = reason


class PodLinkError(StrideHubError):
    """A pod that was reached and cannot be used as it is; the line says what to do about it."""

    def __init__(self, pod: object, reason: str, advice: str = "") -> None:
        super().__init__(f"{pod}: {reason}{f'; {advice}' if advice else ''}")
        self.pod = pod
        self.reason = reason
        self.advice = advice


class RadioError(StrideHubError):
    """Bluetooth of this machine that is not there, or does not do what it is told."""

    def __init__(self, what: object, reason: str) -> None:
        super().__init__(f"{what}: {reason}")
        self.what = what
        self.reason = reason


class MotorError(StrideHubError):
    """Motors that are not there, or do not do what they are told."""

    def __init__(self, what: object, reason: str) -> None:
        super().__init__(f"{what}: {reason}")
        self.what = what
        self.reason = reason


class StoreError(StrideHubError):
    """A file of the hub's own memory that cannot be read or written."""

    def __init__(self, path: object, reason: str) -> None:
        super().__init__(f"{path}: {reason}")
        self.path = path
        self.reason = reason


class HubRunsError(StrideHubError):
    """A command that wants the radio while the hub has it."""

    def __init__(self) -> None:
        super().__init__(
            "a hub runs and has the radio: `stridehub pods` shows what it sees; end it first"
        )


class NobodyToAskError(StrideHubError):
    """A question where no one can answer."""

    def __init__(self, question: str) -> None:
        super().__init__(f"nobody is there to be asked: {question.strip()}")
        self.question = question


class BrokerError(StrideHubError):
    """An MQTT broker that is not there, refuses, or cannot be started."""

    def __init__(self, broker: object, reason: str) -> None:
        super().__init__(f"{broker}: {reason}")
        self.broker = broker
        self.reason = reason


class PageError(StrideHubError):
    """The live page cannot be handed out."""

    def __init__(self, where: object, reason: str) -> None:
        super().__init__(f"the page at {where}: {reason}")
        self.where = where
        self.reason = reason
