/* What the IMUs of this family have in common: bus, reset, rates, and of imu_chip.h the detection
 * of movement and taps (ST AN5040 for LSM6DSL and LSM6DS3TR-C, AN5192 for LSM6DSO).
 */
#ifndef LSM6DSX_H
#define LSM6DSX_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
    LSM6DSX_INT1_CTRL = 0x0D,
    LSM6DSX_WHO_AM_I = 0x0F,
    LSM6DSX_CTRL1_XL = 0x10,
    LSM6DSX_CTRL2_G = 0x11,
    LSM6DSX_CTRL3_C = 0x12,
    LSM6DSX_CTRL6_C = 0x15,
    LSM6DSX_WAKE_UP_SRC = 0x1B,
    LSM6DSX_TAP_SRC = 0x1C,
    LSM6DSX_FIFO_STATUS1 = 0x3A,
    LSM6DSX_INT_DUR2 = 0x5A,
    LSM6DSX_WAKE_UP_THS = 0x5B,
    LSM6DSX_WAKE_UP_DUR = 0x5C,
    LSM6DSX_MD1_CFG = 0x5E,

    LSM6DSX_INT1_FIFO_THRESHOLD = 0x08,
    LSM6DSX_FIFO_BYPASS = 0,
    LSM6DSX_FIFO_CONTINUOUS = 6
};

/* +-16 g and +-2000 deg/s at 16 bit. */
#define LSM6DSX_ACC_NM_S2_PER_LSB 4785645  /* 0.488 mg */
#define LSM6DSX_GYR_NRAD_S_PER_LSB 1221730 /* 70 mdeg/s */

typedef struct {
    uint8_t address;
    uint8_t value;
} lsm6dsx_setting;

int lsm6dsx_read(uint8_t address, uint8_t *bytes, size_t length);
int lsm6dsx_write(uint8_t address, uint8_t value);

/* In this order, until one fails. */
int lsm6dsx_set(const lsm6dsx_setting *settings, size_t count);

/* As after power-on; fails where the chip is not this one. */
int lsm6dsx_reset(uint8_t who_am_i);

/* 52, 104, 208 or 416 Hz as in the chip's rate fields. */
uint8_t lsm6dsx_rate_code(uint16_t rate_hz);

/* Both, high performance, the FIFO's watermark the only interrupt. Returns when they have settled.
 */
int lsm6dsx_run(uint16_t rate_hz);

/* By each chip: FIFO empty and off, gyroscope off, detection of movement and taps prepared. */
int lsm6dsx_end_stream(void);

#endif
