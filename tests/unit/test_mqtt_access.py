"""The rules of the hub's own broker, as a broker in Python applies them."""

from hypothesis import given
from hypothesis import strategies as st
from paho.mqtt.client import topic_matches_sub

from stridehub.mqtt.access import Login, Right, access_for, is_local
from stridehub.mqtt.amqtt_broker import matches
from stridehub.mqtt.topics import Topics

TOPICS = Topics("hub-1")
HUB, OWNER = Login("hub", "secret"), Login("owner", "secret")

levels = st.lists(st.sampled_from(["stridehub", "1", "cmd", "", "a"]), min_size=1, max_size=4)
filters = st.builds(
    lambda start, end: "/".join([*start, *end]),
    st.lists(st.sampled_from(["stridehub", "1", "cmd", "", "a", "+"]), min_size=1, max_size=4),
    st.sampled_from([[], ["#"]]),
)


@given(filters, levels.map("/".join))
def test_filters_cover_what_they_cover_elsewhere(topics: str, topic: str) -> None:
    assert matches(topics, topic) == topic_matches_sub(topics, topic)


def test_who_may_write() -> None:
    access = access_for(TOPICS, HUB, OWNER)

    def writers(topic: str) -> set[str | None]:
        return {
            rule.user
            for rule in access.rules
            if rule.right is not Right.READ and matches(rule.topics, topic)
        }

    assert writers(TOPICS.status) == {"hub"}
    assert writers(TOPICS.command("mute")) == {"hub", "owner"}
    assert writers(TOPICS.command("mute") + "/more") == {"hub"}
    assert writers("stridehub/1/other/cmd/mute") == set()
    assert {login.user for login in access.logins} == {"hub", "owner"}


def test_which_addresses_only_this_machine_reaches() -> None:
    assert all(map(is_local, ["127.0.0.1", "127.9.9.9", "::1", "localhost"]))
    assert not any(map(is_local, ["0.0.0.0", "::", "192.0.2.1", "hub.local", ""]))
