#include "sleep.h"

#ifdef CONFIG_POD_SYSTEM_OFF
#include <hal/nrf_power.h>
#endif
#include <zephyr/kernel.h>

#include "battery.h"
#include "button.h"
#include "clock.h"
#include "imu.h"
#include "link.h"

#define LOOK_AGAIN_US 100000U
#define IMU_PATIENCE_US 3000000U /* one that does not answer does not keep the pod awake */

#ifdef CONFIG_POD_SYSTEM_OFF
/* A pin that is active already wakes it at once. Its interrupt must not come before: it would not
 * end as long as the pin stays so. */
static void power_off(const pod_core_wishes *wishes) {
    irq_lock();
    if (!wishes->sleep_to_end) {
        imu_arm_wake();
    }
    button_arm_wake();
    battery_arm_wake();
    nrf_power_system_off(NRF_POWER);
}
#else
static void power_off(const pod_core_wishes *wishes) {
    ARG_UNUSED(wishes); /* it waits in place, and the core brings it back */
}
#endif

uint64_t sleep_follow(const pod_core_wishes *wishes) {
    static uint64_t since_us;
    if (!wishes->sleep) {
        since_us = 0;
        return NEVER_US;
    }
    const uint64_t now_us = clock_us();
    if (since_us == 0) {
        since_us = now_us;
    }
    if (link_is_connected() || (!imu_is_done() && now_us < since_us + IMU_PATIENCE_US)) {
        return now_us + LOOK_AGAIN_US;
    }
    power_off(wishes);
    return NEVER_US;
}
