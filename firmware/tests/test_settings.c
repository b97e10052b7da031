#include "check.h"
#include "little_endian.h"
#include "settings.h"

static const settings worn = {
    .rate_hz = 416,
    .batch = 19,
    .config = {.placement = POD_WIRE_THIGH_L,
               .name_bytes = 20,
               .runner_bytes = 24,
               .name = "left thigh, number 7",
               .runner = "steady-runner_0123456789"},
};

static int same(const settings *a, const settings *b) {
    return a->rate_hz == b->rate_hz && a->batch == b->batch &&
           a->config.placement == b->config.placement &&
           a->config.name_bytes == b->config.name_bytes &&
           a->config.runner_bytes == b->config.runner_bytes &&
           memcmp(a->config.name, b->config.name, a->config.name_bytes) == 0 &&
           memcmp(a->config.runner, b->config.runner, a->config.runner_bytes) == 0;
}

static void test_round_trip(void) {
    const settings empty = settings_default();
    const settings *const records[] = {&worn, &empty};
    for (size_t i = 0; i < 2; i++) {
        uint8_t bytes[SETTINGS_MAX_BYTES];
        const size_t length = settings_encode(records[i], bytes);
        settings read = {0};
        CHECK(settings_decode(bytes, length, &read));
        CHECK(same(&read, records[i]));
    }
}

static void test_the_longest_record_fits(void) {
    uint8_t bytes[SETTINGS_MAX_BYTES];
    CHECK_INT(settings_encode(&worn, bytes), SETTINGS_MAX_BYTES);
}

/* The checksum is the usual one: an independent program finds the same (zlib.crc32). */
static void test_bytes_of_the_defaults(void) {
    static const uint8_t want[] = {1, 8, 208, 0, 3, 0, 0, 0, 0x51, 0x22, 0xEC, 0x9A};
    uint8_t bytes[SETTINGS_MAX_BYTES];
    const settings defaults = settings_default();
    CHECK_INT(settings_encode(&defaults, bytes), sizeof want);
    CHECK(memcmp(bytes, want, sizeof want) == 0);
}

static void test_every_wrong_bit_is_seen(void) {
    uint8_t bytes[SETTINGS_MAX_BYTES];
    const size_t length = settings_encode(&worn, bytes);
    settings read = settings_default();
    const settings before = read;
    for (size_t bit = 0; bit < 8 * length; bit++) {
        bytes[bit / 8] ^= (uint8_t)(1U << bit % 8);
        CHECK(!settings_decode(bytes, length, &read));
        bytes[bit / 8] ^= (uint8_t)(1U << bit % 8);
    }
    CHECK(same(&read, &before));
}

static void test_every_wrong_length_is_seen(void) {
    uint8_t bytes[SETTINGS_MAX_BYTES + 8] = {0};
    const size_t length = settings_encode(&worn, bytes);
    settings read;
    for (size_t wrong = 0; wrong < sizeof bytes; wrong++) {
        CHECK_INT(settings_decode(bytes, wrong, &read), wrong == length);
    }
}

/* Recomputes the checksum over what was changed, bit by bit as in the standard. */
static void seal(uint8_t *bytes, size_t length) {
    uint32_t crc = 0xFFFFFFFFU;
    for (size_t bit = 0; bit < 8 * (length - 4); bit++) {
        const uint32_t in = (uint32_t)bytes[bit / 8] >> bit % 8 & 1U;
        crc = (crc & 1U) != in ? crc >> 1 ^ 0xEDB88320U : crc >> 1;
    }
    put_u32(bytes + length - 4, ~crc);
}

static void test_a_right_checksum_does_not_excuse_wrong_values(void) {
    static const struct {
        const char *name;
        size_t at;
        uint8_t value;
    } wrongs[] = {
        {"layout of the future", 0, SETTINGS_LAYOUT + 1},
        {"no samples a packet", 1, 0},
        {"too many samples a packet", 1, POD_WIRE_MAX_SAMPLES + 1},
        {"a rate no IMU has", 2, 0xA1},
        {"a config that says it is longer", 4, 200},
        {"a placement that is none", 5, POD_WIRE_CHEST + 1},
        {"a control character in the name", 8, '\n'},
    };
    for (size_t i = 0; i < sizeof wrongs / sizeof wrongs[0]; i++) {
        check_context = wrongs[i].name;
        uint8_t bytes[SETTINGS_MAX_BYTES];
        const size_t length = settings_encode(&worn, bytes);
        settings read;
        seal(bytes, length);
        CHECK(settings_decode(bytes, length, &read));
        bytes[wrongs[i].at] = wrongs[i].value;
        seal(bytes, length);
        CHECK(!settings_decode(bytes, length, &read));
    }
}

int main(void) {
    RUN(test_round_trip);
    RUN(test_the_longest_record_fits);
    RUN(test_bytes_of_the_defaults);
    RUN(test_every_wrong_bit_is_seen);
    RUN(test_every_wrong_length_is_seen);
    RUN(test_a_right_checksum_does_not_excuse_wrong_values);
    return check_report();
}
