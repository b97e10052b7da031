#include "imu_fifo.h"

#include "counter.h"
#include "little_endian.h"

enum {
    TAG_GYROSCOPE = 0x01,
    TAG_ACCELEROMETER = 0x02,
    LAST_SENSOR = 0x19, /* of the LSM6DSO: step counter 0x12, gyroscope sums and hubs up to 0x19 */
    HAS_GYROSCOPE = 1,
    HAS_ACCELEROMETER = 2,
    COMPLETE = HAS_GYROSCOPE | HAS_ACCELEROMETER,
    SLOTS = 4,
    WORD = IMU_FIFO_TAGGED_WORD_BYTES
};

/* Whole tags, parity included, of each time slot. */
static const uint8_t gyroscope_tags[SLOTS] = {0x09, 0x0A, 0x0C, 0x0F};
static const uint8_t accelerometer_tags[SLOTS] = {0x11, 0x12, 0x14, 0x17};

void imu_fifo_start(imu_fifo *fifo) {
    const uint16_t bad_words = fifo->bad_words;
    *fifo = (imu_fifo){.bad_words = bad_words};
}

/* The tag's last bit makes the number of set bits even. */
static bool has_even_parity(uint8_t tag) {
    unsigned bits = tag;
    bits ^= bits >> 4;
    bits ^= bits >> 2;
    bits ^= bits >> 1;
    return (bits & 1U) == 0;
}

/* What the time slot at hand leaves unfinished is lost. */
static void close_slot(imu_fifo *fifo) {
    if (fifo->present != 0 && fifo->present != COMPLETE) {
        count_up(&fifo->bad_words);
    }
    fifo->present = 0;
}

bool imu_fifo_tagged(imu_fifo *fifo, const uint8_t word[WORD], pod_wire_sample *sample) {
    const unsigned sensor = word[0] >> 3;
    if (!has_even_parity(word[0]) || sensor == 0 || sensor > LAST_SENSOR) {
        close_slot(fifo); /* a word of four slots later has the same tag as the one that waits */
        count_up(&fifo->bad_words);
        return false;
    }
    if (sensor != TAG_GYROSCOPE && sensor != TAG_ACCELEROMETER) {
        return false;
    }
    const uint8_t half = sensor == TAG_GYROSCOPE ? HAS_GYROSCOPE : HAS_ACCELEROMETER;
    const uint8_t slot = word[0] >> 1 & (SLOTS - 1);
    if (slot != fifo->slot || (fifo->present & half) != 0) {
        close_slot(fifo);
        fifo->slot = slot;
    }
    get_axes(word + 1, half == HAS_GYROSCOPE ? fifo->sample.gyr : fifo->sample.acc);
    fifo->present |= half;
    if (fifo->present != COMPLETE) {
        return false;
    }
    *sample = fifo->sample;
    return true;
}

size_t imu_fifo_tagged_pairs(imu_fifo *fifo, const uint8_t *bytes, size_t length,
                             pod_wire_sample *samples, size_t room) {
    if (fifo->present != COMPLETE) {
        return 0;
    }
    const size_t whole = length / (2 * (size_t)WORD);
    const size_t most = whole < room ? whole : room;
    unsigned slot = (fifo->slot + 1U) % SLOTS;
    size_t count = 0;
    while (count < most && bytes[0] == gyroscope_tags[slot] &&
           bytes[WORD] == accelerometer_tags[slot]) {
        get_axes(bytes + 1, samples->gyr);
        get_axes(bytes + WORD + 1, samples->acc);
        slot = (slot + 1) % SLOTS;
        bytes += 2 * (size_t)WORD;
        samples++;
        count++;
    }
    fifo->slot = (uint8_t)((fifo->slot + count) % SLOTS);
    return count;
}

size_t imu_fifo_plain(const uint8_t *bytes, size_t length, pod_wire_sample *samples, size_t room) {
    const size_t whole = length / IMU_FIFO_PLAIN_SLOT_BYTES;
    const size_t count = whole < room ? whole : room;
    for (size_t i = 0; i < count; i++) {
        get_axes(bytes, samples[i].gyr);
        get_axes(bytes + 6, samples[i].acc);
        bytes += IMU_FIFO_PLAIN_SLOT_BYTES;
    }
    return count;
}
