#include "check.h"
#include "fifo_words.h"
#include "random.h"
#include "sampler.h"

enum { RATE_HZ = 208, BATCH = 8 };

#define PERIOD_US 4808ULL

static sampler state;
static const haptic_shaking still[2];

static void fresh(sampler_format format) {
    memset(&state, 0, sizeof state);
    sampler_start(&state, format, POD_WIRE_THIGH_R, RATE_HZ, BATCH);
}

static void read_tagged(unsigned first, unsigned count, uint64_t at_us) {
    uint8_t bytes[64 * SAMPLE_BYTES];
    for (unsigned i = 0; i < count; i++) {
        const pod_wire_sample sample = numbered(first + i);
        put_tagged(bytes + (size_t)i * SAMPLE_BYTES, first + i, &sample);
    }
    sampler_mark(&state, (uint8_t)count, at_us);
    sampler_read(&state, bytes, (size_t)count * SAMPLE_BYTES, still);
}

static bool take(pod_wire_packet *packet) {
    uint8_t bytes[POD_WIRE_MAX_BYTES];
    const size_t length = packet_ring_take(&state.ring, bytes, sizeof bytes);
    return length > 0 && CHECK_INT(pod_wire_decode(bytes, length, packet), POD_WIRE_OK);
}

static void test_samples_become_packets(void) {
    fresh(SAMPLER_TAGGED_FIFO);
    for (unsigned read = 0; read < 5; read++) {
        read_tagged(8 * read, 8, 1000000 + (8 * read + 7) * PERIOD_US);
    }
    pod_wire_packet packet = {0};
    for (unsigned read = 0; read < 5; read++) {
        CHECK(take(&packet));
        CHECK_INT(packet.placement, POD_WIRE_THIGH_R);
        CHECK_INT(packet.sequence, read);
        CHECK_INT(packet.count, BATCH);
        CHECK_INT(packet.flags, 0);
        CHECK_NEAR(packet.pod_clock_us, 1000000 + 8ULL * read * PERIOD_US, 3);
        for (unsigned i = 0; i < BATCH; i++) {
            const pod_wire_sample want = numbered(8 * read + i);
            CHECK(memcmp(&packet.samples[i], &want, sizeof want) == 0);
        }
    }
    CHECK(!take(&packet));
}

/* However the FIFO is read, the packets are the same. */
static void test_any_split_of_the_reads_gives_the_same_packets(void) {
    for (uint32_t seed = 0; seed < 100; seed++) {
        random_seed(seed);
        fresh(SAMPLER_TAGGED_FIFO);
        unsigned taken = 0;
        unsigned next = 0;
        while (taken < 400) {
            const unsigned count = 1 + random_below(30);
            read_tagged(taken, count, 1000000ULL + (taken + count - 1) * PERIOD_US);
            taken += count;
            pod_wire_packet packet = {0};
            while (take(&packet)) {
                CHECK_INT(packet.count, BATCH);
                CHECK_INT(packet.samples[0].acc[0], numbered(next).acc[0]);
                CHECK_NEAR(packet.pod_clock_us, 1000000 + next * PERIOD_US, 20);
                next += BATCH;
            }
        }
        CHECK(next > 400 - BATCH);
    }
}

static void test_samples_without_a_time_are_let_go(void) {
    fresh(SAMPLER_TAGGED_FIFO);
    uint8_t bytes[8 * SAMPLE_BYTES];
    for (unsigned i = 0; i < 8; i++) {
        const pod_wire_sample sample = numbered(i);
        put_tagged(bytes + (size_t)i * SAMPLE_BYTES, i, &sample);
    }
    sampler_read(&state, bytes, sizeof bytes, still);
    read_tagged(8, 8, 500000);
    pod_wire_packet packet = {0};
    CHECK(take(&packet));
    CHECK_INT(packet.samples[0].acc[0], 8);
    CHECK_NEAR(packet.pod_clock_us, 500000 - 7 * PERIOD_US, 3);
    CHECK(!take(&packet));
}

static void test_a_hole_ends_the_packet_and_keeps_the_time(void) {
    fresh(SAMPLER_TAGGED_FIFO);
    uint8_t bytes[12 * SAMPLE_BYTES];
    for (unsigned i = 0; i < 12; i++) {
        const pod_wire_sample sample = numbered(i);
        put_tagged(bytes + (size_t)i * SAMPLE_BYTES, i, &sample);
    }
    bytes[(size_t)3 * SAMPLE_BYTES] ^= 0x80; /* sample 3 loses its gyroscope */
    sampler_mark(&state, 12, 1000000 + 11 * PERIOD_US);
    sampler_read(&state, bytes, sizeof bytes, still);
    pod_wire_packet packet = {0};
    CHECK(take(&packet));
    CHECK_INT(packet.count, 3);
    CHECK_NEAR(packet.pod_clock_us, 1000000, 3);
    CHECK(take(&packet));
    CHECK_INT(packet.count, 8);
    CHECK_INT(packet.sequence, 1);
    CHECK_INT(packet.samples[0].acc[0], 4);
    CHECK_NEAR(packet.pod_clock_us, 1000000 + 4 * PERIOD_US, 3);
    CHECK_INT(state.fifo.bad_words, 2); /* the broken word, and the one it left alone */
}

/* Where a sample says when it was taken, its packet says the same: whatever of the FIFO is garbled,
 * in whatever reads. */
static void test_broken_words_do_not_move_the_times_of_others(void) {
    for (uint32_t seed = 0; seed < 200; seed++) {
        random_seed(seed);
        const unsigned batch = 1 + random_below(POD_WIRE_MAX_SAMPLES);
        memset(&state, 0, sizeof state);
        sampler_start(&state, SAMPLER_TAGGED_FIFO, POD_WIRE_PELVIS, RATE_HZ, (uint8_t)batch);
        unsigned first = 0;
        unsigned seen = 0;
        for (unsigned read = 0; read < 300; read++, first += batch) {
            uint8_t bytes[POD_WIRE_MAX_SAMPLES * SAMPLE_BYTES];
            const size_t length = (size_t)batch * SAMPLE_BYTES;
            for (unsigned i = 0; i < batch; i++) {
                const pod_wire_sample sample = numbered(first + i);
                put_tagged(bytes + (size_t)i * SAMPLE_BYTES, first + i, &sample);
            }
            const unsigned harm = random_below(8);
            for (size_t at = 0; harm < 2 && at < length; at += IMU_FIFO_TAGGED_WORD_BYTES) {
                if (harm == 0) {
                    bytes[at] = 0xFF;
                } else if (random_below(4) == 0) {
                    bytes[at] ^= (uint8_t)(1U << random_below(8));
                }
            }
            sampler_mark(&state, (uint8_t)batch, 1000000 + (first + batch - 1) * PERIOD_US);
            sampler_read(&state, bytes, length, still);
            pod_wire_packet packet = {0};
            while (take(&packet)) {
                const unsigned number = (unsigned)packet.samples[0].acc[0];
                seen += packet.count;
                CHECK_NEAR(packet.pod_clock_us, 1000000 + number * PERIOD_US, 30);
                for (unsigned i = 0; i < packet.count; i++) {
                    CHECK_INT(packet.samples[i].acc[0], number + i);
                }
            }
        }
        CHECK(seen > first / 2);
    }
}

static void test_lost_samples_are_told_once(void) {
    fresh(SAMPLER_TAGGED_FIFO);
    read_tagged(0, 11, 1000000);
    sampler_lose(&state, still);
    read_tagged(100, 8, 9000000);
    read_tagged(108, 8, 9000000 + 8 * PERIOD_US);
    static const struct {
        uint8_t count;
        uint8_t flags;
        int16_t first;
        uint32_t at_us;
    } want[] = {{8, 0, 0, 1000000 - 10 * PERIOD_US},
                {3, 0, 8, 1000000 - 2 * PERIOD_US},
                {8, POD_WIRE_FLAG_FIFO_OVERFLOW, 100, 9000000 - 7 * PERIOD_US},
                {8, 0, 108, 9000000 + PERIOD_US}};
    for (size_t i = 0; i < 4; i++) {
        pod_wire_packet packet = {0};
        CHECK(take(&packet));
        CHECK_INT(packet.sequence, i);
        CHECK_INT(packet.count, want[i].count);
        CHECK_INT(packet.flags, want[i].flags);
        CHECK_INT(packet.samples[0].acc[0], want[i].first);
        CHECK_NEAR(packet.pod_clock_us, want[i].at_us, 5);
    }
}

static void test_clipping_is_told(void) {
    static const int16_t values[] = {32767, -32767, -32768, 32766, -32766};
    for (unsigned axis = 0; axis < 6; axis++) {
        for (unsigned i = 0; i < 5; i++) {
            fresh(SAMPLER_PLAIN_FIFO);
            pod_wire_sample sample = {0};
            uint8_t bytes[8 * IMU_FIFO_PLAIN_SLOT_BYTES] = {0};
            *(axis < 3 ? &sample.acc[axis] : &sample.gyr[axis - 3]) = values[i];
            put_plain(bytes + (size_t)5 * IMU_FIFO_PLAIN_SLOT_BYTES, &sample);
            sampler_mark(&state, 8, 1000000);
            sampler_read(&state, bytes, sizeof bytes, still);
            pod_wire_packet packet = {0};
            CHECK(take(&packet));
            CHECK_INT(packet.flags, i < 3 ? POD_WIRE_FLAG_CLIPPED : 0);
        }
    }
}

static void test_the_motor_is_told_of(void) {
    static const struct {
        int32_t from_us;
        int32_t until_us;
        bool told;
    } spans[] = {{-20000, -10000, false},
                 {-20000, 0, false},
                 {-20000, 1000, true},
                 {5000, 6000, true},
                 {-5000, 99000, true},
                 {7 * PERIOD_US, 99000, true},
                 {7 * PERIOD_US + 9, 99000, false}};
    for (size_t i = 0; i < sizeof spans / sizeof spans[0]; i++) {
        fresh(SAMPLER_PLAIN_FIFO);
        const uint64_t first_us = 1000000;
        const uint8_t bytes[8 * IMU_FIFO_PLAIN_SLOT_BYTES] = {0};
        const haptic_shaking span = {.from_us = first_us + (uint64_t)(int64_t)spans[i].from_us,
                                     .until_us = first_us + (uint64_t)(int64_t)spans[i].until_us};
        const haptic_shaking shaking[2] = {i % 2 == 0 ? span : still[0],
                                           i % 2 == 0 ? still[0] : span};
        sampler_mark(&state, 8, first_us + 7 * PERIOD_US);
        sampler_read(&state, bytes, sizeof bytes, shaking);
        pod_wire_packet packet = {0};
        CHECK(take(&packet));
        CHECK_INT(packet.flags, spans[i].told ? POD_WIRE_FLAG_MOTOR : 0);
    }
}

static void test_movement_is_seen_and_rest_is_not(void) {
    fresh(SAMPLER_PLAIN_FIFO);
    random_seed(9);
    int moves = 0;
    for (unsigned read = 0; read < 400; read++) {
        uint8_t bytes[8 * IMU_FIFO_PLAIN_SLOT_BYTES];
        for (unsigned i = 0; i < 8; i++) {
            pod_wire_sample sample = {.acc = {(int16_t)random_below(40), 2049, 0}};
            sample.acc[0] = (int16_t)(sample.acc[0] + (read == 300 ? 400 : 0));
            put_plain(bytes + (size_t)i * IMU_FIFO_PLAIN_SLOT_BYTES, &sample);
        }
        sampler_mark(&state, 8, 1000000 + read * 8ULL * PERIOD_US);
        sampler_read(&state, bytes, sizeof bytes, still);
        const bool moved = sampler_take_moved(&state);
        CHECK_INT(moved, read == 0 || read == 300 || read == 301);
        moves += moved;
    }
    CHECK_INT(moves, 3);
    CHECK(!sampler_take_moved(&state));
}

static void test_the_end_of_a_read_may_be_ragged(void) {
    for (size_t extra = 0; extra < SAMPLE_BYTES; extra++) {
        fresh(SAMPLER_TAGGED_FIFO);
        uint8_t bytes[9 * SAMPLE_BYTES];
        for (unsigned i = 0; i < 9; i++) {
            const pod_wire_sample sample = numbered(i);
            put_tagged(bytes + (size_t)i * SAMPLE_BYTES, i, &sample);
        }
        sampler_mark(&state, 8, 1000000);
        sampler_read(&state, bytes, (size_t)8 * SAMPLE_BYTES + extra, still);
        CHECK_INT(state.next, 8);
    }
}

int main(void) {
    RUN(test_samples_become_packets);
    RUN(test_any_split_of_the_reads_gives_the_same_packets);
    RUN(test_samples_without_a_time_are_let_go);
    RUN(test_a_hole_ends_the_packet_and_keeps_the_time);
    RUN(test_broken_words_do_not_move_the_times_of_others);
    RUN(test_lost_samples_are_told_once);
    RUN(test_clipping_is_told);
    RUN(test_the_motor_is_told_of);
    RUN(test_movement_is_seen_and_rest_is_not);
    RUN(test_the_end_of_a_read_may_be_ragged);
    return check_report();
}
