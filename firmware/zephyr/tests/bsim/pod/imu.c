/* An LSM6DSL as far as the pod uses it: registers, the FIFO of plain slots with its watermark
 * interrupt, an oscillator that is off, double taps. It can stop answering, and has then forgotten
 * its settings, as after a dip of its supply.
 */

#define DT_DRV_COMPAT st_lsm6dsl

#include <string.h>
#include <zephyr/device.h>
#include <zephyr/drivers/emul.h>
#include <zephyr/drivers/gpio.h>
#include <zephyr/drivers/gpio/gpio_emul.h>
#include <zephyr/drivers/i2c.h>
#include <zephyr/drivers/i2c_emul.h>
#include <zephyr/kernel.h>
#include <zephyr/sys/byteorder.h>

#include "options.h"
#include "pattern.h"

enum {
    FIFO_CTRL1 = 0x06,
    FIFO_CTRL2 = 0x07,
    FIFO_CTRL5 = 0x0A,
    INT1_CTRL = 0x0D,
    WHO_AM_I = 0x0F,
    CTRL3_C = 0x12,
    WAKE_UP_SRC = 0x1B,
    TAP_SRC = 0x1C,
    FIFO_STATUS1 = 0x3A,
    FIFO_DATA_OUT_L = 0x3E,
    FIFO_DATA_OUT_H = 0x3F,
    MD1_CFG = 0x5E,
    REGISTERS = 0x80,

    CONTINUOUS = 6,
    WATERMARK_TO_INT1 = 0x08,
    TAP_TO_INT1 = 0x08, /* of MD1_CFG */
    WAKE_UP_TO_INT1 = 0x20,
    DOUBLE_TAP = 0x10,
    WAKE_UP = 0x08,
    FIFO_BYTES = 4096,
    SAMPLE_BYTES = 12,
    BIT_NS = 2500 /* 400 kHz */
};

static const struct gpio_dt_spec pin = GPIO_DT_SPEC_INST_GET(0, irq_gpios);

static uint8_t registers[REGISTERS];
static bool filling;
static bool overrun;
static uint64_t first_counter; /* the FIFO's oldest sample */
static uint32_t oldest_read;   /* bytes of it that have been read */

static uint64_t now_us(void) { return k_ticks_to_us_floor64((uint64_t)k_uptime_ticks()); }

static uint16_t rate_hz(void) {
    static const uint16_t rates[16] = {[3] = 52, [4] = 104, [5] = 208, [6] = 416};
    return rates[registers[FIFO_CTRL5] >> 3 & 0x0F];
}

static uint64_t taken_so_far(void) { return pattern_last(now_us() * 1000U, rate_hz()) + 1; }

static uint32_t level_bytes(void) {
    if (!filling) {
        return 0;
    }
    const uint64_t samples = taken_so_far() - first_counter;
    if (samples * SAMPLE_BYTES > FIFO_BYTES) {
        overrun = true;
        first_counter += samples - FIFO_BYTES / SAMPLE_BYTES;
        oldest_read = 0;
        return FIFO_BYTES / SAMPLE_BYTES * SAMPLE_BYTES;
    }
    return (uint32_t)samples * SAMPLE_BYTES - oldest_read;
}

static uint32_t watermark_bytes(void) {
    return 2U * ((registers[FIFO_CTRL2] & 0x07U) << 8 | registers[FIFO_CTRL1]);
}

static bool is_pin_high(void) {
    const bool full_enough = filling && (registers[INT1_CTRL] & WATERMARK_TO_INT1) != 0 &&
                             level_bytes() >= watermark_bytes();
    const bool tapped = (registers[MD1_CFG] & TAP_TO_INT1) != 0 && registers[TAP_SRC] != 0;
    const bool moved = (registers[MD1_CFG] & WAKE_UP_TO_INT1) != 0 && registers[WAKE_UP_SRC] != 0;
    return full_enough || tapped || moved;
}

static void follow(struct k_timer *timer);
static K_TIMER_DEFINE(watermark_timer, follow, NULL);

static void arm_watermark(void) {
    const uint64_t due = first_counter + (oldest_read + watermark_bytes() - 1U) / SAMPLE_BYTES;
    const uint64_t due_us = pattern_at_ns(due, rate_hz()) / 1000U + 1U;
    k_timer_start(&watermark_timer, K_TIMEOUT_ABS_TICKS((k_ticks_t)k_us_to_ticks_ceil64(due_us)),
                  K_NO_WAIT);
}

static void follow(struct k_timer *timer) {
    ARG_UNUSED(timer);
    const bool high = is_pin_high();
    if (filling && watermark_bytes() > 0 && !high) {
        arm_watermark();
    }
    gpio_emul_input_set(pin.port, pin.pin, high);
}

static void tap(struct k_timer *timer) {
    ARG_UNUSED(timer);
    if ((registers[MD1_CFG] & TAP_TO_INT1) != 0) {
        registers[TAP_SRC] = DOUBLE_TAP;
    }
    registers[WAKE_UP_SRC] = WAKE_UP;
    follow(NULL);
}

static K_TIMER_DEFINE(tap_timer, tap, NULL);

static void power_up(void) {
    memset(registers, 0, sizeof registers);
    registers[WHO_AM_I] = 0x6A;
    filling = false;
    overrun = false;
    k_timer_stop(&watermark_timer);
}

static void set_fifo_mode(void) {
    const bool fills = (registers[FIFO_CTRL5] & 0x07) == CONTINUOUS && rate_hz() > 0;
    if (fills && !filling) {
        first_counter = taken_so_far();
        oldest_read = 0;
        overrun = false;
    }
    filling = fills;
}

static void write_register(uint8_t address, uint8_t value) {
    registers[address] = value;
    if (address == CTRL3_C && (value & 1) != 0) {
        power_up();
    } else if (address == FIFO_CTRL5) {
        set_fifo_mode();
    }
}

static uint8_t pop(void) {
    if (level_bytes() == 0) {
        return 0;
    }
    const pod_wire_sample sample = pattern_sample((uint32_t)first_counter);
    const int16_t slot[] = {sample.gyr[0], sample.gyr[1], sample.gyr[2],
                            sample.acc[0], sample.acc[1], sample.acc[2]};
    const uint16_t word = (uint16_t)slot[oldest_read / 2];
    const uint8_t byte = (uint8_t)(oldest_read % 2 == 0 ? word : word >> 8);
    if (++oldest_read == SAMPLE_BYTES) {
        oldest_read = 0;
        first_counter++;
    }
    return byte;
}

static uint8_t read_source(uint8_t address) {
    const uint8_t source = registers[address];
    registers[address] = 0;
    return source;
}

static uint8_t read_register(uint8_t address) {
    const uint32_t words = level_bytes() / 2;
    switch (address) {
    case FIFO_STATUS1:
        return (uint8_t)words;
    case FIFO_STATUS1 + 1:
        return (uint8_t)((words >> 8 & 0x07) | (overrun ? 0x40 : 0));
    case FIFO_STATUS1 + 2:
        return (uint8_t)(oldest_read / 2);
    case FIFO_DATA_OUT_L:
    case FIFO_DATA_OUT_H:
        return pop();
    case WAKE_UP_SRC:
    case TAP_SRC:
        return read_source(address);
    default:
        return registers[address];
    }
}

static uint8_t next(uint8_t address) {
    return address == FIFO_DATA_OUT_H ? FIFO_DATA_OUT_L : (address + 1) % REGISTERS;
}

static bool is_silent(void) {
    const uint64_t us = now_us();
    return us >= bench.imu_silent_from_us && us < bench.imu_silent_until_us;
}

static void pass_time(const struct i2c_msg *messages, int count) {
    uint32_t bytes = 0;
    for (int i = 0; i < count; i++) {
        bytes += 1 + messages[i].len;
    }
    k_usleep((int32_t)(bytes * 9U * BIT_NS / 1000U));
}

static int transfer(const struct emul *target, struct i2c_msg *messages, int count, int address) {
    uint8_t at = 0;
    pass_time(messages, count);
    if (is_silent()) {
        power_up();
        follow(NULL);
        return -EIO;
    }
    for (int i = 0; i < count; i++) {
        const bool reads = (messages[i].flags & I2C_MSG_READ) != 0;
        uint32_t byte = 0;
        if (!reads && i == 0) {
            at = messages[i].buf[byte++];
        }
        for (; byte < messages[i].len; byte++) {
            if (reads) {
                messages[i].buf[byte] = read_register(at);
            } else {
                write_register(at, messages[i].buf[byte]);
            }
            at = next(at);
        }
    }
    follow(NULL);
    return 0;
}

static int begin(const struct emul *target, const struct device *parent) {
    power_up();
    if (bench.tap_us != UINT32_MAX) {
        k_timer_start(&tap_timer, K_USEC(bench.tap_us), K_NO_WAIT);
    }
    return 0;
}

static const struct i2c_emul_api bus = {.transfer = transfer};

DEVICE_DT_INST_DEFINE(0, NULL, NULL, NULL, NULL, POST_KERNEL, CONFIG_KERNEL_INIT_PRIORITY_DEVICE,
                      NULL);
EMUL_DT_INST_DEFINE(0, begin, NULL, NULL, &bus, NULL);
