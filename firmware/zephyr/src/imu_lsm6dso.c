/* LSM6DSO: a FIFO of tagged words (ST AN5192, section 9). */

#include <zephyr/sys/util.h>

#include "imu_chip.h"
#include "lsm6dsx.h"

enum {
    WHO_AM_I = 0x6C,

    FIFO_CTRL1 = 0x07,
    FIFO_CTRL2 = 0x08,
    FIFO_CTRL3 = 0x09,
    FIFO_CTRL4 = 0x0A,
    CTRL9_XL = 0x18,
    TAP_CFG0 = 0x56,
    TAP_CFG1 = 0x57,
    TAP_CFG2 = 0x58,
    TAP_THS_6D = 0x59,
    FIFO_DATA_OUT_TAG = 0x78,

    NO_I3C = 0xE2,               /* CTRL9_XL as it starts, and its I3C interface off */
    LATCHED_XYZ = 0x4F,          /* of TAP_CFG0, cleared by reading */
    INTERRUPTS = 0x80,           /* of TAP_CFG2 */
    TAP = 12,                    /* 750 mg at 2 g */
    OVERRUN_NOW_OR_SINCE = 0x48, /* of FIFO_STATUS2 */
    LEVEL_HIGH_BITS = 0x03,
    WORDS_PER_SAMPLE = 2
};

const pod_core_imu imu_chip = {
    .acc_nm_s2_per_lsb = LSM6DSX_ACC_NM_S2_PER_LSB,
    .gyr_nrad_s_per_lsb = LSM6DSX_GYR_NRAD_S_PER_LSB,
    .format = SAMPLER_TAGGED_FIFO,
};
const uint8_t imu_chip_sample_bytes = WORDS_PER_SAMPLE * IMU_FIFO_TAGGED_WORD_BYTES;

int imu_chip_reset(void) {
    const int error = lsm6dsx_reset(WHO_AM_I);
    return error != 0 ? error : lsm6dsx_write(CTRL9_XL, NO_I3C);
}

int lsm6dsx_end_stream(void) {
    static const lsm6dsx_setting settings[] = {
        {LSM6DSX_INT1_CTRL, 0},  {LSM6DSX_CTRL2_G, 0}, {FIFO_CTRL4, LSM6DSX_FIFO_BYPASS},
        {TAP_CFG0, LATCHED_XYZ}, {TAP_CFG1, TAP},      {TAP_CFG2, INTERRUPTS | TAP},
        {TAP_THS_6D, TAP},
    };
    return lsm6dsx_set(settings, ARRAY_SIZE(settings));
}

static int start_fifo(void) { return lsm6dsx_write(FIFO_CTRL4, LSM6DSX_FIFO_CONTINUOUS); }

int imu_chip_stream(uint16_t rate_hz, uint8_t watermark) {
    const uint8_t rate = lsm6dsx_rate_code(rate_hz);
    const lsm6dsx_setting fifo[] = {
        {FIFO_CTRL4, LSM6DSX_FIFO_BYPASS},
        {FIFO_CTRL1, (uint8_t)(watermark * WORDS_PER_SAMPLE)},
        {FIFO_CTRL2, 0},
        {FIFO_CTRL3, (uint8_t)(rate << 4 | rate)},
    };
    int error = lsm6dsx_set(fifo, ARRAY_SIZE(fifo));
    if (error == 0) {
        error = lsm6dsx_run(rate_hz);
    }
    return error != 0 ? error : start_fifo();
}

int imu_chip_get_level(imu_chip_level *level) {
    uint8_t status[2]; /* level, level and flags */
    const int error = lsm6dsx_read(LSM6DSX_FIFO_STATUS1, status, sizeof status);
    if (error == 0) {
        const uint16_t words = (uint16_t)((status[1] & LEVEL_HIGH_BITS) << 8 | status[0]);
        level->samples = words / WORDS_PER_SAMPLE;
        level->overflown = (status[1] & OVERRUN_NOW_OR_SINCE) != 0;
    }
    return error;
}

int imu_chip_read(uint8_t *bytes, size_t length) {
    return lsm6dsx_read(FIFO_DATA_OUT_TAG, bytes, length);
}

int imu_chip_empty(uint16_t rate_hz) {
    ARG_UNUSED(rate_hz);
    const int error = lsm6dsx_write(FIFO_CTRL4, LSM6DSX_FIFO_BYPASS);
    return error != 0 ? error : start_fifo();
}
