#include "clock.h"

uint64_t clock_us(void) { return k_ticks_to_us_floor64((uint64_t)k_uptime_ticks()); }

k_timeout_t clock_until(uint64_t at_us) {
    return at_us == NEVER_US ? K_FOREVER
                             : K_TIMEOUT_ABS_TICKS((k_ticks_t)k_us_to_ticks_ceil64(at_us));
}
