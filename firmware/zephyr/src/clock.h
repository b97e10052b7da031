/* The pod's clock: microseconds of the 32 kHz crystal since the start. */
#ifndef CLOCK_H
#define CLOCK_H

#include <stdint.h>
#include <zephyr/kernel.h>

#include "pod_time.h"

uint64_t clock_us(void);

/* For waits and timers that end at this time; NEVER_US: never. */
k_timeout_t clock_until(uint64_t at_us);

#endif
