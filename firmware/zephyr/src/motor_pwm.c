/* An eccentric-mass motor behind a transistor on a PWM pin. */

#ifdef CONFIG_PWM_NRFX
#include <hal/nrf_gpio.h>
#include <hal/nrf_pwm.h>
#endif
#include <zephyr/devicetree.h>
#include <zephyr/drivers/pwm.h>
#include <zephyr/kernel.h>

#include "clock.h"
#include "motor.h"

#define NODE DT_ALIAS(pod_motor)

static const struct pwm_dt_spec coil = PWM_DT_SPEC_GET(NODE);

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

/* Whole before the timer can cut in, and not at all where it has done so. */
static void set(void *context, uint8_t percent) {
    ARG_UNUSED(context);
    const unsigned int key = irq_lock();
    drive(k_timer_remaining_ticks(&off_timer) > 0 ? percent : 0);
    irq_unlock(key);
}

haptic_motor motor_open(void) { return (haptic_motor){.arm_off = arm_off, .set = set}; }

#ifdef CONFIG_PWM_NRFX
/* The pin has a level of its own as soon as the PWM lets it go. */
void motor_cut(void) {
    NRF_PWM_Type *const pwm = (NRF_PWM_Type *)DT_REG_ADDR(DT_PWMS_CTLR(NODE));
    nrf_gpio_pin_clear(nrf_pwm_pin_get(pwm, (uint8_t)coil.channel));
    nrf_pwm_disable(pwm);
}
#else
void motor_cut(void) { drive(0); }
#endif
