/* The thread that has the IMU do what the core wishes, and brings the core what it gives. */
#ifndef IMU_H
#define IMU_H

#include <stdbool.h>
#include <stdint.h>

typedef enum {
    IMU_OFF,
    IMU_DOZE,  /* movement, at the least current: it has to wake the pod from System OFF */
    IMU_WATCH, /* movement and double taps */
    IMU_STREAM
} imu_task;

typedef struct {
    imu_task task;
    uint16_t rate_hz;  /* of a stream */
    uint8_t watermark; /* of a stream, samples */
    uint32_t resets;   /* reset bus and IMU each time this moves */
} imu_orders;

void imu_open(void);

/* The last orders count. For callers that hold the core. */
void imu_order(const imu_orders *orders);

/* Whether it has done the last orders. */
bool imu_is_done(void);

/* Lets its interrupt end System OFF; not one that an IMU in trouble holds already. */
void imu_arm_wake(void);

#endif
