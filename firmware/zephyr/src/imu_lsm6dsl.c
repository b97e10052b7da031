/* LSM6DSL and LSM6DS3TR-C: a FIFO of plain slots (ST AN5040, section 8). */

#include <zephyr/sys/byteorder.h>
#include <zephyr/sys/util.h>

#include "imu_chip.h"
#include "lsm6dsx.h"

enum {
    WHO_AM_I = 0x6A,

    FIFO_CTRL1 = 0x06,
    FIFO_CTRL2 = 0x07,
    FIFO_CTRL3 = 0x08,
    FIFO_CTRL4 = 0x09,
    FIFO_CTRL5 = 0x0A,
    FIFO_DATA_OUT = 0x3E,
    TAP_CFG = 0x58,
    TAP_THS_6D = 0x59,

    EVERY_SAMPLE_OF_BOTH = 0x09,   /* of FIFO_CTRL3 */
    INTERRUPTS_LATCHED_XYZ = 0x8F, /* of TAP_CFG */
    TAP = 12,                      /* 750 mg at 2 g */
    OVERRUN = 0x40,                /* of FIFO_STATUS2 */
    LEVEL_HIGH_BITS = 0x07,
    WORDS_PER_SAMPLE = 6
};

const pod_core_imu imu_chip = {
    .acc_nm_s2_per_lsb = LSM6DSX_ACC_NM_S2_PER_LSB,
    .gyr_nrad_s_per_lsb = LSM6DSX_GYR_NRAD_S_PER_LSB,
    .format = SAMPLER_PLAIN_FIFO,
};
const uint8_t imu_chip_sample_bytes = IMU_FIFO_PLAIN_SLOT_BYTES;

int imu_chip_reset(void) { return lsm6dsx_reset(WHO_AM_I); }

static int stop_fifo(void) { return lsm6dsx_write(FIFO_CTRL5, LSM6DSX_FIFO_BYPASS); }

static int start_fifo(uint16_t rate_hz) {
    return lsm6dsx_write(FIFO_CTRL5,
                         (uint8_t)(lsm6dsx_rate_code(rate_hz) << 3 | LSM6DSX_FIFO_CONTINUOUS));
}

int lsm6dsx_end_stream(void) {
    static const lsm6dsx_setting settings[] = {
        {LSM6DSX_INT1_CTRL, 0},
        {LSM6DSX_CTRL2_G, 0},
        {FIFO_CTRL5, LSM6DSX_FIFO_BYPASS},
        {TAP_CFG, INTERRUPTS_LATCHED_XYZ},
        {TAP_THS_6D, TAP},
    };
    return lsm6dsx_set(settings, ARRAY_SIZE(settings));
}

int imu_chip_stream(uint16_t rate_hz, uint8_t watermark) {
    const uint16_t words = watermark * WORDS_PER_SAMPLE;
    const lsm6dsx_setting fifo[] = {
        {FIFO_CTRL5, LSM6DSX_FIFO_BYPASS},
        {FIFO_CTRL1, (uint8_t)words},
        {FIFO_CTRL2, (uint8_t)(words >> 8)},
        {FIFO_CTRL3, EVERY_SAMPLE_OF_BOTH},
        {FIFO_CTRL4, 0},
    };
    int error = lsm6dsx_set(fifo, ARRAY_SIZE(fifo));
    if (error == 0) {
        error = lsm6dsx_run(rate_hz);
    }
    return error != 0 ? error : start_fifo(rate_hz);
}

/* A pattern that is not at its start is a FIFO that has lost words. */
int imu_chip_get_level(imu_chip_level *level) {
    uint8_t status[4]; /* level, level and flags, pattern */
    const int error = lsm6dsx_read(LSM6DSX_FIFO_STATUS1, status, sizeof status);
    if (error == 0) {
        const uint16_t words = (uint16_t)((status[1] & LEVEL_HIGH_BITS) << 8 | status[0]);
        const bool astray = words > 0 && sys_get_le16(status + 2) != 0;
        level->samples = words / WORDS_PER_SAMPLE;
        level->overflown = (status[1] & OVERRUN) != 0 || astray;
    }
    return error;
}

int imu_chip_read(uint8_t *bytes, size_t length) {
    return lsm6dsx_read(FIFO_DATA_OUT, bytes, length);
}

int imu_chip_empty(uint16_t rate_hz) {
    const int error = stop_fifo();
    return error != 0 ? error : start_fifo(rate_hz);
}
