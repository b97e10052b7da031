/* Notices an IMU that has stopped answering: resets, each after twice the time of the last, until
 * samples come again; from the third on it is a fault.
 */
#ifndef IMU_GUARD_H
#define IMU_GUARD_H

#include <stdbool.h>
#include <stdint.h>

#include "pod_time.h"

typedef struct {
    bool watching;
    bool failing; /* on the bus, since it was last well */
    bool fault;
    uint8_t attempts;    /* resets in a row that brought no samples */
    uint32_t resets;     /* asked for since the pod started */
    uint32_t silence_us; /* this long without samples is a failure */
    uint64_t due_us;     /* the next reset, unless samples come; NEVER_US: none */
} imu_guard;

void imu_guard_init(imu_guard *guard);

/* Samples are expected at least every `silence_us`. */
void imu_guard_watch(imu_guard *guard, uint32_t silence_us, uint64_t now_us);

void imu_guard_rest(imu_guard *guard);

/* Samples came; or none are expected and it answers. */
void imu_guard_well(imu_guard *guard, uint64_t now_us);

/* It did not answer on the bus: a reset is due soon, unless one is due anyway. */
void imu_guard_failed(imu_guard *guard, uint64_t now_us);

void imu_guard_tick(imu_guard *guard, uint64_t now_us);

#endif
