#include "watchdog.h"

#include <zephyr/drivers/watchdog.h>
#include <zephyr/kernel.h>

enum { PATIENCE_MS = 10000 };

static const struct device *const dog = DEVICE_DT_GET(DT_ALIAS(watchdog0));
static int channel;

void watchdog_start(void) {
    const struct wdt_timeout_cfg config = {
        .window = {.max = PATIENCE_MS},
        .flags = WDT_FLAG_RESET_SOC,
    };
    channel = wdt_install_timeout(dog, &config);
    wdt_setup(dog, WDT_OPT_PAUSE_HALTED_BY_DBG);
}

void watchdog_feed(void) { wdt_feed(dog, channel); }
