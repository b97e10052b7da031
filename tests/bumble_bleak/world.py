"""Pods and hubs within reach of each other."""

from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from itertools import tee

from bumble_bleak.air import Air, Radio
from bumble_bleak.backend import backends
from bumble_bleak.central import Central
from bumble_bleak.host import BumbleHost
from stridehub.model import Placement
from stridehub.sim.knobs import RunnerKnobs
from stridehub.sim.runner import SyntheticRunner
from virtual_pod.ble import BlePod
from virtual_pod.drive import Body, dressed, runner_motion

SHANKS_AND_PELVIS = (Placement.PELVIS, Placement.SHANK_L, Placement.SHANK_R)


class World:
    """Methods name a pod by its number."""

    def __init__(self, adapters: int = 1) -> None:
        """Adapters are hci0 and so on; bleak's `bluez={"adapter": ...}` chooses."""
        self._air = Air()
        self.centrals = [
            Central(self._air, f"F1:00:00:00:00:{number + 1:02X}", f"hci{number}")
            for number in range(adapters)
        ]
        self.scanner, self.client = backends(*self.centrals)
        self.host = BumbleHost(*self.centrals)
        self.pods: list[BlePod] = []
        self._radios: list[Radio] = []

    @staticmethod
    def address(pod: int) -> str:
        return f"F0:D6:16:00:00:{pod + 1:02X}"

    # ---- who is there ----

    async def add_pod(self, body: Body, speed: float = 1.0) -> BlePod:
        """It has just been powered on: its pairing window is open."""
        number = len(self.pods)
        radio = Radio(f"pod {number}", self._air)
        pod = BlePod(radio.make_host(), body, self.address(number), speed=speed)
        self._radios.append(radio)
        self.pods.append(pod)
        await pod.start()
        return pod

    # ---- what happens to pods ----

    def drop(self, pod: int) -> None:
        """Its link is lost, reason 0x08 at both ends; it advertises again at once."""
        self._air.lose(self._radios[pod])

    def silence(self, pod: int) -> None:
        """It is not heard and hears nothing; a link that it has stands until it is dropped."""
        self._air.silence(self._radios[pod])

    def restore(self, pod: int) -> None:
        """What both ends have sent meanwhile gets through now."""
        self._air.restore(self._radios[pod])

    def off(self, pod: int) -> None:
        """Its battery is taken out; a hub notices by supervision timeout."""
        self.silence(pod)
        self.drop(pod)

    def on(self, pod: int) -> None:
        """It boots with what is in flash, and opens its pairing window."""
        self.pods[pod].pod.boot(power_on=True)
        self.restore(pod)


def bodies_of_a_runner(
    places: Sequence[Placement], seed: int = 1, runner: str = "r1"
) -> list[Body]:
    """One body a pod, which is named after its place; all of them make the same run."""
    motion = runner_motion(SyntheticRunner(RunnerKnobs(), places, seed))
    pods = dressed((), places, seed, runner=runner).pods
    return [Body(own, [pod]) for own, pod in zip(tee(motion, len(pods)), pods, strict=True)]


@asynccontextmanager
async def bumble_world(
    pods: Sequence[Placement | Body] = SHANKS_AND_PELVIS,
    speed: float = 1.0,
    adapters: int = 1,
) -> AsyncIterator[World]:
    """`pods` are places of one synthetic runner, and bodies with one pod each.

    `speed` is the pods' time over the event loop's; a hub has less time to encrypt as it grows.
    """
    world = World(adapters)
    async with AsyncExitStack() as cleanup:
        for body in _bodies(pods):
            pod = await world.add_pod(body, speed)
            cleanup.push_async_callback(pod.stop)
        for central in world.centrals:
            await central.start()
            cleanup.push_async_callback(central.close)
        yield world


def _bodies(pods: Sequence[Placement | Body]) -> list[Body]:
    places = [pod for pod in pods if isinstance(pod, Placement)]
    runner = iter(bodies_of_a_runner(places))
    return [pod if isinstance(pod, Body) else next(runner) for pod in pods]
