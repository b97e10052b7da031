#include "motor.h"

#include <zephyr/kernel.h>

#include "clock.h"
#include "motor_driver.h"

static void cut(struct k_timer *timer) {
    ARG_UNUSED(timer);
    motor_drive(0);
}

static K_TIMER_DEFINE(off_timer, cut, NULL);

static void arm_off(void *context, uint64_t at_us) {
    ARG_UNUSED(context);
    k_timer_start(&off_timer, clock_until(at_us), K_NO_WAIT);
}

/* Whole before the timer can cut in, and not at all where it has done so. */
static void set(void *context, uint8_t percent) {
    ARG_UNUSED(context);
    const unsigned int key = irq_lock();
    motor_drive(k_timer_remaining_ticks(&off_timer) > 0 ? percent : 0);
    irq_unlock(key);
}

haptic_motor motor_open(void) {
    motor_driver_open();
    return (haptic_motor){.arm_off = arm_off, .set = set};
}
