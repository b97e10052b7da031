#include "check.h"
#include "pod_wire.h"
#include "vector_bytes.h"
#include "wire_vectors.h"

static void check_packet(const pod_wire_packet *got, const pod_wire_packet *want) {
    CHECK_INT(got->placement, want->placement);
    CHECK_INT(got->sequence, want->sequence);
    CHECK_INT(got->pod_clock_us, want->pod_clock_us);
    CHECK_INT(got->dropped, want->dropped);
    CHECK_INT(got->flags, want->flags);
    if (!CHECK_INT(got->count, want->count)) {
        return;
    }
    for (size_t i = 0; i < want->count; i++) {
        for (size_t axis = 0; axis < 3; axis++) {
            CHECK_INT(got->samples[i].acc[axis], want->samples[i].acc[axis]);
            CHECK_INT(got->samples[i].gyr[axis], want->samples[i].gyr[axis]);
        }
    }
    const size_t used = sizeof want->samples[0] * want->count;
    CHECK(all_untouched(&got->samples[want->count], sizeof got->samples - used));
}

static void check_info(const pod_wire_info *got, const pod_wire_info *want) {
    CHECK_INT(got->placement, want->placement);
    CHECK_INT(got->firmware, want->firmware);
    CHECK_INT(got->rate_mhz, want->rate_mhz);
    CHECK_INT(got->acc_nm_s2_per_lsb, want->acc_nm_s2_per_lsb);
    CHECK_INT(got->gyr_nrad_s_per_lsb, want->gyr_nrad_s_per_lsb);
    CHECK_INT(got->batch, want->batch);
}

static void test_decode_samples(void) {
    for (size_t i = 0; i < LENGTH(samples_decode); i++) {
        const samples_decode_vector *vector = &samples_decode[i];
        check_context = vector->name;
        size_t length = 0;
        uint8_t *bytes = bytes_of(vector->hex, &length);
        pod_wire_packet packet;
        memset(&packet, UNTOUCHED, sizeof packet);
        CHECK_INT(pod_wire_decode(bytes, length, &packet), vector->result);
        if (vector->result == POD_WIRE_OK) {
            check_packet(&packet, &vector->packet);
        } else {
            CHECK(all_untouched(&packet, sizeof packet));
        }
        free(bytes);
    }
}

static void test_encode_samples(void) {
    for (size_t i = 0; i < LENGTH(samples_decode); i++) {
        const samples_decode_vector *vector = &samples_decode[i];
        if (vector->result != POD_WIRE_OK) {
            continue;
        }
        check_context = vector->name;
        size_t want_length = 0;
        uint8_t *want = bytes_of(vector->hex, &want_length);
        uint8_t bytes[POD_WIRE_MAX_BYTES];
        size_t length = 0;
        CHECK_INT(pod_wire_encode(&vector->packet, bytes, want_length, &length), POD_WIRE_OK);
        CHECK_INT(length, want_length);
        CHECK(memcmp(bytes, want, want_length) == 0);
        free(want);
    }
}

static void test_refuse_to_encode_samples(void) {
    for (size_t i = 0; i < LENGTH(samples_refused); i++) {
        const samples_refused_vector *vector = &samples_refused[i];
        check_context = vector->name;
        uint8_t bytes[POD_WIRE_MAX_BYTES];
        memset(bytes, UNTOUCHED, sizeof bytes);
        size_t length = sizeof bytes;
        CHECK_INT(pod_wire_encode(&vector->packet, bytes, vector->capacity, &length),
                  vector->result);
        CHECK_INT(length, 0);
        CHECK(all_untouched(bytes, sizeof bytes));
    }
}

static void test_decode_info(void) {
    for (size_t i = 0; i < LENGTH(info_decode); i++) {
        const info_decode_vector *vector = &info_decode[i];
        check_context = vector->name;
        size_t length = 0;
        uint8_t *bytes = bytes_of(vector->hex, &length);
        pod_wire_info info;
        memset(&info, UNTOUCHED, sizeof info);
        CHECK_INT(pod_wire_decode_info(bytes, length, &info), vector->result);
        if (vector->result == POD_WIRE_OK) {
            check_info(&info, &vector->info);
        } else {
            CHECK(all_untouched(&info, sizeof info));
        }
        free(bytes);
    }
}

static void test_encode_info(void) {
    for (size_t i = 0; i < LENGTH(info_decode); i++) {
        const info_decode_vector *vector = &info_decode[i];
        if (vector->result != POD_WIRE_OK) {
            continue;
        }
        check_context = vector->name;
        size_t want_length = 0;
        uint8_t *want = bytes_of(vector->hex, &want_length);
        uint8_t bytes[POD_WIRE_INFO_BYTES];
        size_t length = 0;
        CHECK_INT(pod_wire_encode_info(&vector->info, bytes, sizeof bytes, &length), POD_WIRE_OK);
        CHECK_INT(length, want_length);
        CHECK_INT(memcmp(bytes, want, want_length) == 0, vector->canonical);
        free(want);
    }
}

static void test_refuse_to_encode_info(void) {
    for (size_t i = 0; i < LENGTH(info_refused); i++) {
        const info_refused_vector *vector = &info_refused[i];
        check_context = vector->name;
        uint8_t bytes[POD_WIRE_INFO_BYTES];
        memset(bytes, UNTOUCHED, sizeof bytes);
        size_t length = sizeof bytes;
        CHECK_INT(pod_wire_encode_info(&vector->info, bytes, vector->capacity, &length),
                  vector->result);
        CHECK_INT(length, 0);
        CHECK(all_untouched(bytes, sizeof bytes));
    }
}

/* Every length of every valid packet: none but the right one is accepted. */
static void test_every_truncation_is_refused(void) {
    for (size_t i = 0; i < LENGTH(samples_decode); i++) {
        const samples_decode_vector *vector = &samples_decode[i];
        if (vector->result != POD_WIRE_OK) {
            continue;
        }
        check_context = vector->name;
        size_t length = 0;
        uint8_t *bytes = bytes_of(vector->hex, &length);
        pod_wire_packet packet;
        for (size_t cut = 0; cut < length; cut++) {
            CHECK_INT(pod_wire_decode(bytes, cut, &packet), POD_WIRE_TOO_SHORT);
        }
        free(bytes);
    }
}

static void test_packet_bytes(void) {
    CHECK_INT(pod_wire_packet_bytes(0), POD_WIRE_HEADER_BYTES);
    CHECK_INT(pod_wire_packet_bytes(1), 24);
    CHECK_INT(pod_wire_packet_bytes(POD_WIRE_MAX_SAMPLES), POD_WIRE_MAX_BYTES);
    CHECK_INT(pod_wire_packet_bytes(UINT8_MAX), 3072);
}

/* The renewed bytes must be those of the same packet encoded with that count. */
static void check_renewed(const pod_wire_packet *packet, uint32_t dropped, uint16_t want_dropped) {
    uint8_t bytes[POD_WIRE_MAX_BYTES];
    uint8_t want[POD_WIRE_MAX_BYTES];
    size_t length = 0;
    size_t want_length = 0;
    pod_wire_packet renewed = *packet;
    renewed.dropped = want_dropped;
    CHECK_INT(pod_wire_encode(packet, bytes, sizeof bytes, &length), POD_WIRE_OK);
    CHECK_INT(pod_wire_encode(&renewed, want, sizeof want, &want_length), POD_WIRE_OK);
    memset(bytes + length, UNTOUCHED, sizeof bytes - length);
    CHECK_INT(pod_wire_renew_dropped(bytes, dropped), want_length);
    CHECK(memcmp(bytes, want, want_length) == 0);
    CHECK(all_untouched(bytes + length, sizeof bytes - length));
}

static void test_renew_dropped(void) {
    for (size_t i = 0; i < LENGTH(samples_decode); i++) {
        const samples_decode_vector *vector = &samples_decode[i];
        if (vector->result != POD_WIRE_OK) {
            continue;
        }
        check_context = vector->name;
        check_renewed(&vector->packet, 0, 0);
        check_renewed(&vector->packet, 0x1234, 0x1234);
        check_renewed(&vector->packet, UINT16_MAX - 1, UINT16_MAX - 1);
        check_renewed(&vector->packet, UINT16_MAX, UINT16_MAX);
        check_renewed(&vector->packet, UINT16_MAX + 1, UINT16_MAX);
        check_renewed(&vector->packet, UINT32_MAX, UINT16_MAX);
    }
}

static void test_every_result_has_its_name(void) {
    static const char *const names[] = {
        "ok",        "too short", "too long", "bad version", "bad type", "bad placement",
        "bad count", "bad flags", "bad rate", "bad scale",   "no room",  "unknown result",
    };
    for (size_t i = 0; i < LENGTH(names); i++) {
        CHECK_TEXT(pod_wire_result_name((pod_wire_result)i), names[i]);
    }
}

int main(void) {
    RUN(test_decode_samples);
    RUN(test_encode_samples);
    RUN(test_refuse_to_encode_samples);
    RUN(test_decode_info);
    RUN(test_encode_info);
    RUN(test_refuse_to_encode_info);
    RUN(test_every_truncation_is_refused);
    RUN(test_packet_bytes);
    RUN(test_renew_dropped);
    RUN(test_every_result_has_its_name);
    return check_report();
}
