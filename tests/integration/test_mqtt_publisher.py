"""What a hub says arrives at a real broker, in order; what coaches say arrives at the hub."""

import time
from pathlib import Path

import pytest

from listener import Listener
from mosquitto import Mosquitto
from on_the_loop import run, until
from publishing import CUE, STRIDE, TOPICS, hub_at
from stridehub.mqtt.desk import MAX_COMMAND_BYTES

SUMMARY = TOPICS.summary("ada")


def test_everything_arrives_once_and_in_order(tmp_path: Path) -> None:
    async def test() -> None:
        async with hub_at(broker.port, tmp_path) as hub:
            hub.put(range(300))
            await hub.connected()
            hub.put(range(300, 600))
            await hub.done()
            counts = hub.publisher.counts
            assert (counts.sent, counts.confirmed, counts.connects) == (600, 600, 1)
            assert hub.publisher.state.protocol == "5"

    with Mosquitto() as broker, Listener(broker.port) as listener:
        run(test())
        assert listener.numbers("stride", 600) == list(range(600))


def test_order_holds_over_all_topics(tmp_path: Path) -> None:
    async def test() -> None:
        async with hub_at(broker.port, tmp_path) as hub:
            for number in range(100):
                hub.put([number], (STRIDE, CUE)[number % 2])
            await hub.done()

    with Mosquitto() as broker, Listener(broker.port, TOPICS.everything) as listener:
        run(test())
        listener.wait(lambda: listener.payloads("status") == [b"bye"])
        told = [int(it.payload) for it in listener.heard if it.topic != TOPICS.status]
        assert told == list(range(100))


def test_what_is_live_does_not_wait_behind_a_backlog(tmp_path: Path) -> None:
    async def test() -> None:
        async with hub_at(broker.port, tmp_path, backlog_per_s=100) as hub:
            hub.put(range(1000))
            await hub.connected()
            await until(lambda: len(listener.heard) > 10)
            hub.publisher.live(SUMMARY, b"now")
            await until(lambda: listener.payloads("summary") == [b"now"])
            assert hub.letters.count() > 500

    with Mosquitto() as broker, Listener(broker.port) as listener:
        run(test())


def test_a_backlog_comes_at_a_bounded_rate(tmp_path: Path) -> None:
    async def test() -> None:
        async with hub_at(broker.port, tmp_path, backlog_per_s=50) as hub:
            hub.put(range(120))
            took_s = await until(lambda: hub.letters.count() == 0)
            assert took_s >= (120 - 50) / 50  # a second's worth comes at once

    with Mosquitto() as broker:
        run(test())


def test_of_live_messages_the_newest_counts(tmp_path: Path) -> None:
    """What is not retained is gone while there is no connection; of the rest the last one stays."""

    async def test() -> None:
        async with hub_at(broker.port, tmp_path) as hub:
            hub.publisher.live(TOPICS.health("p1"), b"lost")
            hub.publisher.live(TOPICS.checklist, b"old", retain=True)
            hub.publisher.live(TOPICS.checklist, b"new", retain=True)
            assert hub.publisher.counts.dropped == 1
            broker.start()
            await hub.connected()
            with Listener(broker.port) as listener:
                hub.publisher.live(TOPICS.health("p1"), b"seen")
                await until(lambda: bool(listener.payloads("health")))
                assert listener.payloads("checklist") == [b"new"]
                assert listener.payloads("health") == [b"seen"]

    with Mosquitto() as broker:
        broker.stop()
        run(test())


def test_a_retained_message_comes_back_with_the_broker_until_it_expires(tmp_path: Path) -> None:
    async def test() -> None:
        async with hub_at(broker.port, tmp_path) as hub:
            hub.publisher.live(SUMMARY, b"brief", retain=True, expiry_s=1)
            expired_s = time.monotonic() + 1
            hub.publisher.live(TOPICS.cycle("ada"), b"longer", retain=True, expiry_s=1000)
            hub.publisher.live(TOPICS.meta, b"for ever", retain=True)
            await hub.connected()
            with Listener(broker.port) as listener:
                await until(lambda: len(listener.heard) == 3)
                assert listener.payloads("summary") == [b"brief"]
            await until(lambda: not _retained(broker.port, SUMMARY))
            await until(lambda: time.monotonic() > expired_s)
            broker.kill()
            broker.start()
            with Listener(broker.port) as listener:
                await until(lambda: len(listener.heard) == 2)
                meta, cycle = sorted(listener.heard)
                assert (cycle.payload, meta.payload) == (b"longer", b"for ever")
                assert meta.expiry_s is None
                assert cycle.expiry_s is not None
                assert 900 < cycle.expiry_s <= 1000

    with Mosquitto() as broker:
        run(test())


def _retained(port: int, topic: str) -> bool:
    """Whether the broker still tells it to those who come."""
    probe = TOPICS.ack
    with Listener(port, "stridehub/#") as listener:
        listener.publish(probe, b"")
        listener.wait(lambda: listener.payloads("ack"))
        return any(heard.topic == topic for heard in listener.heard)


def test_the_last_word_is_the_hubs(tmp_path: Path) -> None:
    """What waits goes out first; then everybody who comes reads that it is offline."""

    async def test() -> None:
        async with hub_at(broker.port, tmp_path) as hub:
            hub.publisher.live(TOPICS.status, b"online", retain=True)
            await hub.connected()
            hub.put(range(200))

    with Mosquitto() as broker, Listener(broker.port) as listener:
        run(test())
        listener.wait(lambda: listener.payloads("status")[-1:] == [b"bye"])
        assert listener.numbers("stride", 200) == list(range(200))
        assert listener.heard[-1].payload == b"bye"
        with Listener(broker.port) as late:
            late.wait(lambda: late.payloads("status") == [b"bye"])


def test_commands_reach_the_loop(tmp_path: Path) -> None:
    """As they are; of one that is too large only its name, and of a huge one nothing."""

    async def test() -> None:
        async with hub_at(broker.port, tmp_path) as hub:
            await hub.connected()
            await until(lambda: _subscribes(broker))
            coach.publish(TOPICS.command("mute"), b"{}")
            coach.publish(TOPICS.command("mark"), b"x" * (MAX_COMMAND_BYTES + 1))
            coach.publish(TOPICS.command("mark"), bytes(3_000_000))
            coach.publish(TOPICS.command("lap"), b"\xff" * MAX_COMMAND_BYTES, retain=True)
            await until(lambda: len(hub.commands) >= 3)
            assert hub.commands == [
                ("mute", b"{}", False),
                ("mark", None, False),
                ("lap", b"\xff" * MAX_COMMAND_BYTES, True),
            ]
            assert hub.publisher.counts.connects == 1

    with Mosquitto(settings=["log_type all"]) as broker, Listener(broker.port) as coach:
        run(test())


def _subscribes(broker: Mosquitto) -> bool:
    return f"stridehub-{TOPICS.hub} 1 {TOPICS.commands}" in broker.log


def test_commands_do_not_wait_for_a_hub_that_is_away(tmp_path: Path) -> None:
    async def test(*, said: bytes) -> None:
        async with hub_at(broker.port, tmp_path) as hub:
            await hub.connected()
            await until(lambda: broker.log.count(f"1 {TOPICS.commands}") == int(said))
            coach.publish(TOPICS.command("mark"), said)
            await until(lambda: bool(hub.commands))
            assert hub.commands == [("mark", said, False)]

    with Mosquitto(settings=["log_type all"]) as broker, Listener(broker.port) as coach:
        run(test(said=b"1"))
        coach.publish(TOPICS.command("mark"), b"into the void")
        coach.publish(TOPICS.command("mark"), b"kept by the broker", retain=True)
        run(test(said=b"2"))


def test_an_answer_is_said_as_often_as_it_is_given(tmp_path: Path) -> None:
    async def test() -> None:
        async with hub_at(broker.port, tmp_path) as hub:
            hub.publisher.say(TOPICS.ack, b"nobody is there")
            with broker, Listener(broker.port) as listener:
                await hub.connected()
                for number in range(50):
                    hub.publisher.say(TOPICS.ack, b"%d" % number)
                await until(lambda: len(listener.payloads("ack")) == 50)
                assert listener.numbers("ack", 50) == list(range(50))
            assert hub.publisher.counts.dropped == 1

    broker = Mosquitto()
    run(test())


def test_a_letter_that_is_far_too_large_holds_up_no_other(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    async def test() -> None:
        async with hub_at(broker.port, tmp_path) as hub:
            hub.put([1])
            hub.letters.put([(CUE, bytes(70_000))])
            hub.put([2, 3])
            await hub.done()
            assert hub.publisher.counts.set_aside == 1
            assert hub.publisher.counts.confirmed == 3
            assert hub.publisher.state.trouble is None

    with Mosquitto() as broker, Listener(broker.port) as listener:
        run(test())
        assert listener.numbers("stride", 3) == [1, 2, 3]
        assert "can never take" in caplog.text
