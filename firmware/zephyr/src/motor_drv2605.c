/* An eccentric-mass motor on a DRV2605L in real-time playback (TI SLOS854).
 *
 * The chip is on I2C, which no interrupt can use: the off timer cuts the enable pin at once where
 * there is one, and has a work queue that nothing else delays write the rest.
 */

#include <zephyr/devicetree.h>
#include <zephyr/drivers/gpio.h>
#include <zephyr/drivers/i2c.h>
#include <zephyr/kernel.h>

#include "clock.h"
#include "motor.h"

enum {
    MODE = 0x01,
    RTP_INPUT = 0x02,

    REAL_TIME = 0x05, /* of MODE */
    STANDBY = 0x40,
    FULL = 127, /* of RTP_INPUT; the chip starts as for an open-loop ERM */
    START_UP_US = 250,

    STACK_BYTES = 768,
    PRIORITY = K_PRIO_COOP(1)
};

static const struct i2c_dt_spec chip = I2C_DT_SPEC_GET(DT_ALIAS(pod_motor));
static const struct gpio_dt_spec enable =
    GPIO_DT_SPEC_GET_OR(DT_ALIAS(pod_motor), enable_gpios, {0});

static K_THREAD_STACK_DEFINE(stack, STACK_BYTES);
static struct k_work_q queue;
static atomic_t wanted_percent;

static void enable_chip(bool on) {
    if (enable.port != NULL) {
        gpio_pin_set_dt(&enable, on);
    }
}

static void run(uint8_t percent) {
    enable_chip(true);
    k_busy_wait(START_UP_US);
    i2c_reg_write_byte_dt(&chip, MODE, REAL_TIME);
    i2c_reg_write_byte_dt(&chip, RTP_INPUT, (uint8_t)(percent * FULL / 100));
}

static void stop(void) {
    i2c_reg_write_byte_dt(&chip, RTP_INPUT, 0);
    i2c_reg_write_byte_dt(&chip, MODE, STANDBY);
    enable_chip(false);
}

/* Again where the wish changed meanwhile. */
static void follow(struct k_work *work) {
    ARG_UNUSED(work);
    atomic_val_t percent;
    do {
        percent = atomic_get(&wanted_percent);
        if (percent > 0) {
            run((uint8_t)percent);
        } else {
            stop();
        }
    } while (percent != atomic_get(&wanted_percent));
}

static K_WORK_DEFINE(work, follow);

static void want(uint8_t percent) {
    atomic_set(&wanted_percent, percent);
    if (percent == 0) {
        enable_chip(false);
    }
    k_work_submit_to_queue(&queue, &work);
}

static void cut(struct k_timer *timer) {
    ARG_UNUSED(timer);
    want(0);
}

static K_TIMER_DEFINE(off_timer, cut, NULL);

static void arm_off(void *context, uint64_t at_us) {
    ARG_UNUSED(context);
    k_timer_start(&off_timer, clock_until(at_us), K_NO_WAIT);
}

static void set(void *context, uint8_t percent) {
    ARG_UNUSED(context);
    want(percent);
}

haptic_motor motor_open(void) {
    if (enable.port != NULL) {
        gpio_pin_configure_dt(&enable, GPIO_OUTPUT_INACTIVE);
    }
    k_work_queue_start(&queue, stack, STACK_BYTES, PRIORITY, NULL);
    return (haptic_motor){.arm_off = arm_off, .set = set};
}
