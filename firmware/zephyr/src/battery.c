/* The cell's voltage behind a divider, and what the charger says. */
#include "battery.h"

#include <hal/nrf_power.h>
#include <zephyr/devicetree.h>
#include <zephyr/drivers/adc.h>
#include <zephyr/drivers/gpio.h>
#include <zephyr/kernel.h>

#include "clock.h"
#include "pod.h"

#define NODE DT_ALIAS(pod_battery)

enum { PERIOD_S = 30, READINGS = 3 };

static const struct adc_dt_spec adc = ADC_DT_SPEC_GET(NODE);
static const struct gpio_dt_spec enable = GPIO_DT_SPEC_GET_OR(NODE, enable_gpios, {0});
static const struct gpio_dt_spec charging = GPIO_DT_SPEC_GET_OR(NODE, charging_gpios, {0});

/* At the cell; negative where it could not be measured. */
static int32_t read_mv(void) {
    int16_t raw = 0;
    struct adc_sequence sequence = {.buffer = &raw, .buffer_size = sizeof raw};
    adc_sequence_init_dt(&adc, &sequence);
    if (adc_read(adc.dev, &sequence) != 0) {
        return -1;
    }
    int32_t mv = raw;
    adc_raw_to_millivolts_dt(&adc, &mv);
    return (int32_t)((int64_t)mv * DT_PROP(NODE, full_ohms) / DT_PROP(NODE, output_ohms));
}

static int32_t median(int32_t a, int32_t b, int32_t c) { return MAX(MIN(a, b), MIN(MAX(a, b), c)); }

static uint16_t measure_mv(void) {
    int32_t mv[READINGS];
    for (int i = 0; i < READINGS; i++) {
        mv[i] = read_mv();
    }
    const int32_t middle = median(mv[0], mv[1], mv[2]);
    return middle < 0 ? POD_LINK_UNKNOWN_MV : (uint16_t)middle;
}

static bool has_usb_power(void) { return nrf_power_usbregstatus_vbusdet_get(NRF_POWER); }

static pod_link_charging ask_charger(void) {
    if (charging.port == NULL) {
        return POD_LINK_CHARGING_UNKNOWN;
    }
    return !has_usb_power()                 ? POD_LINK_DISCHARGING
           : gpio_pin_get_dt(&charging) > 0 ? POD_LINK_CHARGING
                                            : POD_LINK_CHARGED;
}

static void look(struct k_work *work) {
    const uint16_t mv = measure_mv();
    const pod_link_charging charger = ask_charger();
    pod_core *core = pod_enter();
    pod_core_battery(core, mv, charger, clock_us());
    pod_leave();
    k_work_schedule(k_work_delayable_from_work(work), K_SECONDS(PERIOD_S));
}

static K_WORK_DELAYABLE_DEFINE(looking, look);

void battery_open(void) {
    adc_channel_setup_dt(&adc);
    if (enable.port != NULL) {
        gpio_pin_configure_dt(&enable, GPIO_OUTPUT_ACTIVE);
    }
    if (charging.port != NULL) {
        gpio_pin_configure_dt(&charging, GPIO_INPUT);
    }
    k_work_schedule(&looking, K_MSEC(100));
}

/* Where it charges already it has been told, and would end the sleep at once. */
void battery_arm_wake(void) {
    if (charging.port != NULL && gpio_pin_get_dt(&charging) == 0) {
        gpio_pin_interrupt_configure_dt(&charging, GPIO_INT_LEVEL_ACTIVE);
    }
}
