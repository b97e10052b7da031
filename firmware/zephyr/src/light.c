#include "light.h"

#include <zephyr/devicetree.h>
#include <zephyr/drivers/gpio.h>
#include <zephyr/kernel.h>

static const struct gpio_dt_spec led = GPIO_DT_SPEC_GET_OR(DT_ALIAS(pod_light), gpios, {0});
static pod_core_light shown = POD_CORE_LIGHT_OFF;

/* On a tenth of the time where it may last a minute. */
static bool is_lit(uint32_t tenth) {
    return shown == POD_CORE_LIGHT_IDENTIFY ? tenth % 2 == 0 : tenth % 10 == 0;
}

static void blink(struct k_timer *timer) {
    ARG_UNUSED(timer);
    static uint32_t tenth;
    gpio_pin_set_dt(&led, is_lit(tenth++));
}

static K_TIMER_DEFINE(blinker, blink, NULL);

void light_open(void) {
    if (led.port != NULL) {
        gpio_pin_configure_dt(&led, GPIO_OUTPUT_INACTIVE);
    }
}

void light_show(pod_core_light light) {
    if (light == shown || led.port == NULL) {
        return;
    }
    shown = light;
    if (light == POD_CORE_LIGHT_OFF) {
        k_timer_stop(&blinker);
        gpio_pin_set_dt(&led, 0);
    } else {
        k_timer_start(&blinker, K_NO_WAIT, K_MSEC(100));
    }
}
