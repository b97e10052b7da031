#include "sampler.h"

#include <string.h>

enum {
    END_OF_RANGE = INT16_MAX, /* -32767 is the other end of what the IMU reports */
    MOVED_LSB = 300           /* 1.4 m/s^2 at 16 g: more than noise and a table's tremor */
};

void sampler_start(sampler *state, sampler_format format, uint8_t placement, uint16_t rate_hz,
                   uint8_t batch) {
    state->format = format;
    state->placement = placement;
    state->batch = batch;
    state->taken = 0;
    state->packet.count = 0;
    state->packet.flags = 0;
    state->moved = false;
    sample_clock_start(&state->clock, rate_hz);
    imu_fifo_start(&state->fifo);
    packet_ring_start(&state->ring, batch);
}

void sampler_mark(sampler *state, uint8_t samples, uint64_t at_us) {
    if (samples > 0) {
        sample_clock_mark(&state->clock, state->taken + samples - 1, at_us);
    }
}

static bool is_clipped(const int16_t axes[3]) {
    for (int axis = 0; axis < 3; axis++) {
        if (axes[axis] >= END_OF_RANGE || axes[axis] <= -END_OF_RANGE) {
            return true;
        }
    }
    return false;
}

static void watch_movement(sampler *state, const int16_t acc[3]) {
    for (int axis = 0; axis < 3; axis++) {
        const int32_t change = acc[axis] - state->still_lsb[axis];
        if (change > MOVED_LSB || change < -MOVED_LSB) {
            memcpy(state->still_lsb, acc, sizeof state->still_lsb);
            state->moved = true;
            return;
        }
    }
}

static void finish(sampler *state, sampler_shaking shaking) {
    pod_wire_packet *packet = &state->packet;
    if (packet->count == 0) {
        return;
    }
    const uint64_t first_us = sample_clock_at(&state->clock, state->first);
    const uint64_t last_us = sample_clock_at(&state->clock, state->first + packet->count - 1U);
    if (shaking.from_us <= last_us && first_us < shaking.until_us) {
        packet->flags |= POD_WIRE_FLAG_MOTOR;
    }
    packet->pod_clock_us = (uint32_t)first_us;
    packet->placement = state->placement;
    packet->sequence = state->sequence++;
    packet->dropped = 0;
    packet_ring_put(&state->ring, packet);
    watch_movement(state, packet->samples[0].acc);
    packet->count = 0;
    packet->flags = 0;
}

static void add(sampler *state, const pod_wire_sample *sample, sampler_shaking shaking) {
    pod_wire_packet *packet = &state->packet;
    if (packet->count == 0) {
        state->first = state->taken;
    }
    packet->samples[packet->count++] = *sample;
    state->taken++;
    if (is_clipped(sample->acc) || is_clipped(sample->gyr)) {
        packet->flags |= POD_WIRE_FLAG_CLIPPED;
    }
    if (packet->count == state->batch) {
        finish(state, shaking);
    }
}

/* The samples of a packet follow each other: a hole ends it. */
static void skip(sampler *state, uint16_t slots, sampler_shaking shaking) {
    if (slots > 0) {
        finish(state, shaking);
        state->taken += slots;
    }
}

static void read_tagged(sampler *state, const uint8_t *bytes, size_t length,
                        sampler_shaking shaking) {
    for (; length >= IMU_FIFO_TAGGED_WORD_BYTES; length -= IMU_FIFO_TAGGED_WORD_BYTES) {
        pod_wire_sample sample;
        uint16_t skipped = 0;
        if (imu_fifo_tagged(&state->fifo, bytes, &sample, &skipped)) {
            skip(state, skipped, shaking);
            add(state, &sample, shaking);
        }
        bytes += IMU_FIFO_TAGGED_WORD_BYTES;
    }
}

static void read_plain(sampler *state, const uint8_t *bytes, size_t length,
                       sampler_shaking shaking) {
    for (; length >= IMU_FIFO_PLAIN_SLOT_BYTES; length -= IMU_FIFO_PLAIN_SLOT_BYTES) {
        pod_wire_sample sample;
        imu_fifo_plain(bytes, &sample);
        add(state, &sample, shaking);
        bytes += IMU_FIFO_PLAIN_SLOT_BYTES;
    }
}

void sampler_read(sampler *state, const uint8_t *bytes, size_t length, sampler_shaking shaking) {
    if (!sample_clock_is_set(&state->clock)) {
        return;
    }
    if (state->format == SAMPLER_TAGGED_FIFO) {
        read_tagged(state, bytes, length, shaking);
    } else {
        read_plain(state, bytes, length, shaking);
    }
}

void sampler_lose(sampler *state, sampler_shaking shaking) {
    finish(state, shaking);
    state->packet.flags = POD_WIRE_FLAG_FIFO_OVERFLOW;
    state->taken = 0;
    sample_clock_restart(&state->clock);
    imu_fifo_start(&state->fifo);
}

void sampler_flush(sampler *state, sampler_shaking shaking) { finish(state, shaking); }

bool sampler_take_moved(sampler *state) {
    const bool moved = state->moved;
    state->moved = false;
    return moved;
}
