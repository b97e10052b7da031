/* An eccentric-mass motor on a DRV2605L in real-time playback (TI SLOS854).
 *
 * The chip is on I2C, which no interrupt can use: a work queue that nothing else delays starts the
 * motor, and the enable pin alone stops it.
 */

#include <zephyr/devicetree.h>
#include <zephyr/drivers/gpio.h>
#include <zephyr/drivers/i2c.h>
#include <zephyr/kernel.h>

#include "bus.h"
#include "motor.h"
#include "motor_driver.h"

enum {
    MODE = 0x01,
    RTP_INPUT = 0x02,

    REAL_TIME = 0x05, /* of MODE */
    FULL = 127,       /* of RTP_INPUT; the chip starts as for an open-loop ERM */
    START_UP_US = 250,

    STACK_BYTES = 768,
    PRIORITY = K_PRIO_COOP(1)
};

static const struct i2c_dt_spec chip = I2C_DT_SPEC_GET(DT_ALIAS(pod_motor));
static const struct gpio_dt_spec enable = GPIO_DT_SPEC_GET(DT_ALIAS(pod_motor), enable_gpios);

static K_THREAD_STACK_DEFINE(stack, STACK_BYTES);
static struct k_work_q queue;
static atomic_t wanted_percent;

static void enable_for(atomic_val_t percent) {
    const unsigned int key = irq_lock();
    gpio_pin_set_dt(&enable, percent > 0 && percent == atomic_get(&wanted_percent));
    irq_unlock(key);
}

/* The chip keeps its registers while it is not enabled: the new intensity is there before it
 * plays. */
static void write_intensity(atomic_val_t percent) {
    bus_enter();
    i2c_reg_write_byte_dt(&chip, RTP_INPUT, (uint8_t)(percent * FULL / 100));
    i2c_reg_write_byte_dt(&chip, MODE, REAL_TIME);
    bus_leave();
}

/* Again where the wish changed meanwhile. */
static void follow(struct k_work *work) {
    ARG_UNUSED(work);
    atomic_val_t percent;
    do {
        percent = atomic_get(&wanted_percent);
        enable_for(percent);
        if (percent > 0) {
            k_busy_wait(START_UP_US);
            write_intensity(percent);
        }
    } while (percent != atomic_get(&wanted_percent));
}

static K_WORK_DEFINE(work, follow);

void motor_drive(uint8_t percent) {
    atomic_set(&wanted_percent, percent);
    if (percent == 0) {
        gpio_pin_set_dt(&enable, 0);
    } else {
        k_work_submit_to_queue(&queue, &work);
    }
}

void motor_driver_open(void) {
    gpio_pin_configure_dt(&enable, GPIO_OUTPUT_INACTIVE);
    k_work_queue_start(&queue, stack, STACK_BYTES, PRIORITY, NULL);
}

void motor_cut(void) { gpio_pin_set_dt(&enable, 0); }
