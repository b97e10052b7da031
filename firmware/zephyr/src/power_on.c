#include "power_on.h"

#include <hal/nrf_power.h>

bool power_on_was_the_cause(void) {
    const uint32_t reasons = nrf_power_resetreas_get(NRF_POWER);
    nrf_power_resetreas_clear(NRF_POWER, reasons);
    return (reasons & ~(uint32_t)NRF_POWER_RESETREAS_RESETPIN_MASK) == 0;
}
