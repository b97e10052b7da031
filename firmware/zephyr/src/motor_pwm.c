/* An eccentric-mass motor behind a transistor on a PWM pin. */

#ifdef CONFIG_PWM_NRFX
#include <hal/nrf_gpio.h>
#include <hal/nrf_pwm.h>
#endif
#include <zephyr/devicetree.h>
#include <zephyr/drivers/pwm.h>

#include "motor.h"
#include "motor_driver.h"

#define NODE DT_ALIAS(pod_motor)

static const struct pwm_dt_spec coil = PWM_DT_SPEC_GET(NODE);

void motor_driver_open(void) {}

void motor_drive(uint8_t percent) {
    pwm_set_pulse_dt(&coil, (uint32_t)((uint64_t)coil.period * percent / 100U));
}

#ifdef CONFIG_PWM_NRFX
/* The pin has a level of its own as soon as the PWM lets it go. */
void motor_cut(void) {
    NRF_PWM_Type *const pwm = (NRF_PWM_Type *)DT_REG_ADDR(DT_PWMS_CTLR(NODE));
    nrf_gpio_pin_clear(nrf_pwm_pin_get(pwm, (uint8_t)coil.channel));
    nrf_pwm_disable(pwm);
}
#else
void motor_cut(void) { motor_drive(0); }
#endif
