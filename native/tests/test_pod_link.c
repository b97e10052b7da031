#include "check.h"
#include "link_vectors.h"
#include "pod_link.h"
#include "vector_bytes.h"

static void check_control(const pod_link_control *got, const pod_link_control *want) {
    CHECK_INT(got->opcode, want->opcode);
    CHECK_INT(got->argument, want->argument);
}

static void check_haptic(const pod_link_haptic *got, const pod_link_haptic *want) {
    CHECK_INT(got->pattern, want->pattern);
    CHECK_INT(got->intensity_percent, want->intensity_percent);
    CHECK_INT(got->pulses, want->pulses);
    CHECK_INT(got->on_ms, want->on_ms);
    CHECK_INT(got->off_ms, want->off_ms);
}

static void check_config(const pod_link_config *got, const pod_link_config *want) {
    CHECK_INT(got->placement, want->placement);
    if (CHECK_INT(got->name_bytes, want->name_bytes)) {
        CHECK(memcmp(got->name, want->name, want->name_bytes) == 0);
    }
    if (CHECK_INT(got->runner_bytes, want->runner_bytes)) {
        CHECK(memcmp(got->runner, want->runner, want->runner_bytes) == 0);
    }
}

static void check_time(const pod_link_time *got, const pod_link_time *want) {
    CHECK_INT(got->t1, want->t1);
    CHECK_INT(got->t2_us, want->t2_us);
    CHECK_INT(got->t3_us, want->t3_us);
}

static void check_status(const pod_link_status *got, const pod_link_status *want) {
    CHECK_INT(got->state, want->state);
    CHECK_INT(got->conditions, want->conditions);
    CHECK_INT(got->charging, want->charging);
    CHECK_INT(got->battery_mv, want->battery_mv);
    CHECK_INT(got->rate_mhz, want->rate_mhz);
    CHECK_INT(got->uptime_s, want->uptime_s);
    CHECK_INT(got->packets_dropped, want->packets_dropped);
    CHECK_INT(got->fifo_overflows, want->fifo_overflows);
    CHECK_INT(got->fifo_bad_words, want->fifo_bad_words);
    CHECK_INT(got->imu_resets, want->imu_resets);
    CHECK_INT(got->writes_refused, want->writes_refused);
    CHECK_INT(got->settings_lost, want->settings_lost);
    CHECK_INT(got->centrals_refused, want->centrals_refused);
}

static void check_advertisement(const pod_link_advertisement *got,
                                const pod_link_advertisement *want) {
    CHECK_INT(got->placement, want->placement);
    CHECK_INT(got->conditions, want->conditions);
    CHECK_INT(got->battery_mv, want->battery_mv);
}

static void check_record(link_kind kind, const link_record *got, const link_record *want) {
    switch (kind) {
    case LINK_CONTROL:
        check_control(&got->control, &want->control);
        break;
    case LINK_HAPTIC:
        check_haptic(&got->haptic, &want->haptic);
        break;
    case LINK_CONFIG:
        check_config(&got->config, &want->config);
        break;
    case LINK_TIME_REQUEST:
        CHECK_INT(got->time_request.t1, want->time_request.t1);
        break;
    case LINK_TIME_REPLY:
        check_time(&got->time_reply, &want->time_reply);
        break;
    case LINK_STATUS:
        check_status(&got->status, &want->status);
        break;
    case LINK_ADVERTISEMENT:
        check_advertisement(&got->advertisement, &want->advertisement);
        break;
    case LINK_KINDS:
        CHECK(kind != LINK_KINDS);
        break;
    }
}

/* On a refusal the record must be as it was. */
static void check_decode(link_kind kind, const uint8_t *bytes, size_t length,
                         pod_link_result result, const link_record *want) {
    link_record got;
    memset(&got, UNTOUCHED, sizeof got);
    CHECK_INT(link_codecs[kind].decode(bytes, length, &got), result);
    if (result == POD_LINK_OK) {
        check_record(kind, &got, want);
    } else {
        CHECK(all_untouched(&got, sizeof got));
    }
}

static void check_nothing_encoded(link_kind kind, const link_record *record, size_t capacity) {
    uint8_t *bytes = new_bytes(capacity);
    memset(bytes, UNTOUCHED, capacity);
    CHECK_INT(link_codecs[kind].encode(record, bytes, capacity), 0);
    CHECK(all_untouched(bytes, capacity));
    free(bytes);
}

/* Calls the test with every vector that decodes, and its bytes. */
static void for_each_valid(void (*test)(const link_decode_vector *vector, const uint8_t *bytes,
                                        size_t length)) {
    for (size_t i = 0; i < LENGTH(link_decode); i++) {
        const link_decode_vector *vector = &link_decode[i];
        if (vector->result != POD_LINK_OK) {
            continue;
        }
        check_context = vector->name;
        size_t length = 0;
        uint8_t *bytes = bytes_of(vector->hex, &length);
        test(vector, bytes, length);
        free(bytes);
    }
}

static void test_decode(void) {
    for (size_t i = 0; i < LENGTH(link_decode); i++) {
        const link_decode_vector *vector = &link_decode[i];
        check_context = vector->name;
        size_t length = 0;
        uint8_t *bytes = bytes_of(vector->hex, &length);
        check_decode(vector->kind, bytes, length, vector->result, &vector->record);
        free(bytes);
    }
}

static void encodes_to_its_bytes(const link_decode_vector *vector, const uint8_t *want,
                                 size_t length) {
    uint8_t *bytes = new_bytes(length);
    if (CHECK_INT(link_codecs[vector->kind].encode(&vector->record, bytes, length), length)) {
        CHECK(memcmp(bytes, want, length) == 0);
    }
    free(bytes);
}

static void test_encode(void) { for_each_valid(encodes_to_its_bytes); }

static void needs_all_its_room(const link_decode_vector *vector, const uint8_t *bytes,
                               size_t length) {
    (void)bytes;
    for (size_t capacity = 0; capacity < length; capacity++) {
        check_nothing_encoded(vector->kind, &vector->record, capacity);
    }
}

static void test_encode_into_too_little_room(void) { for_each_valid(needs_all_its_room); }

static void test_refuse_to_encode(void) {
    for (size_t i = 0; i < LENGTH(link_refused); i++) {
        const link_refused_vector *vector = &link_refused[i];
        check_context = vector->name;
        check_nothing_encoded(vector->kind, &vector->record, LINK_MAX_BYTES);
    }
}

static void test_bytes_behind_a_name_are_no_part_of_it(void) {
    link_record record = {.config = {.name = {'\xF0', '\x9F', '\x8F', '\x83'}}};
    for (uint8_t name_bytes = 1; name_bytes < 4; name_bytes++) {
        record.config.name_bytes = name_bytes;
        check_nothing_encoded(LINK_CONFIG, &record, LINK_MAX_BYTES);
    }
    record.config.name_bytes = 4;
    uint8_t bytes[LINK_MAX_BYTES];
    CHECK_INT(pod_link_encode_config(&record.config, bytes, sizeof bytes),
              POD_LINK_MIN_CONFIG_BYTES + 4);
}

/* Every shorter one, and one longer. */
static void has_no_other_length(const link_decode_vector *vector, const uint8_t *bytes,
                                size_t length) {
    for (size_t cut = 0; cut < length; cut++) {
        uint8_t *part = new_bytes(cut);
        memcpy(part, bytes, cut);
        check_decode(vector->kind, part, cut, POD_LINK_BAD_LENGTH, NULL);
        free(part);
    }
    uint8_t *longer = new_bytes(length + 1);
    memcpy(longer, bytes, length);
    longer[length] = 0;
    check_decode(vector->kind, longer, length + 1, POD_LINK_BAD_LENGTH, NULL);
    free(longer);
}

static void test_every_other_length_is_refused(void) { for_each_valid(has_no_other_length); }

static void is_no_other_record(const link_decode_vector *vector, const uint8_t *bytes,
                               size_t length) {
    for (unsigned kind = 0; kind < LINK_KINDS; kind++) {
        if (kind != vector->kind) {
            check_decode((link_kind)kind, bytes, length, POD_LINK_BAD_TYPE, NULL);
        }
    }
}

static void test_no_record_is_taken_for_another(void) { for_each_valid(is_no_other_record); }

static void test_rates(void) {
    unsigned rates = 0;
    for (uint32_t rate_hz = 0; rate_hz <= UINT16_MAX + 416U; rate_hz++) {
        rates += pod_link_is_rate(rate_hz) ? 1U : 0U;
    }
    CHECK_INT(rates, 4);
    CHECK(pod_link_is_rate(52));
    CHECK(pod_link_is_rate(104));
    CHECK(pod_link_is_rate(208));
    CHECK(pod_link_is_rate(416));
    CHECK(!pod_link_is_rate(UINT32_MAX));
}

static const char *name_of(unsigned result) {
    static const struct {
        pod_link_result result;
        const char *name;
    } names[] = {
        {POD_LINK_OK, "ok"},
        {POD_LINK_NOT_ENCRYPTED, "not encrypted"},
        {POD_LINK_BAD_VERSION, "bad version"},
        {POD_LINK_BAD_TYPE, "bad type"},
        {POD_LINK_BAD_LENGTH, "bad length"},
        {POD_LINK_BAD_OPCODE, "unknown opcode"},
        {POD_LINK_OUT_OF_RANGE, "out of range"},
        {POD_LINK_NOT_SUBSCRIBED, "not subscribed"},
        {POD_LINK_NO_PLACE, "no placement yet"},
        {POD_LINK_BUSY, "busy streaming"},
        {POD_LINK_IMU_FAULT, "imu fault"},
        {POD_LINK_LOW_BATTERY, "low battery"},
        {POD_LINK_SMALL_MTU, "mtu too small"},
        {POD_LINK_NOT_KEPT, "not kept in flash"},
        {POD_LINK_UNKNOWN, "not known yet"},
    };
    for (size_t i = 0; i < LENGTH(names); i++) {
        if (names[i].result == result) {
            return names[i].name;
        }
    }
    return "unknown result";
}

/* An ATT error is one byte. */
static void test_every_result_has_its_name(void) {
    for (unsigned result = 0; result <= UINT8_MAX; result++) {
        CHECK_TEXT(pod_link_result_name((pod_link_result)result), name_of(result));
    }
}

static void test_uuids_are_least_significant_byte_first(void) {
    static const uint8_t service[] = {POD_LINK_UUID_BYTES(POD_LINK_SERVICE)};
    static const uint8_t other[] = {POD_LINK_UUID_BYTES(0xABCD)};
    size_t length = 0;
    uint8_t *want = bytes_of("98e767f3f7793c8256430d28010016d6", &length);
    if (CHECK_INT(sizeof service, length)) {
        CHECK(memcmp(service, want, length) == 0);
    }
    free(want);
    CHECK_INT(other[12], 0xCD);
    CHECK_INT(other[13], 0xAB);
}

int main(void) {
    RUN(test_decode);
    RUN(test_encode);
    RUN(test_encode_into_too_little_room);
    RUN(test_refuse_to_encode);
    RUN(test_bytes_behind_a_name_are_no_part_of_it);
    RUN(test_every_other_length_is_refused);
    RUN(test_no_record_is_taken_for_another);
    RUN(test_rates);
    RUN(test_every_result_has_its_name);
    RUN(test_uuids_are_least_significant_byte_first);
    return check_report();
}
