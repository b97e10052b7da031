"""Makes a pod this hub's own: bonds with it, and tells it what it is for."""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Collection, Mapping, Sequence
from contextlib import asynccontextmanager, suppress

from stridehub.errors import PodLinkError, RadioError
from stridehub.kernel.link import HapticPattern, Opcode, PodConfig
from stridehub.model import KnownPod
from stridehub.pods.backoff import Failure
from stridehub.pods.failures import RADIO_ERRORS, failure_of, reason_of
from stridehub.pods.finder import Sightings
from stridehub.pods.gatt import PodGatt
from stridehub.pods.radio import Host, HostAdapter, Radio, Sighting
from stridehub.timing import CONNECT_S, DISCONNECT_S, PAIR_S

BLINK_S = 20  # for someone to look around which pod it is
_HERE_I_AM = HapticPattern(intensity_percent=80, pulses=3, on_ms=120, off_ms=200)


def choose_adapter(
    pod: str,
    seen: Sightings,
    adapters: Sequence[HostAdapter],
    known: Collection[KnownPod],
    most_links: Mapping[str, int],
    usual_links: int,
) -> HostAdapter:
    """The one that holds the pod's bond, or else has most links to spare.

    `most_links` is what adapters have proved to hold. Raises RadioError where none has any left.
    """
    taken = Counter(other.adapter for other in known if other.address != pod)
    hearing = [adapter for adapter in adapters if (adapter.address, pod) in seen]

    def free(adapter: HostAdapter) -> int:
        return (
            min(usual_links, most_links.get(adapter.address, usual_links)) - taken[adapter.address]
        )

    with_room = [adapter for adapter in hearing if free(adapter) > 0]
    if not with_room:
        held = ", ".join(f"{adapter.address} {taken[adapter.address]} pods" for adapter in hearing)
        advice = f"{Failure.NO_SLOT.value.advice}, or forget a pod: `stridehub pods --forget`"
        raise RadioError("no adapter holds one more pod", f"{held}; {advice}")
    return max(
        with_room,
        key=lambda adapter: (
            seen[adapter.address, pod].bonded,
            free(adapter),
            seen[adapter.address, pod].rssi_dbm,
        ),
    )


class ForgottenError(PodLinkError):
    """The pod has lost its bond, and BlueZ has not: that of BlueZ is in the way of a new one."""


@asynccontextmanager
async def paired(
    radio: Radio, host: Host, adapter: HostAdapter, sighting: Sighting
) -> AsyncIterator[tuple[PodGatt, PodConfig]]:
    """The pod, bonded with that adapter, and what it is for; disconnected in the end.

    Raises PodLinkError with what to do about it, ForgottenError where `host.forget`, another
    sighting and another try are.
    """
    _may_pair(sighting)
    has_met = False
    try:
        async with host.pairing(adapter.name, sighting.address):
            async with asyncio.timeout(CONNECT_S + PAIR_S):
                client = await radio.connect(
                    sighting, adapter.name, lambda: None, pair=not sighting.bonded
                )
            try:
                gatt = PodGatt(client)
                config = await gatt.config()
                has_met = True
                yield gatt, config
            finally:
                with suppress(Exception):  # bleak raises anything where a link is in ruins
                    async with asyncio.timeout(DISCONNECT_S):
                        await client.disconnect()
    except RADIO_ERRORS as error:
        is_forgotten = not has_met and sighting.bonded and failure_of(error) in _BOND_LOST
        kind = ForgottenError if is_forgotten and sighting.is_pairing else PodLinkError
        raise kind(sighting.name or sighting.address, reason_of(error)) from error


# A pod that has no key for a link that BlueZ encrypts hangs up; it may look like silence, too.
_BOND_LOST = (Failure.NOT_BONDED, Failure.HUNG_UP, Failure.ABORTED, Failure.LOST, Failure.TIMED_OUT)


def _may_pair(sighting: Sighting) -> None:
    pod = sighting.name or sighting.address
    if sighting.is_other_version:
        manner = Failure.OTHER_VERSION.value
        raise PodLinkError(pod, manner.reason, manner.advice)
    if sighting.advertisement is None or sighting.bonded or sighting.is_pairing:
        return
    raise PodLinkError(
        pod,
        "does not pair now",
        "double-tap it, its light blinks, and try again within a minute",
    )


async def identify(gatt: PodGatt) -> None:
    """The pod blinks and buzzes. Raises any of RADIO_ERRORS."""
    await gatt.control(Opcode.IDENTIFY, BLINK_S)
    await gatt.buzz(_HERE_I_AM)


async def tell_purpose(gatt: PodGatt, config: PodConfig) -> None:
    """Kept in the pod's flash when this returns. Raises any of RADIO_ERRORS."""
    await gatt.configure(config)
    kept = await gatt.config()
    if kept != config:
        raise PodLinkError(config.name or "the pod", "has not kept what it was told", "try again")
    await gatt.control(Opcode.IDENTIFY, 0)
