#include "button.h"

#include <zephyr/devicetree.h>
#include <zephyr/drivers/gpio.h>
#include <zephyr/kernel.h>

#include "clock.h"
#include "pod.h"

static const struct gpio_dt_spec key = GPIO_DT_SPEC_GET_OR(DT_ALIAS(pod_button), gpios, {0});

static void tell(struct k_work *work) {
    ARG_UNUSED(work);
    pod_core *core = pod_enter();
    pod_core_tapped(core, clock_us());
    pod_leave();
}

static K_WORK_DEFINE(pressed, tell);

static void press(const struct device *port, struct gpio_callback *callback, uint32_t pins) {
    ARG_UNUSED(port);
    ARG_UNUSED(callback);
    ARG_UNUSED(pins);
    k_work_submit(&pressed);
}

void button_open(void) {
    static struct gpio_callback callback;
    if (key.port == NULL) {
        return;
    }
    gpio_pin_configure_dt(&key, GPIO_INPUT);
    gpio_init_callback(&callback, press, BIT(key.pin));
    gpio_add_callback(key.port, &callback);
    gpio_pin_interrupt_configure_dt(&key, GPIO_INT_EDGE_TO_ACTIVE);
}

void button_arm_wake(void) {
    if (key.port != NULL) {
        gpio_pin_interrupt_configure_dt(&key, GPIO_INT_LEVEL_ACTIVE);
    }
}
