#include "imu.h"

#include <zephyr/devicetree.h>
#include <zephyr/drivers/gpio.h>
#include <zephyr/drivers/i2c.h>
#include <zephyr/kernel.h>

#include "bus.h"
#include "clock.h"
#include "imu_chip.h"
#include "pod.h"

enum {
    STACK_BYTES = 2048,
    PRIORITY = 2,   /* after the loop: the FIFO waits, a motor's edge does not */
    MOST_READ = 20, /* samples at a time */
    MOST_SAMPLE_BYTES = 14,
    PATIENCE_WATERMARKS = 4, /* then the FIFO is looked at without an interrupt */
    MOVEMENT_MS = 1000       /* apart it is asked for while awake */
};

typedef struct {
    bool present;
    uint64_t at_us;
} mark;

static const struct gpio_dt_spec pin = GPIO_DT_SPEC_GET(DT_ALIAS(pod_imu), irq_gpios);
static const struct device *const bus = DEVICE_DT_GET(DT_BUS(DT_ALIAS(pod_imu)));

static K_THREAD_STACK_DEFINE(stack, STACK_BYTES);
static K_SEM_DEFINE(stirred, 0, 1);
static imu_orders ordered;
static uint32_t orders_given;
static mark last_mark;

/* The thread's own. */
static imu_orders orders;
static uint32_t orders_taken;
static uint32_t resets_done;
static bool set_up;

static bool are_same(const imu_orders *a, const imu_orders *b) {
    return a->task == b->task && a->rate_hz == b->rate_hz && a->watermark == b->watermark &&
           a->resets == b->resets;
}

void imu_order(const imu_orders *wanted) {
    if (are_same(wanted, &ordered)) {
        return;
    }
    const unsigned int key = irq_lock();
    ordered = *wanted;
    orders_given++;
    irq_unlock(key);
    k_sem_give(&stirred);
}

bool imu_is_done(void) { return orders_taken == orders_given && set_up; }

void imu_arm_wake(void) {
    if (imu_is_done() || gpio_pin_get_dt(&pin) == 0) {
        gpio_pin_interrupt_configure_dt(&pin, GPIO_INT_LEVEL_ACTIVE);
    }
}

static void interrupt(const struct device *port, struct gpio_callback *callback, uint32_t pins) {
    ARG_UNUSED(port);
    ARG_UNUSED(callback);
    ARG_UNUSED(pins);
    last_mark = (mark){.present = true, .at_us = clock_us()};
    k_sem_give(&stirred);
}

static mark take_mark(void) {
    const unsigned int key = irq_lock();
    const mark taken = last_mark;
    last_mark.present = false;
    irq_unlock(key);
    return taken;
}

static void fail(void) {
    pod_core *core = pod_enter();
    pod_core_imu_failed(core, clock_us());
    pod_leave();
}

/* What was read under orders that no longer hold belongs to no stream: while the core is held
 * they do not change. */
static bool orders_hold(void) { return orders_taken == orders_given; }

static int hand_over(size_t samples, mark interrupt) {
    static uint8_t bytes[MOST_READ * MOST_SAMPLE_BYTES];
    const size_t length = samples * imu_chip_sample_bytes;
    const int error = imu_chip_read(bytes, length);
    if (error != 0) {
        return error;
    }
    pod_core *core = pod_enter();
    if (orders_hold()) {
        pod_core_imu_read(core, bytes, length, interrupt.present ? orders.watermark : 0,
                          interrupt.at_us, clock_us());
    }
    pod_leave();
    return 0;
}

static int read_samples(uint16_t samples, mark interrupt) {
    int error = 0;
    while (samples > 0 && error == 0) {
        const uint16_t now = MIN(samples, MOST_READ);
        error = hand_over(now, interrupt);
        interrupt.present = false;
        samples -= now;
    }
    return error;
}

static int start_over(void) {
    const int error = imu_chip_empty(orders.rate_hz);
    if (error == 0) {
        pod_core *core = pod_enter();
        if (orders_hold()) {
            pod_core_imu_overflow(core);
        }
        pod_leave();
    }
    take_mark();
    return error;
}

/* Reads until the FIFO is below its watermark, so that it can be reached again. A mark that comes
 * while it is being read is dropped: part of what it counts has been read by then. */
static int drain(void) {
    for (;;) {
        const mark interrupt = take_mark();
        imu_chip_level level;
        int error = imu_chip_get_level(&level);
        if (error == 0 && level.overflown) {
            return start_over();
        }
        if (error != 0 || level.samples < orders.watermark) {
            return error;
        }
        error = read_samples(level.samples, interrupt);
        if (error != 0) {
            return error;
        }
        take_mark();
    }
}

static int tell_events(void) {
    bool moved = false;
    bool tapped = false;
    int error = imu_chip_moved(&moved);
    if (error == 0 && gpio_pin_get_dt(&pin) > 0) {
        error = imu_chip_tapped(&tapped);
    }
    if (!moved && !tapped) {
        return error;
    }
    pod_core *core = pod_enter();
    if (moved) {
        pod_core_moved(core, clock_us());
    }
    if (tapped) {
        pod_core_tapped(core, clock_us());
    }
    pod_leave();
    return error;
}

static int do_task(void) {
    switch (orders.task) {
    case IMU_OFF:
        return imu_chip_off();
    case IMU_DOZE:
        return imu_chip_doze();
    case IMU_WATCH:
        return imu_chip_watch();
    case IMU_STREAM:
        return imu_chip_stream(orders.rate_hz, orders.watermark);
    }
    return -EINVAL;
}

static int set_up_anew(void) {
    if (!set_up || resets_done != orders.resets) {
        bus_enter();
        i2c_recover_bus(bus);
        bus_leave();
        resets_done = orders.resets;
        const int error = imu_chip_reset();
        if (error != 0) {
            return error;
        }
    }
    take_mark();
    return do_task();
}

static void obey(void) {
    const unsigned int key = irq_lock();
    orders = ordered;
    orders_taken = orders_given;
    irq_unlock(key);
    set_up = set_up_anew() == 0;
    if (!set_up) {
        fail();
        return;
    }
    pod_core *core = pod_enter();
    if (orders_hold()) {
        pod_core_imu_well(core, clock_us());
    }
    pod_leave();
}

static k_timeout_t patience(void) {
    if (!set_up || orders.task == IMU_OFF) {
        return K_FOREVER;
    }
    return orders.task == IMU_STREAM
               ? K_MSEC(PATIENCE_WATERMARKS * 1000U * orders.watermark / orders.rate_hz)
               : K_MSEC(MOVEMENT_MS);
}

static void serve(void *a, void *b, void *c) {
    ARG_UNUSED(a);
    ARG_UNUSED(b);
    ARG_UNUSED(c);
    for (;;) {
        k_sem_take(&stirred, patience());
        if (!orders_hold()) {
            obey();
        } else if (set_up && (orders.task == IMU_STREAM ? drain() : tell_events()) != 0) {
            set_up = false; /* nothing is read until the core has had it reset */
            fail();
        }
    }
}

void imu_open(void) {
    static struct k_thread thread;
    static struct gpio_callback callback;
    gpio_pin_configure_dt(&pin, GPIO_INPUT);
    gpio_init_callback(&callback, interrupt, BIT(pin.pin));
    gpio_add_callback(pin.port, &callback);
    gpio_pin_interrupt_configure_dt(&pin, GPIO_INT_EDGE_TO_ACTIVE);
    k_thread_create(&thread, stack, STACK_BYTES, serve, NULL, NULL, NULL, PRIORITY, 0, K_NO_WAIT);
    k_thread_name_set(&thread, "imu");
}
