#include "sampler.h"

#include <string.h>

enum {
    WORDS_A_SLOT = 2,
    END_OF_RANGE = INT16_MAX,
    MOVED_LSB = 300 /* 1.4 m/s^2 at 16 g: more than noise and a table's tremor */
};

void sampler_start(sampler *state, sampler_format format, uint8_t placement, uint16_t rate_hz,
                   uint8_t batch) {
    state->format = format;
    state->placement = placement;
    state->batch = batch;
    state->words = 0;
    state->next = 0;
    state->packet.count = 0;
    state->packet.flags = 0;
    state->moved = false;
    sample_clock_start(&state->clock, rate_hz);
    imu_fifo_start(&state->fifo);
    packet_ring_start(&state->ring, batch);
}

void sampler_mark(sampler *state, uint8_t samples, uint64_t at_us) {
    if (samples > 0) {
        sample_clock_mark(&state->clock, state->words / WORDS_A_SLOT + samples - 1, at_us);
    }
}

/* All but INT16_MAX, INT16_MIN and, where a scale is symmetrical, its neighbour. */
static bool is_inside(int16_t value) { return value < END_OF_RANGE && value > -END_OF_RANGE; }

static bool is_clipped(const pod_wire_sample *sample) {
    return !(is_inside(sample->acc[0]) && is_inside(sample->acc[1]) && is_inside(sample->acc[2]) &&
             is_inside(sample->gyr[0]) && is_inside(sample->gyr[1]) && is_inside(sample->gyr[2]));
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

static bool holds_clipped(const pod_wire_packet *packet) {
    const pod_wire_sample *const end = packet->samples + packet->count;
    for (const pod_wire_sample *sample = packet->samples; sample < end; sample++) {
        if (is_clipped(sample)) {
            return true;
        }
    }
    return false;
}

static bool reaches(const sampler *state, const haptic_shaking *span, uint64_t first_us) {
    return first_us < span->until_us &&
           span->from_us <=
               first_us + sample_clock_span_us(&state->clock, state->packet.count - 1U);
}

static bool is_shaken(const sampler *state, uint64_t first_us) {
    return reaches(state, &state->shaking[0], first_us) ||
           reaches(state, &state->shaking[1], first_us);
}

static void finish(sampler *state) {
    pod_wire_packet *packet = &state->packet;
    if (packet->count == 0) {
        return;
    }
    const uint64_t first_us = sample_clock_at(&state->clock, state->first);
    if (is_shaken(state, first_us)) {
        packet->flags |= POD_WIRE_FLAG_MOTOR;
    }
    if (holds_clipped(packet)) {
        packet->flags |= POD_WIRE_FLAG_CLIPPED;
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

static pod_wire_sample *next_sample(sampler *state) {
    return &state->packet.samples[state->packet.count];
}

static size_t room(const sampler *state) { return (size_t)state->batch - state->packet.count; }

/* The samples of a packet follow each other: a hole ends it. */
static void go_to(sampler *state, uint32_t slot) {
    if (slot != state->next) {
        finish(state);
    }
    state->next = slot;
}

/* So many samples, of the next time slots, have been put where next_sample() told. */
static void add(sampler *state, size_t samples) {
    pod_wire_packet *packet = &state->packet;
    if (packet->count == 0) {
        state->first = state->next;
    }
    packet->count = (uint8_t)(packet->count + samples);
    state->next += (uint32_t)samples;
    if (packet->count == state->batch) {
        finish(state);
    }
}

static void read_word(sampler *state, const uint8_t *word) {
    pod_wire_sample sample;
    if (imu_fifo_tagged(&state->fifo, word, &sample)) {
        go_to(state, state->words / WORDS_A_SLOT);
        *next_sample(state) = sample;
        add(state, 1);
    }
    state->words++;
}

/* How many samples; only where those of the packet end at the time slot of the next word. */
static size_t read_pairs(sampler *state, const uint8_t *bytes, size_t length) {
    if (state->words != state->next * WORDS_A_SLOT) {
        return 0;
    }
    const size_t pairs =
        imu_fifo_tagged_pairs(&state->fifo, bytes, length, next_sample(state), room(state));
    if (pairs > 0) {
        add(state, pairs);
        state->words += (uint32_t)pairs * WORDS_A_SLOT;
    }
    return pairs;
}

static void read_tagged(sampler *state, const uint8_t *bytes, size_t length) {
    while (length >= IMU_FIFO_TAGGED_WORD_BYTES) {
        const size_t pairs = read_pairs(state, bytes, length);
        size_t taken = pairs * WORDS_A_SLOT * IMU_FIFO_TAGGED_WORD_BYTES;
        if (pairs == 0) {
            read_word(state, bytes);
            taken = IMU_FIFO_TAGGED_WORD_BYTES;
        }
        bytes += taken;
        length -= taken;
    }
}

static void read_plain(sampler *state, const uint8_t *bytes, size_t length) {
    while (length >= IMU_FIFO_PLAIN_SLOT_BYTES) {
        const size_t slots = imu_fifo_plain(bytes, length, next_sample(state), room(state));
        add(state, slots);
        state->words += (uint32_t)slots * WORDS_A_SLOT;
        bytes += slots * IMU_FIFO_PLAIN_SLOT_BYTES;
        length -= slots * IMU_FIFO_PLAIN_SLOT_BYTES;
    }
}

void sampler_read(sampler *state, const uint8_t *bytes, size_t length,
                  const haptic_shaking shaking[2]) {
    state->shaking = shaking;
    if (!sample_clock_is_set(&state->clock)) {
        return;
    }
    if (state->format == SAMPLER_TAGGED_FIFO) {
        read_tagged(state, bytes, length);
    } else {
        read_plain(state, bytes, length);
    }
}

void sampler_lose(sampler *state, const haptic_shaking shaking[2]) {
    sampler_flush(state, shaking);
    state->packet.flags = POD_WIRE_FLAG_FIFO_OVERFLOW;
    state->words = 0;
    state->next = 0;
    sample_clock_restart(&state->clock);
    imu_fifo_start(&state->fifo);
}

void sampler_flush(sampler *state, const haptic_shaking shaking[2]) {
    state->shaking = shaking;
    finish(state);
}

bool sampler_take_moved(sampler *state) {
    const bool moved = state->moved;
    state->moved = false;
    return moved;
}
