#include "sleep.h"

#include <zephyr/kernel.h>
#include <zephyr/pm/pm.h>

#include "battery.h"
#include "button.h"
#include "clock.h"
#include "imu.h"
#include "link.h"

#define LOOK_AGAIN_US 100000U
#define IMU_PATIENCE_US 3000000U /* one that does not answer does not keep the pod awake */

#ifdef CONFIG_POD_SYSTEM_OFF
static void power_off(const pod_core_wishes *wishes) {
    if (!wishes->sleep_to_end) {
        imu_arm_wake();
    }
    button_arm_wake();
    battery_arm_wake();
    pm_state_force(0U, &(struct pm_state_info){.state = PM_STATE_SOFT_OFF});
    k_sleep(K_FOREVER);
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
        return UINT64_MAX;
    }
    const uint64_t now_us = clock_us();
    if (since_us == 0) {
        since_us = now_us;
    }
    if (link_is_connected() || (!imu_is_done() && now_us < since_us + IMU_PATIENCE_US)) {
        return now_us + LOOK_AGAIN_US;
    }
    power_off(wishes);
    return UINT64_MAX;
}
