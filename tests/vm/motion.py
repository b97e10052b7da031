"""How runners move, over and over: worked out once, for an emulated machine is slow at it."""

from collections.abc import Iterator
from itertools import count

from stridehub.sim.runner import CHUNK_S, SyntheticRunner
from stridehub.synthetic import PODS, STYLES
from virtual_pod.drive import Motion, RecordedMotion

_LOOP_S = 16.0


class LoopingRunner:
    """All its pods feel the same steps; it stumbles where the loop begins anew."""

    def __init__(self, number: int) -> None:
        """Counted from 0. Takes a second: before anybody waits for an answer."""
        self.name = f"r{number + 1}"
        style = STYLES[number % len(STYLES)]
        synthetic = SyntheticRunner(style.knobs(), PODS, number)
        self._loop = [synthetic.next_chunk() for _ in range(round(_LOOP_S / CHUNK_S))]

    def motion(self) -> Iterator[Motion]:
        """Endless."""
        for turn in count():
            begun_s = turn * len(self._loop) * CHUNK_S
            for part in self._loop:
                yield RecordedMotion(part.t + begun_s, part.acc, part.gyr)
