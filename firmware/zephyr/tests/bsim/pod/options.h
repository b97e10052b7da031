/* The simulated pod's own command line options; times are simulated microseconds since its
 * start, UINT32_MAX: never. */
#ifndef OPTIONS_H
#define OPTIONS_H

#include <stdint.h>

typedef struct {
    uint32_t imu_silent_from_us; /* the IMU answers nothing on the bus, and forgets its settings */
    uint32_t imu_silent_until_us;
    uint32_t tap_us; /* a double tap */
    uint32_t end_us; /* the process ends, as a pod does whose battery falls out */
} options;

extern options bench;

#endif
