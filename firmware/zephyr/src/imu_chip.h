/* One IMU behind registers: imu_lsm6dsl.c or imu_lsm6dso.c. Functions return 0, or a negative
 * errno where it does not answer as it should. Its interrupt pin is high: while it streams, from
 * the watermark until the FIFO is below it; while it dozes, from a movement until imu_chip_moved();
 * while it watches, from a double tap until imu_chip_tapped().
 */
#ifndef IMU_CHIP_H
#define IMU_CHIP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "pod_core.h"

typedef struct {
    uint16_t samples; /* whole ones in the FIFO */
    bool overflown;
} imu_chip_level;

extern const pod_core_imu imu_chip;
extern const uint8_t imu_chip_sample_bytes; /* of one sample in the FIFO */

/* As after power-on. */
int imu_chip_reset(void);

int imu_chip_off(void);
int imu_chip_doze(void);
int imu_chip_watch(void);
int imu_chip_stream(uint16_t rate_hz, uint8_t watermark);

int imu_chip_get_level(imu_chip_level *level);
int imu_chip_read(uint8_t *bytes, size_t length);
int imu_chip_empty(uint16_t rate_hz);

/* Whether it happened since the last call. */
int imu_chip_moved(bool *moved);
/* Only when the pin says so: asking may cost a double tap that is under way. */
int imu_chip_tapped(bool *tapped);

#endif
