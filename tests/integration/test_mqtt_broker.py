"""A broker of the hub's own: there when asked for, for those it is meant for, gone with the hub."""

import os
import signal
import socket
import stat
import subprocess
import sys
import textwrap
from contextlib import AbstractAsyncContextManager
from dataclasses import replace
from pathlib import Path
from typing import Literal

import pytest

from listener import Listener
from mosquitto import free_port, program
from on_the_loop import run, until
from publishing import STRIDE, TOPICS, hub_at
from stridehub.commands.supervisor import Supervisor
from stridehub.config import BrokerConfig
from stridehub.errors import BrokerError
from stridehub.mqtt import connection
from stridehub.mqtt.access import OWNER
from stridehub.mqtt.broker import OWNER_FILE, Broker
from stridehub.mqtt.endpoint import Endpoint

Name = Literal["mosquitto", "amqtt"]
MUTE = TOPICS.command("mute")
ELSEWHERE = "stridehub/1/other-hub/cmd/mute"


@pytest.fixture(params=["mosquitto", "amqtt"])
def name(request: pytest.FixtureRequest) -> Name:
    if request.param == "mosquitto":
        program()
    chosen: Name = request.param
    return chosen


def config(name: Name | None, listen: str = "127.0.0.1") -> BrokerConfig:
    return BrokerConfig(listen=listen, port=free_port(), ws_port=free_port(), program=name)


def test_a_hub_and_its_page_meet_there(name: Name, tmp_path: Path) -> None:
    """The page by WebSocket, with the login it is given; on this machine it may command."""

    async def test() -> None:
        broker = Broker(config(name), TOPICS, tmp_path)
        async with broker.running(), hub_at(broker.endpoint, tmp_path) as hub:
            assert broker.name == name
            await hub.connected()
            assert hub.publisher.state.protocol == {"mosquitto": "5", "amqtt": "3.1.1"}[name]
            assert broker.page_login is not None
            login = (broker.page_login.user, broker.page_login.password)
            page = Listener(
                broker.ws_port, transport="websockets", v5=name == "mosquitto", login=login
            )
            with page:
                hub.put(range(100))
                hub.publisher.live(TOPICS.status, b"online", retain=True)
                await hub.done()
                await until(lambda: len(page.payloads("stride")) == 100)
                assert page.numbers("stride", 100) == list(range(100))
                await until(lambda: page.payloads("status") == [b"online"])
                page.publish(MUTE, b"{}")
                await until(lambda: hub.commands == [("mute", b"{}", False)])

    run(test())


def test_nobody_else_speaks_for_the_hub(name: Name, tmp_path: Path) -> None:
    async def test() -> None:
        broker = Broker(config(name), TOPICS, tmp_path)
        async with broker.running():
            v5 = name == "mosquitto"
            with Listener(broker.port, v5=v5) as guest:
                for topic in (STRIDE, TOPICS.status, ELSEWHERE, "anything"):
                    guest.publish(topic, b"forged")
                guest.publish(MUTE, b"the last")
                # nobody reads commands but the hub: ask it
                async with hub_at(broker.endpoint, tmp_path) as hub:
                    await hub.connected()
                    hub.publisher.live(TOPICS.checklist, b"[]")
                    await until(lambda: bool(guest.payloads("checklist")))
                assert b"forged" not in [heard.payload for heard in guest.heard]
            with Listener(broker.port, v5=v5, login=("hub", "guess")) as liar:
                assert liar.refusal is not None

    run(test())


def test_others_of_the_network_need_a_password_to_command(name: Name, tmp_path: Path) -> None:
    async def test() -> None:
        broker = Broker(config(name, "0.0.0.0"), TOPICS, tmp_path)
        assert broker.page_login is None
        async with broker.running(), hub_at(broker.endpoint, tmp_path) as hub:
            await hub.connected()
            v5 = name == "mosquitto"
            login = (broker.owner.user, broker.owner.password)
            with Listener(broker.port, v5=v5) as guest:
                guest.publish(MUTE, b"of a guest")
                hub.publisher.live(TOPICS.checklist, b"[]", retain=True)
                await until(lambda: guest.payloads("checklist") == [b"[]"])
            with Listener(broker.port, v5=v5, login=login) as owner:
                await until(lambda: bool(owner.payloads("checklist")))
                owner.publish(TOPICS.checklist, b"of the owner")
                owner.publish(MUTE, b"of the owner")
                await until(lambda: bool(hub.commands))
                assert set(owner.payloads("checklist")) == {b"[]"}  # amqtt says it twice
            assert hub.commands == [("mute", b"of the owner", False)]

    run(test())


def test_the_owners_password_is_made_once_and_for_nobody_else(tmp_path: Path) -> None:
    first = Broker(config(None, "0.0.0.0"), TOPICS, tmp_path).owner
    again = Broker(config(None, "0.0.0.0"), TOPICS, tmp_path).owner
    assert first == again
    assert first.user == OWNER
    assert first.password not in repr(first)
    assert stat.S_IMODE((tmp_path / OWNER_FILE).stat().st_mode) == 0o600
    of_this_machine = Broker(config(None), TOPICS, tmp_path / "none").owner
    assert of_this_machine.password not in (first.password, "")
    assert not (tmp_path / "none").exists()


def test_a_web_site_in_a_browser_of_this_machine_neither_reads_nor_commands(tmp_path: Path) -> None:
    """It can open the same WebSocket, and has no login."""
    program()

    async def test() -> None:
        broker = Broker(config("mosquitto"), TOPICS, tmp_path)
        async with broker.running():
            with Listener(broker.ws_port, transport="websockets") as site:
                assert site.refusal is not None

    run(test())


@pytest.mark.parametrize("listen", ["127.0.0.1", "localhost"])
def test_it_listens_where_it_was_told_and_nowhere_else(
    name: Name, tmp_path: Path, listen: str
) -> None:
    async def test() -> None:
        broker = Broker(config(name, listen), TOPICS, tmp_path)
        async with broker.running():
            for port in (broker.port, broker.ws_port):
                socket.create_connection(("127.0.0.1", port), timeout=5.0).close()
                with pytest.raises(OSError, match="refused"):
                    socket.create_connection(("127.0.0.2", port), timeout=5.0)

    run(test())


def test_a_program_of_this_machine_may_command(tmp_path: Path) -> None:
    program()

    async def test() -> None:
        broker = Broker(config("mosquitto"), TOPICS, tmp_path)
        async with broker.running(), hub_at(broker.endpoint, tmp_path) as hub:
            await hub.connected()
            with Listener(broker.port) as here:
                here.publish(MUTE, b"{}")
                await until(lambda: hub.commands == [("mute", b"{}", False)])

    run(test())


def test_a_taken_port_moves_to_a_free_one(tmp_path: Path) -> None:
    async def test() -> None:
        with (
            socket.create_server(("127.0.0.1", 0)) as one,
            socket.create_server(("127.0.0.1", 0)) as two,
        ):
            taken = one.getsockname()[1], two.getsockname()[1]
            wanted = BrokerConfig(port=taken[0], ws_port=taken[1])
            broker = Broker(wanted, TOPICS, tmp_path)
            async with broker.running(), hub_at(broker.endpoint, tmp_path) as hub:
                assert not {broker.port, broker.ws_port} & set(taken)
                assert broker.port != broker.ws_port
                hub.put([1])
                await hub.done()

    run(test())


def test_one_that_dies_is_back_on_the_same_ports(name: Name, tmp_path: Path) -> None:
    async def test() -> None:
        broker = Broker(config(name), TOPICS, tmp_path)
        async with Supervisor(broker).running(), hub_at(broker.endpoint, tmp_path) as hub:
            hub.publisher.live(TOPICS.status, b"online", retain=True)
            hub.put([1])
            await hub.done()
            before = broker.port, broker.ws_port
            for pid in listening(broker.port):
                os.kill(pid, signal.SIGKILL)
            await until(lambda: not hub.publisher.state.is_connected)
            hub.put([2])
            await hub.done()
            assert (broker.port, broker.ws_port) == before
            with Listener(broker.port, v5=name == "mosquitto") as page:
                await until(lambda: page.payloads("status") == [b"online"])
        assert not listening(broker.port)

    run(test())


class Counted:
    """A broker, and how often it was started."""

    def __init__(self, broker: Broker) -> None:
        self.starts = 0
        self.watch = broker.watch
        self._broker = broker

    def running(self) -> AbstractAsyncContextManager[None]:
        self.starts += 1
        return self._broker.running()


def test_one_that_cannot_start_is_told_once_and_there_in_the_end(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """Its password cannot be kept at first: the state folder is none."""
    state = tmp_path / "state"
    state.write_text("")

    async def test() -> None:
        broker = Broker(config(None, "0.0.0.0"), TOPICS, state)
        counted = Counted(broker)
        kept = Supervisor(counted)
        async with kept.running(), hub_at(broker.endpoint, tmp_path) as hub:
            await hub.told("the hub's own broker does not listen")
            await until(lambda: counted.starts == 3)
            assert "no password for 'owner'" in str(kept.failure)
            assert caplog.text.count("no password for 'owner'") == 1
            state.unlink()
            await hub.connected()
            assert kept.failure is None

    run(test())


def test_one_that_hangs_ends_at_once(name: Name, tmp_path: Path) -> None:
    async def test() -> None:
        broker = Broker(config(name), TOPICS, tmp_path)
        async with broker.running():
            (pid,) = listening(broker.port)
            os.kill(pid, signal.SIGSTOP)
        assert not listening(broker.port)

    run(test())


@pytest.mark.parametrize(
    ("transport", "size"),
    # mosquitto reads 40 kB a second from a WebSocket: not a whole megabyte there.
    [("tcp", 1_000_000), ("websockets", 300_000)],
)
def test_what_is_far_too_large_reaches_the_hub_which_says_so(
    transport: Literal["tcp", "websockets"], size: int, name: Name, tmp_path: Path
) -> None:
    """It comes as None: the hub does not look at it."""

    async def test() -> None:
        broker = Broker(config(name), TOPICS, tmp_path)
        async with broker.running(), hub_at(broker.endpoint, tmp_path) as hub:
            await hub.connected()
            port = broker.port if transport == "tcp" else broker.ws_port
            login = (broker.owner.user, broker.owner.password)
            v5 = name == "mosquitto"
            with Listener(port, transport=transport, v5=v5, login=login) as coach:
                assert coach.publish(MUTE, bytes(size)) is None
                await until(lambda: hub.commands == [("mute", None, False)])
                assert hub.publisher.state.is_connected

    run(test())


def listening(port: int) -> set[int]:
    """Processes that listen on the port; from /proc, so of root's tests or one's own."""
    wanted = f":{port:04X}"
    sockets = {
        f"socket:[{line.split()[9]}]"
        for line in Path("/proc/net/tcp").read_text().splitlines()[1:]
        if line.split()[1].endswith(wanted) and line.split()[3] == "0A"
    }
    return {
        int(link.parts[2]) for link in Path("/proc").glob("[0-9]*/fd/*") if _at(link) in sockets
    }


def _at(link: Path) -> str:
    try:
        return os.readlink(link)
    except OSError:
        return ""


_HUB = """
    import asyncio, sys
    from pathlib import Path
    from stridehub.config import BrokerConfig
    from stridehub.mqtt.broker import Broker
    from stridehub.mqtt.topics import Topics

    async def main():
        config = BrokerConfig(port=int(sys.argv[1]), ws_port=int(sys.argv[2]), program=sys.argv[3])
        broker = Broker(config, Topics("hub"), Path("/nonexistent"))
        async with broker.running():
            print(broker.port, flush=True)
            await asyncio.sleep(1000)

    asyncio.run(main())
"""


def test_it_ends_with_a_hub_that_is_killed(name: Name) -> None:
    command = [
        sys.executable,
        "-c",
        textwrap.dedent(_HUB),
        str(free_port()),
        str(free_port()),
        name,
    ]
    with subprocess.Popen(command, stdout=subprocess.PIPE) as hub:
        assert hub.stdout is not None
        port = int(hub.stdout.readline())
        assert listening(port)
        hub.kill()
    run(_gone(port))


async def _gone(port: int) -> None:
    await until(lambda: not listening(port))


def test_an_address_of_another_machine_is_a_clear_error(tmp_path: Path) -> None:
    async def test() -> None:
        with pytest.raises(BrokerError, match=r"192\.0\.2\.1: cannot listen there"):
            async with Broker(config(None, "192.0.2.1"), TOPICS, tmp_path).running():
                pass

    run(test())


def test_a_mosquitto_that_does_not_start_gives_way_to_the_other(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One without WebSockets, say."""
    folder = tmp_path / "bin"
    folder.mkdir()
    for tool in ("mosquitto", "mosquitto_passwd"):
        (folder / tool).write_text("#!/bin/sh\necho no websockets here >&2\nexit 0\n")
        (folder / tool).chmod(0o755)
    monkeypatch.setenv("PATH", f"{folder}:{os.environ['PATH']}")

    async def test() -> None:
        broker = Broker(config(None), TOPICS, tmp_path)
        async with broker.running():
            assert broker.name == "amqtt"

    run(test())


def test_an_old_broker_is_spoken_to_as_it_can(
    name: Name, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As somebody else's, of which nobody knows what it speaks."""
    monkeypatch.setattr(connection, "MQTT_CONNACK_S", 1.0)

    async def test() -> None:
        broker = Broker(config(name), TOPICS, tmp_path)

        def find() -> Endpoint:
            return replace(broker.endpoint(), speaks_v5=None)

        async with broker.running(), hub_at(find, tmp_path) as hub:
            hub.put(range(10))
            await hub.done()
            assert hub.publisher.state.protocol == {"mosquitto": "5", "amqtt": "3.1.1"}[name]

    run(test())


def test_without_expiry_summaries_go_with_the_hub(tmp_path: Path) -> None:
    """Version 3.1.1: what the hub keeps telling stays, what would have expired is taken back."""

    async def test() -> None:
        broker = Broker(config("amqtt"), TOPICS, tmp_path)
        async with broker.running():
            async with hub_at(broker.endpoint, tmp_path) as hub:
                hub.publisher.live(TOPICS.summary("ada"), b"{}", retain=True, expiry_s=60)
                hub.publisher.live(TOPICS.meta, b"{}", retain=True)
                with Listener(broker.port, v5=False) as early:  # it may drop what it has not read
                    await until(lambda: bool(early.payloads("meta")))
            with Listener(broker.port, v5=False) as late:
                await until(lambda: bool(late.payloads("meta")))
                await until(lambda: bool(late.payloads("status")))
                assert late.payloads("summary") in ([], [b""])

    run(test())
