/* What the emulated IMU measures, so that whoever gets a sample can tell which one it is and when
 * it was taken: sample `counter` is taken `counter` periods after the pod's start.
 */
#ifndef PATTERN_H
#define PATTERN_H

#include <stdint.h>

#include "pod_wire.h"

/* The oscillator is 1.3 % fast. */
#define PATTERN_PER_MILLE 1013U

static inline pod_wire_sample pattern_sample(uint32_t counter) {
    const uint16_t low = (uint16_t)counter;
    const uint16_t high = (uint16_t)(counter >> 16);
    return (pod_wire_sample){
        .acc = {(int16_t)low, (int16_t)high, (int16_t)(low * 7U)},
        .gyr = {(int16_t)(low ^ 0x5555U), (int16_t)(low * 3U), (int16_t)(low * 5U)},
    };
}

static inline uint32_t pattern_counter(const pod_wire_sample *sample) {
    return (uint32_t)(uint16_t)sample->acc[1] << 16 | (uint16_t)sample->acc[0];
}

static inline uint64_t pattern_at_ns(uint64_t counter, uint16_t rate_hz) {
    return counter * 1000000000000U / (rate_hz * PATTERN_PER_MILLE);
}

/* Of the last sample taken by then. */
static inline uint64_t pattern_last(uint64_t at_ns, uint16_t rate_hz) {
    return at_ns * (rate_hz * PATTERN_PER_MILLE) / 1000000000000U;
}

#endif
