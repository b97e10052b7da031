#include "pod.h"

#include <zephyr/kernel.h>

#include "advertising.h"
#include "clock.h"
#include "imu.h"
#include "imu_chip.h"
#include "light.h"
#include "link.h"
#include "motor.h"
#include "outbox.h"
#include "power_on.h"
#include "sleep.h"
#include "store.h"
#include "watchdog.h"

#define LONGEST_WAIT_US 4000000U /* the watchdog wants to hear from the loop */

static pod_core the_core;
static K_MUTEX_DEFINE(lock);
static K_SEM_DEFINE(stirred, 0, 1);
static k_tid_t ticker;

pod_core *pod_enter(void) {
    k_mutex_lock(&lock, K_FOREVER);
    return &the_core;
}

static imu_orders orders_of(const pod_core_wishes *wishes) {
    const bool streams = wishes->imu == POD_CORE_IMU_STREAM;
    return (imu_orders){
        .task = wishes->sleep_to_end ? IMU_OFF
                : wishes->sleep      ? IMU_DOZE
                : streams            ? IMU_STREAM
                                     : IMU_WATCH,
        .rate_hz = streams ? wishes->imu_rate_hz : 0,
        .watermark = streams ? wishes->imu_watermark : 0,
        .resets = wishes->imu_resets,
    };
}

void pod_leave(void) {
    const pod_core_wishes wishes = pod_core_wish(&the_core);
    const imu_orders orders = orders_of(&wishes);
    imu_order(&orders);
    k_mutex_unlock(&lock);
    if (k_current_get() != ticker) {
        pod_stir();
    }
}

void pod_stir(void) { k_sem_give(&stirred); }

void pod_boot(void) {
    const pod_core_flash flash = {.keep = store_keep};
    const haptic_motor motor = motor_open();
    size_t length;
    const uint8_t *kept = store_kept(&length);
    pod_core *core = pod_enter();
    pod_core_boot(core, &imu_chip, &flash, &motor, kept, length, power_on_was_the_cause(),
                  clock_us());
    pod_core_bonded(core, link_has_bonds());
    pod_leave();
}

/* Does what is due, and returns when there is more. */
static uint64_t step(void) {
    pod_core *core = pod_enter();
    pod_core_tick(core, clock_us());
    const pod_core_wishes wishes = pod_core_wish(core);
    const uint64_t core_due_us = pod_core_next_us(core);
    pod_leave();

    if (wishes.disconnect) {
        link_disconnect();
    }
    light_show(wishes.light);
    const uint64_t advertising_due_us = advertising_follow(wishes.radio, wishes.pairing);
    const uint64_t outbox_due_us = outbox_send();
    const uint64_t sleep_due_us = sleep_follow(&wishes);
    return earlier(earlier(core_due_us, advertising_due_us), earlier(outbox_due_us, sleep_due_us));
}

void pod_run(void) {
    ticker = k_current_get();
    for (;;) {
        watchdog_feed();
        const uint64_t due_us = step();
        k_sem_take(&stirred, clock_until(earlier(due_us, clock_us() + LONGEST_WAIT_US)));
    }
}
