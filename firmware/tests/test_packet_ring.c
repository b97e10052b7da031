#include "check.h"
#include "packet_ring.h"
#include "random.h"

static packet_ring ring;

static void fresh(uint8_t batch) {
    memset(&ring, 0, sizeof ring);
    packet_ring_start(&ring, batch);
}

static pod_wire_packet packet_of(uint16_t sequence, uint8_t samples) {
    pod_wire_packet packet = {
        .placement = POD_WIRE_SHANK_R, .sequence = sequence, .count = samples};
    for (uint8_t i = 0; i < samples; i++) {
        packet.samples[i].acc[0] = (int16_t)(sequence + i);
    }
    return packet;
}

static bool put(uint16_t sequence, uint8_t samples) {
    const pod_wire_packet packet = packet_of(sequence, samples);
    return packet_ring_put(&ring, &packet);
}

static bool take(pod_wire_packet *packet) {
    uint8_t bytes[POD_WIRE_MAX_BYTES];
    const size_t length = packet_ring_take(&ring, bytes, sizeof bytes);
    return length > 0 && CHECK_INT(pod_wire_decode(bytes, length, packet), POD_WIRE_OK);
}

static void test_first_in_first_out(void) {
    fresh(8);
    pod_wire_packet packet = {0};
    CHECK(!take(&packet));
    for (uint16_t sequence = 0; sequence < 200; sequence++) {
        CHECK(put(sequence, (uint8_t)(1 + sequence % 8)));
        if (sequence % 2 == 0) {
            CHECK(put((uint16_t)(1000 + sequence), 8));
            CHECK(take(&packet));
        }
        CHECK(take(&packet));
        CHECK_INT(packet.count, sequence % 2 == 0 ? 8 : 1 + sequence % 8);
        CHECK_INT(packet.dropped, 0);
    }
    CHECK(!take(&packet));
}

/* Two seconds and more of running fit, whatever the batch. */
static void test_it_holds_two_seconds(void) {
    for (unsigned samples = 4; samples <= POD_WIRE_MAX_SAMPLES; samples++) {
        const uint8_t batch = (uint8_t)samples;
        fresh(batch);
        uint16_t sequence = 0;
        while (ring.dropped == 0) {
            CHECK(put(sequence++, batch));
        }
        CHECK((sequence - 1) * batch >= 1.8 * 208);
    }
}

static void test_the_oldest_is_dropped_and_told(void) {
    fresh(19);
    const uint16_t room = ring.slots;
    for (uint16_t sequence = 0; sequence < room + 7; sequence++) {
        CHECK(put(sequence, 19));
    }
    pod_wire_packet packet = {0};
    for (uint16_t i = 0; i < room; i++) {
        CHECK(take(&packet));
        CHECK_INT(packet.sequence, 7 + i);
        CHECK_INT(packet.dropped, 7);
        CHECK_INT(packet.samples[18].acc[0], 7 + i + 18);
    }
    CHECK(!take(&packet));
    CHECK_INT(ring.dropped, 7);
}

static void test_a_start_forgets(void) {
    fresh(1);
    for (uint16_t sequence = 0; sequence < 400; sequence++) {
        CHECK(put(sequence, 1));
    }
    CHECK(ring.dropped > 0);
    const uint16_t waiting = ring.waiting;
    packet_ring_start(&ring, 8);
    pod_wire_packet packet = {0};
    CHECK(!take(&packet));
    CHECK_INT(ring.dropped, waiting);
    packet_ring_start(&ring, 8);
    CHECK_INT(ring.dropped, 0);
}

static void test_the_told_count_saturates(void) {
    fresh(19);
    for (uint32_t sequence = 0; sequence < 70000; sequence++) {
        CHECK(put((uint16_t)sequence, 1));
    }
    pod_wire_packet packet = {0};
    CHECK(take(&packet));
    CHECK_INT(packet.dropped, UINT16_MAX);
    CHECK_INT(ring.dropped, 70000 - ring.slots);
}

static void test_what_cannot_be_encoded_stays_out(void) {
    fresh(4);
    CHECK(!put(0, 5));
    CHECK(!put(0, 0));
    pod_wire_packet packet = {0};
    CHECK(!take(&packet));
}

static void test_too_small_a_buffer_loses_nothing(void) {
    fresh(8);
    CHECK(put(3, 8));
    uint8_t bytes[POD_WIRE_MAX_BYTES];
    CHECK_INT(packet_ring_take(&ring, bytes, 107), 0);
    CHECK_INT(packet_ring_take(&ring, bytes, 108), 108);
}

/* Against a plain model: what is taken is what was put, in order, with gaps as counted. */
static void test_any_order_of_putting_and_taking(void) {
    for (uint32_t seed = 0; seed < 50; seed++) {
        random_seed(seed);
        fresh((uint8_t)(1 + random_below(19)));
        uint16_t next_put = 0;
        uint32_t next_taken = 0;
        uint32_t dropped = 0;
        for (int step = 0; step < 3000; step++) {
            if (random_below(100) < 55) {
                CHECK(put(next_put++, 1));
            }
            pod_wire_packet packet = {0};
            if (random_below(100) < 50 && take(&packet)) {
                dropped += packet.sequence - next_taken;
                next_taken = packet.sequence + 1U;
                CHECK_INT(packet.dropped, dropped);
            }
        }
    }
}

int main(void) {
    RUN(test_first_in_first_out);
    RUN(test_it_holds_two_seconds);
    RUN(test_the_oldest_is_dropped_and_told);
    RUN(test_a_start_forgets);
    RUN(test_the_told_count_saturates);
    RUN(test_what_cannot_be_encoded_stays_out);
    RUN(test_too_small_a_buffer_loses_nothing);
    RUN(test_any_order_of_putting_and_taking);
    return check_report();
}
