/* A watchdog that does not bite, but tells how long it had to wait to be fed. */

#define DT_DRV_COMPAT stridehub_logged_watchdog

#include <zephyr/device.h>
#include <zephyr/drivers/watchdog.h>
#include <zephyr/kernel.h>

#include "time_machine.h"

#define TELL_US 1000000U

static uint64_t fed_us;
static uint64_t told_us;
static uint64_t longest_us;

static int setup(const struct device *device, uint8_t options) {
    fed_us = tm_get_abs_time();
    told_us = fed_us;
    return 0;
}

static int disable(const struct device *device) { return -ENOTSUP; }

static int install_timeout(const struct device *device, const struct wdt_timeout_cfg *config) {
    return 0;
}

static int feed(const struct device *device, int channel) {
    const uint64_t now_us = tm_get_abs_time();
    longest_us = MAX(longest_us, now_us - fed_us);
    fed_us = now_us;
    if (now_us - told_us >= TELL_US) {
        printk("FED within %llu us, at %llu us\n", (unsigned long long)longest_us,
               (unsigned long long)now_us);
        told_us = now_us;
        longest_us = 0;
    }
    return 0;
}

static const struct wdt_driver_api api = {
    .setup = setup,
    .disable = disable,
    .install_timeout = install_timeout,
    .feed = feed,
};

DEVICE_DT_INST_DEFINE(0, NULL, NULL, NULL, NULL, POST_KERNEL, CONFIG_KERNEL_INIT_PRIORITY_DEVICE,
                      &api);
