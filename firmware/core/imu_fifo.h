/* Samples out of the bytes of an LSM6DSx FIFO.
 *
 * Two formats. LSM6DSO and later tag each word: tag byte, then x, y, z (ST AN5192, section 9.7).
 * LSM6DSL and LSM6DS3TR-C have plain slots in a fixed pattern: gyroscope x, y, z, accelerometer
 * x, y, z (ST AN5040, section 8.8).
 */
#ifndef IMU_FIFO_H
#define IMU_FIFO_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "pod_wire.h"

enum { IMU_FIFO_TAGGED_WORD_BYTES = 7, IMU_FIFO_PLAIN_SLOT_BYTES = 12 };

typedef struct {
    pod_wire_sample sample; /* being put together */
    uint8_t present;        /* which halves of it are there */
    uint8_t slot;           /* 2-bit time slot of the tag */
    uint16_t bad_words;     /* unreadable, or without their partner; saturating */
} imu_fifo;

void imu_fifo_start(imu_fifo *fifo);

/* What nearly always comes: takes pairs of words that are whole, in order and of the time slots
 * that are due, at most `room` of them. The number of samples. */
size_t imu_fifo_tagged_pairs(imu_fifo *fifo, const uint8_t *bytes, size_t length,
                             pod_wire_sample *samples, size_t room);

/* Anything else: takes one word. True when it completes a sample: *sample is it. A word with a
 * broken tag, or left without its partner, is counted. Words of other sensors are passed over. */
bool imu_fifo_tagged(imu_fifo *fifo, const uint8_t word[IMU_FIFO_TAGGED_WORD_BYTES],
                     pod_wire_sample *sample);

/* Takes whole slots of a plain FIFO, at most `room` of them. The number of samples. */
size_t imu_fifo_plain(const uint8_t *bytes, size_t length, pod_wire_sample *samples, size_t room);

#endif
