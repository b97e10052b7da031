/* FIFO bytes as an LSM6DSO or an LSM6DSL would give them. */
#ifndef FIFO_WORDS_H
#define FIFO_WORDS_H

#include <string.h>

#include "imu_fifo.h"
#include "little_endian.h"

enum { GYROSCOPE_TAG = 1, ACCELEROMETER_TAG = 2, SAMPLE_BYTES = 2 * IMU_FIFO_TAGGED_WORD_BYTES };

/* Counts set bits one by one, unlike the code under test. */
static inline uint8_t tag_of(unsigned sensor, unsigned slot) {
    const unsigned tag = sensor << 3 | (slot & 3U) << 1;
    unsigned set = 0;
    for (unsigned bit = 0; bit < 8; bit++) {
        set += tag >> bit & 1U;
    }
    return (uint8_t)(tag | (set & 1U));
}

static inline void put_word(uint8_t *word, unsigned sensor, unsigned slot, const int16_t axes[3]) {
    word[0] = tag_of(sensor, slot);
    put_axes(word + 1, axes);
}

/* The two words of one sample. */
static inline void put_tagged(uint8_t *bytes, unsigned slot, const pod_wire_sample *sample) {
    put_word(bytes, GYROSCOPE_TAG, slot, sample->gyr);
    put_word(bytes + IMU_FIFO_TAGGED_WORD_BYTES, ACCELEROMETER_TAG, slot, sample->acc);
}

static inline void put_plain(uint8_t *bytes, const pod_wire_sample *sample) {
    put_axes(bytes, sample->gyr);
    put_axes(bytes + 6, sample->acc);
}

/* A sample that tells which one it is. */
static inline pod_wire_sample numbered(unsigned number) {
    const int16_t n = (int16_t)(number % 30000U);
    return (pod_wire_sample){.acc = {n, 1, -2}, .gyr = {(int16_t)-n, 3, -4}};
}

#endif
