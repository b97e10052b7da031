"""Motors on the kernel's simulated pins: one line of JSON for each scene, and a table in the end.

    python -m vm.gpio [SCENE ...]

The exit status is 1 if any fails.
"""

import sys
import time

from vm import scenes_gpio
from vm.outcome import Outcome, table

SCENES = {
    "as_planned": scenes_gpio.as_planned,
    "ends": scenes_gpio.ends,
    "guardian": scenes_gpio.guardian,
    "refusals": scenes_gpio.refusals,
    "contract": scenes_gpio.contract,
}


def main() -> int:
    outcomes = []
    for name in sys.argv[1:] or SCENES:
        outcome, begun_s = Outcome(name), time.monotonic()
        with outcome.part("broken off"):
            SCENES[name](outcome)
        outcome.took_s = round(time.monotonic() - begun_s, 1)
        outcomes.append(outcome)
        print(outcome.line(), flush=True)
    print(table(outcomes), flush=True)
    return int(any(outcome.faults for outcome in outcomes))


if __name__ == "__main__":
    sys.exit(main())
