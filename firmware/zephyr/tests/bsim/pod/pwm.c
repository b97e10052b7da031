/* The motor's PWM: tells each change of its duty and when it came, in simulated time. */

#define DT_DRV_COMPAT stridehub_logged_pwm

#include <zephyr/device.h>
#include <zephyr/drivers/pwm.h>
#include <zephyr/kernel.h>

#include "time_machine.h"

static uint32_t percent_now;

static int set_cycles(const struct device *device, uint32_t channel, uint32_t period,
                      uint32_t pulse, pwm_flags_t flags) {
    const uint32_t percent = (uint32_t)((uint64_t)pulse * 100U / period);
    if (percent != percent_now) {
        printk("MOTOR %u %% at %llu us\n", percent, (unsigned long long)tm_get_abs_time());
        percent_now = percent;
    }
    return 0;
}

static int get_cycles_per_second(const struct device *device, uint32_t channel, uint64_t *cycles) {
    *cycles = 16000000;
    return 0;
}

static const struct pwm_driver_api api = {
    .set_cycles = set_cycles,
    .get_cycles_per_sec = get_cycles_per_second,
};

DEVICE_DT_INST_DEFINE(0, NULL, NULL, NULL, NULL, POST_KERNEL, CONFIG_PWM_INIT_PRIORITY, &api);
