"""Names of all topics of a hub."""

from dataclasses import dataclass

VERSION = 1


@dataclass(frozen=True, slots=True)
class Topics:
    """Below `stridehub/1/{hub}/`; ids are of letters, digits, - and _."""

    hub: str

    def _of(self, rest: str) -> str:
        return f"stridehub/{VERSION}/{self.hub}/{rest}"

    @property
    def status(self) -> str:
        return self._of("status")

    @property
    def meta(self) -> str:
        return self._of("meta")

    @property
    def checklist(self) -> str:
        return self._of("checklist")

    @property
    def alert(self) -> str:
        return self._of("alert")

    @property
    def ack(self) -> str:
        return self._of("ack")

    def health(self, pod: str) -> str:
        return self._of(f"pod/{pod}/health")

    def stride(self, runner: str) -> str:
        return self._of(f"runner/{runner}/stride")

    def summary(self, runner: str) -> str:
        return self._of(f"runner/{runner}/summary")

    def cycle(self, runner: str) -> str:
        return self._of(f"runner/{runner}/cycle")

    def zone(self, runner: str) -> str:
        return self._of(f"runner/{runner}/zone")

    def explain(self, runner: str) -> str:
        return self._of(f"runner/{runner}/explain")

    def cue(self, runner: str) -> str:
        return self._of(f"runner/{runner}/cue")

    @property
    def doctor(self) -> str:
        """Nobody listens: whether the hub may write what is its own."""
        return self._of("doctor")

    @property
    def everything(self) -> str:
        """A filter: all of this hub."""
        return self._of("#")

    @property
    def commands(self) -> str:
        """A filter: all commands to this hub."""
        return self._of("cmd/+")

    def command(self, name: str) -> str:
        return self._of(f"cmd/{name}")
