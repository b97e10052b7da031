#include "imu_guard.h"

enum { ATTEMPTS_TO_FAULT = 3 };

#define QUICK_RETRY_US 250000U
#define SLOWEST_RETRY_US 10000000U

void imu_guard_init(imu_guard *guard) { *guard = (imu_guard){.due_us = NEVER_US}; }

void imu_guard_watch(imu_guard *guard, uint32_t silence_us, uint64_t now_us) {
    guard->watching = true;
    guard->silence_us = silence_us;
    guard->due_us = now_us + silence_us;
}

void imu_guard_rest(imu_guard *guard) {
    guard->watching = false;
    if (guard->attempts == 0 && !guard->failing) {
        guard->due_us = NEVER_US;
    }
}

void imu_guard_well(imu_guard *guard, uint64_t now_us) {
    guard->attempts = 0;
    guard->failing = false;
    guard->fault = false;
    guard->due_us = guard->watching ? now_us + guard->silence_us : NEVER_US;
}

void imu_guard_failed(imu_guard *guard, uint64_t now_us) {
    guard->failing = true;
    const uint64_t soon_us = now_us + QUICK_RETRY_US;
    if (!guard->fault && soon_us < guard->due_us) {
        guard->due_us = soon_us;
    }
}

/* After a reset samples need their time to come; each time in vain, twice as long. */
static uint32_t patience_us(const imu_guard *guard) {
    uint32_t patience = guard->watching ? guard->silence_us : QUICK_RETRY_US;
    for (uint8_t attempt = 1; attempt < guard->attempts && patience < SLOWEST_RETRY_US; attempt++) {
        patience *= 2;
    }
    return patience < SLOWEST_RETRY_US ? patience : SLOWEST_RETRY_US;
}

void imu_guard_tick(imu_guard *guard, uint64_t now_us) {
    if (now_us < guard->due_us) {
        return;
    }
    guard->resets++;
    if (guard->attempts < UINT8_MAX) {
        guard->attempts++;
    }
    guard->fault = guard->attempts >= ATTEMPTS_TO_FAULT;
    guard->due_us = now_us + patience_us(guard);
}
