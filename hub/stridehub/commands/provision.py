"""Makes a pod this hub's own, step by step, at the terminal."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from stridehub.commands.asking import Ask, asked, asker
from stridehub.commands.pod_table import pod_table
from stridehub.config import HubConfig, load_hub_config
from stridehub.display import print_table
from stridehub.errors import LinkRecordError, PodLinkError, RadioError
from stridehub.kernel.link import MAX_NAME_BYTES, MAX_RUNNER_BYTES, PodConfig, encode_config
from stridehub.model import KnownPod, Placement
from stridehub.pods.bluez import BlueZ
from stridehub.pods.finder import Sightings, usable_adapters, watch
from stridehub.pods.gatt import PodGatt
from stridehub.pods.provisioning import (
    ForgottenError,
    choose_adapter,
    identify,
    paired,
    tell_purpose,
)
from stridehub.pods.radio import Host, HostAdapter, Radio, Sighting
from stridehub.record.roster import Roster
from stridehub.record.snapshot import refuse_beside_running_hub

LOOK_S = 5.0


@dataclass(frozen=True, slots=True)
class Wish:
    """What the arguments say; None: to be asked."""

    pod: str | None = None  # address or name; the only one around needs none where one is sure
    placement: Placement | None = None
    runner: str | None = None
    name: str | None = None
    is_sure: bool = False  # asks nothing but what is missing


def provision(config_path: Path | None, wish: Wish) -> None:
    """Raises ConfigError, HubRunsError, StoreError, RadioError, PodLinkError,
    NobodyToAskError, UnknownPlacementError.
    """
    config = load_hub_config(config_path)
    refuse_beside_running_hub(config.runtime)
    provisioner = Provisioner(config, Roster(config.database), Radio(), BlueZ(), asker())
    pod = asyncio.run(provisioner.run(wish))
    print(f"{pod.name or pod.address} is {pod.placement.label} of {pod.runner}")


class Provisioner:
    """Asks for what it is not told."""

    def __init__(
        self, config: HubConfig, roster: Roster, radio: Radio, host: Host, ask: Ask
    ) -> None:
        self._config = config
        self._roster = roster
        self._radio = radio
        self._host = host
        self._ask = ask

    async def run(self, wish: Wish) -> KnownPod:
        _can_be_kept(wish)
        known = self._roster.pods()
        adapters = await usable_adapters(self._host, self._config.radio.adapters)
        seen = await self._look(adapters, wish.pod)
        address = await self._choose(wish, seen, known)
        adapter = choose_adapter(
            address,
            seen,
            adapters,
            known,
            self._roster.most_links(),
            self._config.radio.most_links,
        )
        sighting = seen[adapter.address, address]
        try:
            return await self._make_ours(wish, adapter, sighting, known)
        except ForgottenError:
            await self._host.forget(adapter.name, address)
            again = (await self._look([adapter], address)).get((adapter.address, address))
            if again is None:
                raise
            return await self._make_ours(wish, adapter, again, known)

    async def _look(self, adapters: Sequence[HostAdapter], pod: str | None) -> Sightings:
        return await watch(
            self._radio, adapters, LOOK_S, until=lambda seen: _by_all(adapters, pod, seen)
        )

    async def _choose(self, wish: Wish, seen: Sightings, known: list[KnownPod]) -> str:
        if not seen:
            raise RadioError("no pod seen", "move one, or hold it to its charger, to wake it")
        if wish.pod is not None:
            address = _matching(wish.pod, seen)
            if address is None:
                raise RadioError(
                    wish.pod, "no such pod seen; `stridehub scan` shows those that are"
                )
            return address
        addresses = {address for _, address in seen}
        if wish.is_sure and len(addresses) == 1:
            return addresses.pop()
        print_table(pod_table("which pod?", seen, known, "the one that you hold is the loudest"))
        loudest = max(seen.values(), key=lambda sighting: sighting.rssi_dbm)
        while True:
            answer = await self._asked(f"address or name [{loudest.name or loudest.address}]: ")
            address = _matching(answer, seen) if answer else loudest.address
            if address is not None:
                return address

    async def _make_ours(
        self, wish: Wish, adapter: HostAdapter, sighting: Sighting, known: list[KnownPod]
    ) -> KnownPod:
        async with paired(self._radio, self._host, adapter, sighting) as (gatt, before):
            await self._show_which(wish, gatt)
            config = await self._purpose(wish, before)
            await tell_purpose(gatt, config)
        assert config.placement is not None
        pod = KnownPod(
            sighting.address, config.name, config.placement, config.runner, adapter.address
        )
        self._replace_others(pod, known)
        self._roster.keep(pod)
        return pod

    async def _show_which(self, wish: Wish, gatt: PodGatt) -> None:
        await identify(gatt)
        if wish.is_sure:
            return
        answer = await self._asked("is it the pod that blinks and buzzes? [Y/n] ")
        if answer.lower().startswith("n"):
            raise PodLinkError("pod", "not the one meant", "name another with --pod")

    async def _purpose(self, wish: Wish, before: PodConfig) -> PodConfig:
        return replace(
            before,
            placement=wish.placement or await self._placement(wish, before.placement),
            runner=wish.runner or await self._text(wish, "runner", before.runner),
            name=before.name if wish.name is None else wish.name,
        )

    async def _placement(self, wish: Wish, before: Placement | None) -> Placement:
        """Raises UnknownPlacementError."""
        labels = ", ".join(place.label for place in Placement)
        return Placement.from_label(
            await self._text(wish, f"placement ({labels})", before.label if before else "")
        )

    async def _text(self, wish: Wish, question: str, default: str) -> str:
        if wish.is_sure and default:
            return default
        while True:
            hint = f" [{default}]" if default else ""
            if answer := (await self._asked(f"{question}{hint}: ")).strip() or default:
                return answer

    async def _asked(self, question: str) -> str:
        return await asked(self._ask, question)

    def _replace_others(self, pod: KnownPod, known: list[KnownPod]) -> None:
        for other in known:
            is_there = (other.runner, other.placement) == (pod.runner, pod.placement)
            if is_there and other.address != pod.address:
                print(f"{other.name or other.address} was there before; it is not used any more")
                self._roster.forget(other.address)


def _can_be_kept(wish: Wish) -> None:
    try:
        encode_config(PodConfig(wish.placement, wish.name or "", wish.runner or ""))
    except LinkRecordError as error:
        advice = f"a runner is up to {MAX_RUNNER_BYTES} of A-Z a-z 0-9 - _, a name up to"
        raise PodLinkError(
            "provision",
            "no pod can keep such a runner or name",
            f"{advice} {MAX_NAME_BYTES} bytes",
        ) from error


def _matching(pod: str | None, seen: Sightings) -> str | None:
    """The address of the pod of that address, or of that name: ours before a stranger's."""
    if pod is None:
        return None
    for sighting in sorted(seen.values(), key=lambda sighting: not sighting.bonded):
        if pod.upper() == sighting.address.upper() or pod == sighting.name:
            return sighting.address
    return None


def _by_all(adapters: Sequence[HostAdapter], pod: str | None, seen: Sightings) -> bool:
    """Whether each adapter sees the pod: more would change no choice."""
    address = _matching(pod, seen)
    return all((adapter.address, address) in seen for adapter in adapters)
