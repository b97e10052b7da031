"""The pods on the body: where they sit, what they feel, what their sensors say."""

from collections.abc import Sequence

import numpy as np

from stridehub.model import Placement
from stridehub.sim.anatomy import SIDES, Anatomy, nominal_mounts, pod_positions
from stridehub.sim.body import Motion, pod_points, pod_signals
from stridehub.sim.gait import Landing
from stridehub.sim.imu import FallenPod, Imu, Wobble, mount
from stridehub.sim.knobs import GRAVITY_MPS2, RunnerKnobs
from stridehub.sim.path import Path
from stridehub.sim.tracks import Array
from stridehub.sim.variation import RandomStreams

_Vectors = dict[Placement, Array]


class WornPods:
    """All pods of one runner."""

    def __init__(
        self,
        knobs: RunnerKnobs,
        anatomy: Anatomy,
        pods: Sequence[Placement],
        streams: RandomStreams,
    ) -> None:
        places, mounts = pod_positions(anatomy), nominal_mounts()
        self._places: dict[Placement, tuple[int, Array]] = {}
        self.mounts: dict[Placement, Array] = {}  # v_segment = M v_pod
        self._imus: dict[Placement, Imu] = {}
        self._wobbles: dict[Placement, Wobble] = {}
        self._fallen: dict[Placement, FallenPod] = {}
        for pod in pods:
            rng = streams(f"pod {pod.label}")
            segment, point = places[pod]
            shift = knobs.mount.shift_m * rng.uniform(-1.0, 1.0)
            self._places[pod] = (segment, point + np.array([0.0, shift, 0.0]))
            self.mounts[pod] = mount(mounts[pod], pod, knobs.mount, rng)
            self._imus[pod] = Imu(knobs.imu, knobs.rate_hz, rng)
            self._wobbles[pod] = Wobble(knobs.wobble, pod, rng)
            if pod in knobs.pod_off_s:
                self._fallen[pod] = FallenPod(knobs.pod_off_s[pod], rng)

    def sense(
        self, t: Array, body: Motion, landings: list[Landing]
    ) -> tuple[_Vectors, _Vectors, dict[str, Array]]:
        """(N, 3) accelerometer and gyroscope of every pod, and the series impact_l and impact_r:
        what a perfect shank pod feels, in g, NaN where none is worn."""
        acc: _Vectors = {}
        gyr: _Vectors = {}
        impact = {f"impact_{side}": np.full(len(t), np.nan) for side in SIDES}
        for pod, (force, body_rate) in pod_signals(body, self._places).items():
            rate = body_rate.copy()
            for landing in landings:
                if _feels(pod, landing.leg):
                    self._wobbles[pod].land(landing.t, landing.share)
            self._wobbles[pod].add(t, force, rate)
            if pod in (Placement.SHANK_L, Placement.SHANK_R):
                felt = np.sqrt(np.einsum("in,in->n", force, force)) / GRAVITY_MPS2
                impact[f"impact_{pod.label[-1]}"] = felt
            if pod in self._fallen:
                self._fallen[pod].replace(t, force, rate)
            turned = self.mounts[pod].T
            acc[pod], gyr[pod] = self._imus[pod].read(turned @ force, turned @ rate)
        return acc, gyr, impact

    def positions(self, body: Motion, path: Path) -> _Vectors:
        """(N, 3) of every pod in the world."""
        return {pod: path.world(point) for pod, point in pod_points(body, self._places).items()}


def _feels(pod: Placement, leg: int | None) -> bool:
    """Legs feel their own foot's landings, the trunk both."""
    side = pod.label[-2:]
    return leg is None or side not in ("_l", "_r") or side[1] == SIDES[leg]
