/* An eccentric-mass motor behind a transistor on a PWM pin. */

#include <zephyr/devicetree.h>
#include <zephyr/drivers/pwm.h>
#include <zephyr/kernel.h>

#include "clock.h"
#include "motor.h"

static const struct pwm_dt_spec coil = PWM_DT_SPEC_GET(DT_ALIAS(pod_motor));

static void drive(uint8_t percent) {
    pwm_set_pulse_dt(&coil, (uint32_t)((uint64_t)coil.period * percent / 100U));
}

static void cut(struct k_timer *timer) {
    ARG_UNUSED(timer);
    drive(0);
}

static K_TIMER_DEFINE(off_timer, cut, NULL);

static void arm_off(void *context, uint64_t at_us) {
    ARG_UNUSED(context);
    k_timer_start(&off_timer, clock_until(at_us), K_NO_WAIT);
}

/* Whole before the timer can cut in. */
static void set(void *context, uint8_t percent) {
    ARG_UNUSED(context);
    const unsigned int key = irq_lock();
    drive(percent);
    irq_unlock(key);
}

haptic_motor motor_open(void) { return (haptic_motor){.arm_off = arm_off, .set = set}; }
