"""Carries out what a coach tells the hub."""

from collections.abc import Callable, Iterable

from stridehub.broadcast.chronicle import Chronicle
from stridehub.errors import MotorError
from stridehub.mqtt.commands import (
    Command,
    Mark,
    MarkKind,
    Mute,
    SessionStart,
    SessionStop,
    SetZone,
    TestBuzz,
    Unmute,
)
from stridehub.mqtt.desk import Refused
from stridehub.team import Team


class Orders:
    def __init__(
        self, team: Team, chronicle: Chronicle, keep: Callable[[], None] = lambda: None
    ) -> None:
        """`keep` puts what is known of the runners into the session, before it ends."""
        self._team = team
        self._chronicle = chronicle
        self._keep = keep

    def carry_out(self, command: Command) -> str | None:
        """The session that a session_start began. Raises Refused."""
        match command:
            case SessionStart():
                return self.begin_session()
            case SessionStop():
                self._stop()
            case SetZone():
                self._set_zone(command)
            case Mute() | Unmute():
                for runner in self._runners(command.runner):
                    self._team.mute(runner, is_muted=isinstance(command, Mute))
            case TestBuzz():
                self._buzz(command)
            case Mark():
                self._mark(command)
        return None

    def _runners(self, runner: str | None) -> Iterable[str]:
        """All where none is named."""
        if runner is None:
            return tuple(self._team.coaches)
        self._check(runner)
        return (runner,)

    def _check(self, runner: str) -> None:
        if runner not in self._team.coaches:
            raise Refused(f"no runner {runner} here")

    def begin_session(self) -> str:
        """Ends the one under way; the id of the new one."""
        self._end()
        session = self._chronicle.begin_session()
        self._team.begin_session()
        return session

    def _stop(self) -> None:
        if self._chronicle.session is None:
            raise Refused("no session is under way")
        self._end()

    def _end(self) -> None:
        """What came of the last cue belongs to the session still."""
        self._team.end_session()
        self._keep()
        self._chronicle.end_session()

    def _set_zone(self, command: SetZone) -> None:
        self._check(command.runner)
        try:
            self._team.set_zone(
                command.runner, command.metric, command.low, command.high, command.speed_mps
            )
        except ValueError as error:
            raise Refused(str(error)) from error

    def _buzz(self, command: TestBuzz) -> None:
        self._check(command.runner)
        try:
            self._team.test_buzz(command.runner, command.side)
        except MotorError as error:
            raise Refused(str(error)) from error

    def _mark(self, command: Mark) -> None:
        runners = self._runners(command.runner)
        if command.kind is MarkKind.PAIN and command.level is not None:
            for runner in runners:
                self._team.mark_pain(runner, command.level)
        elif self._chronicle.session is None:
            raise Refused("no session is under way")
        self._chronicle.mark(command)
