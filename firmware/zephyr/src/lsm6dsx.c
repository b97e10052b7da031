#include "lsm6dsx.h"

#include <errno.h>
#include <zephyr/devicetree.h>
#include <zephyr/drivers/i2c.h>
#include <zephyr/kernel.h>

#include "imu_chip.h"

enum {
    SOFTWARE_RESET = 0x01, /* of CTRL3_C */
    BLOCK_UPDATE = 0x40,
    COUNT_ADDRESS = 0x04,
    RESET_TRIES = 10,
    SETTLING_MS = 80, /* the gyroscope takes 70 */

    ACC_16_G = 0x04, /* of CTRL1_XL; 2 g is 0 */
    ACC_26_HZ = 0x20,
    ACC_416_HZ = 0x60,
    GYR_2000_DPS = 0x0C,  /* of CTRL2_G */
    ACC_LOW_POWER = 0x10, /* of CTRL6_C */

    INT1_WAKE_UP = 0x20, /* of MD1_CFG */
    INT1_DOUBLE_TAP = 0x08,
    WAKE_UP_SEEN = 0x08,    /* of WAKE_UP_SRC */
    DOUBLE_TAP_SEEN = 0x10, /* of TAP_SRC */

    DOUBLE_TAP = 0x80, /* of WAKE_UP_THS */
    MOVEMENT = 2,      /* 125 mg from one sample to the next, at 2 g */
    TAP_WINDOWS = 0x7F /* as in ST's own example */
};

static const struct i2c_dt_spec chip = I2C_DT_SPEC_GET(DT_ALIAS(pod_imu));

int lsm6dsx_read(uint8_t address, uint8_t *bytes, size_t length) {
    return i2c_burst_read_dt(&chip, address, bytes, (uint32_t)length);
}

int lsm6dsx_write(uint8_t address, uint8_t value) {
    return i2c_reg_write_byte_dt(&chip, address, value);
}

int lsm6dsx_set(const lsm6dsx_setting *settings, size_t count) {
    int error = 0;
    for (size_t i = 0; i < count && error == 0; i++) {
        error = lsm6dsx_write(settings[i].address, settings[i].value);
    }
    return error;
}

static int check_identity(uint8_t who_am_i) {
    uint8_t answer = 0;
    const int error = lsm6dsx_read(LSM6DSX_WHO_AM_I, &answer, 1);
    return error != 0 ? error : answer == who_am_i ? 0 : -ENODEV;
}

static int await_reset(void) {
    for (int i = 0; i < RESET_TRIES; i++) {
        uint8_t control = SOFTWARE_RESET;
        k_msleep(1);
        const int error = lsm6dsx_read(LSM6DSX_CTRL3_C, &control, 1);
        if (error != 0) {
            return error;
        }
        if ((control & SOFTWARE_RESET) == 0) {
            return 0;
        }
    }
    return -ETIMEDOUT;
}

/* The chip asks for the gyroscope off and the accelerometer at high performance first. */
int lsm6dsx_reset(uint8_t who_am_i) {
    static const lsm6dsx_setting reset[] = {
        {LSM6DSX_CTRL2_G, 0},
        {LSM6DSX_CTRL6_C, 0},
        {LSM6DSX_CTRL3_C, SOFTWARE_RESET},
    };
    int error = check_identity(who_am_i);
    if (error == 0) {
        error = lsm6dsx_set(reset, ARRAY_SIZE(reset));
    }
    if (error == 0) {
        error = await_reset();
    }
    return error != 0 ? error : lsm6dsx_write(LSM6DSX_CTRL3_C, BLOCK_UPDATE | COUNT_ADDRESS);
}

uint8_t lsm6dsx_rate_code(uint16_t rate_hz) {
    return rate_hz <= 52 ? 3 : rate_hz <= 104 ? 4 : rate_hz <= 208 ? 5 : 6;
}

int lsm6dsx_run(uint16_t rate_hz) {
    const uint8_t rate = (uint8_t)(lsm6dsx_rate_code(rate_hz) << 4);
    const lsm6dsx_setting run[] = {
        {LSM6DSX_MD1_CFG, 0},
        {LSM6DSX_CTRL6_C, 0},
        {LSM6DSX_CTRL1_XL, rate | ACC_16_G},
        {LSM6DSX_CTRL2_G, rate | GYR_2000_DPS},
        {LSM6DSX_INT1_CTRL, LSM6DSX_INT1_FIFO_THRESHOLD},
    };
    const int error = lsm6dsx_set(run, ARRAY_SIZE(run));
    k_msleep(SETTLING_MS);
    return error;
}

static int is_seen(uint8_t address, uint8_t bit, bool *seen) {
    uint8_t source;
    const int error = lsm6dsx_read(address, &source, 1);
    if (error == 0) {
        *seen = (source & bit) != 0;
    }
    return error;
}

int imu_chip_moved(bool *moved) { return is_seen(LSM6DSX_WAKE_UP_SRC, WAKE_UP_SEEN, moved); }

int imu_chip_tapped(bool *tapped) { return is_seen(LSM6DSX_TAP_SRC, DOUBLE_TAP_SEEN, tapped); }

static int forget_events(void) {
    bool seen;
    const int error = imu_chip_moved(&seen);
    return error != 0 ? error : imu_chip_tapped(&seen);
}

/* Events that are there already are read away: they would keep the pin high. */
static int leave_stream_for(const lsm6dsx_setting *task, size_t count) {
    int error = lsm6dsx_end_stream();
    if (error == 0) {
        error = lsm6dsx_set(task, count);
    }
    return error != 0 ? error : forget_events();
}

int imu_chip_off(void) {
    static const lsm6dsx_setting off[] = {
        {LSM6DSX_MD1_CFG, 0},
        {LSM6DSX_CTRL1_XL, 0},
    };
    return leave_stream_for(off, ARRAY_SIZE(off));
}

/* The accelerometer alone, at 26 Hz. */
int imu_chip_doze(void) {
    static const lsm6dsx_setting doze[] = {
        {LSM6DSX_CTRL6_C, ACC_LOW_POWER}, {LSM6DSX_CTRL1_XL, ACC_26_HZ},   {LSM6DSX_WAKE_UP_DUR, 0},
        {LSM6DSX_WAKE_UP_THS, MOVEMENT},  {LSM6DSX_MD1_CFG, INT1_WAKE_UP},
    };
    return leave_stream_for(doze, ARRAY_SIZE(doze));
}

/* The accelerometer alone, at the 416 Hz that a tap needs. */
int imu_chip_watch(void) {
    static const lsm6dsx_setting watch[] = {
        {LSM6DSX_CTRL6_C, ACC_LOW_POWER},
        {LSM6DSX_CTRL1_XL, ACC_416_HZ},
        {LSM6DSX_INT_DUR2, TAP_WINDOWS},
        {LSM6DSX_WAKE_UP_DUR, 0},
        {LSM6DSX_WAKE_UP_THS, DOUBLE_TAP | MOVEMENT},
        {LSM6DSX_MD1_CFG, INT1_DOUBLE_TAP},
    };
    return leave_stream_for(watch, ARRAY_SIZE(watch));
}
