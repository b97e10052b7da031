"""A broker in Python, for machines without mosquitto: MQTT 3.1.1, a few clients, nothing kept.

python -m stridehub.mqtt.amqtt_broker < PLAN.json
"""

import asyncio
import hmac
import logging
import secrets
import signal
import sys
from dataclasses import asdict, dataclass, field
from typing import Any

import msgspec
from amqtt.broker import Broker
from amqtt.contexts import Action, BaseContext
from amqtt.plugins.base import BaseAuthPlugin, BaseTopicPlugin
from amqtt.session import Session

from stridehub.hosts import in_url
from stridehub.mqtt.access import Right
from stridehub.mqtt.programs import Plan

_HERE = "stridehub.mqtt.amqtt_broker"
_RIGHTS = {
    Action.PUBLISH: (Right.WRITE, Right.BOTH),
    Action.RECEIVE: (Right.READ, Right.BOTH),
}


class Door(BaseAuthPlugin, BaseTopicPlugin):  # type: ignore[misc]
    """Whoever gives no name comes in; whoever gives one needs its password.

    Everybody may subscribe to anything, and gets what they may read of it.
    """

    @dataclass
    class Config:
        logins: list[dict[str, str]] = field(default_factory=list)
        rules: list[dict[str, Any]] = field(default_factory=list)

    def __init__(self, context: BaseContext) -> None:
        super().__init__(context)
        self._passwords = {login["user"]: login["password"] for login in self.config.logins}
        self._refused = _new_id()

    async def authenticate(self, *, session: Session) -> bool:
        """amqtt asks topic_filtering() about no last will: here a forbidden one stays out."""
        session.is_anonymous = session.username is None
        is_welcome = self._knows(session) and self._may_leave_its_will(session)
        _set_apart(session, _new_id() if is_welcome else self._refused)
        return is_welcome

    def _knows(self, session: Session) -> bool:
        if session.username is None:
            return True
        expected = self._passwords.get(session.username, "")
        given = session.password or ""
        return expected != "" and hmac.compare_digest(expected.encode(), given.encode())

    def _may_leave_its_will(self, session: Session) -> bool:
        return not session.will_flag or self._may(
            session.username, Action.PUBLISH, session.will_topic
        )

    async def topic_filtering(
        self,
        *,
        session: Session | None = None,
        topic: str | None = None,
        action: Action | None = None,
    ) -> bool:
        if action not in _RIGHTS:
            return True
        return self._may(None if session is None else session.username, action, topic)

    def _may(self, user: str | None, action: Action, topic: str | None) -> bool:
        return any(
            rule["user"] == user
            and rule["right"] in _RIGHTS[action]
            and matches(rule["topics"], topic or "")
            for rule in self.config.rules
        )


def _set_apart(session: Session, client_id: str) -> None:
    """Under a name that nobody can give.

    amqtt looks for a session of the same name before it asks for the password, and gives it the
    newcomer's user and will: so anybody could get at anybody's. Kept is nothing anyway.
    """
    session.client_id = client_id
    session.clean_session = True


def _new_id() -> str:
    return secrets.token_urlsafe()


def matches(topics: str, topic: str) -> bool:
    """Whether the filter covers the topic."""
    wanted, given = topics.split("/"), topic.split("/")
    if wanted[-1] == "#":
        wanted = wanted[:-1]
        given = given[: len(wanted)]
    return len(wanted) == len(given) and all(
        want in ("+", level) for want, level in zip(wanted, given, strict=True)
    )


def settings(plan: Plan) -> dict[str, Any]:
    """As amqtt wants to be told."""
    host = in_url(plan.listen)
    return {
        "listeners": {
            "default": {"type": "tcp", "bind": f"{host}:{plan.port}"},
            "pages": {"type": "ws", "bind": f"{host}:{plan.ws_port}"},
        },
        "plugins": {
            f"{_HERE}.Door": {
                "logins": [asdict(login) for login in plan.access.logins],
                "rules": [asdict(rule) for rule in plan.access.rules],
            }
        },
    }


async def serve(plan: Plan) -> None:
    """Until SIGTERM."""
    ended = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, ended.set)
    broker = Broker(settings(plan))
    await broker.start()
    await ended.wait()
    await broker.shutdown()


def main() -> int:
    logging.basicConfig(level=logging.ERROR)
    asyncio.run(serve(msgspec.json.decode(sys.stdin.buffer.read(), type=Plan)))
    return 0


if __name__ == "__main__":
    sys.exit(main())
