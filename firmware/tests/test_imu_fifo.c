#include "check.h"
#include "fifo_words.h"
#include "imu_fifo.h"
#include "random.h"

typedef struct {
    imu_fifo fifo;
    pod_wire_sample sample;
} reading;

static reading fresh(void) {
    reading reader = {0};
    imu_fifo_start(&reader.fifo);
    return reader;
}

static bool give(reading *reader, unsigned sensor, unsigned slot, int16_t value) {
    uint8_t word[IMU_FIFO_TAGGED_WORD_BYTES];
    const int16_t axes[3] = {value, (int16_t)(value + 1), (int16_t)-value};
    put_word(word, sensor, slot, axes);
    return imu_fifo_tagged(&reader->fifo, word, &reader->sample);
}

static void test_two_words_make_a_sample(void) {
    reading reader = fresh();
    CHECK(!give(&reader, GYROSCOPE_TAG, 0, -300));
    CHECK(give(&reader, ACCELEROMETER_TAG, 0, 2049));
    CHECK_INT(reader.sample.gyr[0], -300);
    CHECK_INT(reader.sample.gyr[1], -299);
    CHECK_INT(reader.sample.gyr[2], 300);
    CHECK_INT(reader.sample.acc[0], 2049);
    CHECK_INT(reader.sample.acc[2], -2049);
    CHECK_INT(reader.fifo.bad_words, 0);
}

static void test_either_sensor_may_come_first(void) {
    reading reader = fresh();
    CHECK(!give(&reader, ACCELEROMETER_TAG, 3, 5));
    CHECK(give(&reader, GYROSCOPE_TAG, 3, 6));
    CHECK_INT(reader.sample.acc[0], 5);
    CHECK_INT(reader.sample.gyr[0], 6);
}

static void test_every_slot_follows_the_last(void) {
    reading reader = fresh();
    for (unsigned slot = 0; slot < 40; slot++) {
        CHECK(!give(&reader, GYROSCOPE_TAG, slot, (int16_t)slot));
        CHECK(give(&reader, ACCELEROMETER_TAG, slot, (int16_t)slot));
    }
    CHECK_INT(reader.fifo.bad_words, 0);
}

/* One wrong bit of a tag breaks its parity. */
static void test_a_broken_tag_is_counted(void) {
    for (unsigned bit = 0; bit < 8; bit++) {
        reading reader = fresh();
        uint8_t word[IMU_FIFO_TAGGED_WORD_BYTES] = {tag_of(GYROSCOPE_TAG, 2)};
        word[0] ^= (uint8_t)(1U << bit);
        CHECK(!imu_fifo_tagged(&reader.fifo, word, &reader.sample));
        CHECK_INT(reader.fifo.bad_words, 1);
    }
}

static void test_other_sensors_are_passed_over(void) {
    enum { TEMPERATURE = 3, TIMESTAMP = 4, CONFIGURATION = 5 };
    reading reader = fresh();
    CHECK(!give(&reader, TIMESTAMP, 0, 1));
    CHECK(!give(&reader, GYROSCOPE_TAG, 0, 1));
    CHECK(!give(&reader, TEMPERATURE, 1, 1));
    CHECK(!give(&reader, CONFIGURATION, 3, 1));
    CHECK(give(&reader, ACCELEROMETER_TAG, 0, 1));
    CHECK_INT(reader.fifo.bad_words, 0);
}

static void test_a_word_without_partner_is_a_lost_sample(void) {
    reading reader = fresh();
    CHECK(!give(&reader, GYROSCOPE_TAG, 0, 1));
    CHECK(!give(&reader, GYROSCOPE_TAG, 1, 2));
    CHECK(give(&reader, ACCELEROMETER_TAG, 1, 2));
    CHECK_INT(reader.sample.gyr[0], 2);
    CHECK_INT(reader.fifo.bad_words, 1);
}

static void test_noise_on_the_bus_is_counted(void) {
    static const uint8_t nonsense[] = {0x00, 0xFF, 0xD2};
    for (size_t i = 0; i < sizeof nonsense; i++) {
        reading reader = fresh();
        uint8_t word[IMU_FIFO_TAGGED_WORD_BYTES];
        memset(word, nonsense[i], sizeof word);
        CHECK(!imu_fifo_tagged(&reader.fifo, word, &reader.sample));
        CHECK_INT(reader.fifo.bad_words, 1);
    }
}

static void test_a_dead_sensor_is_counted_and_comes_back(void) {
    reading reader = fresh();
    for (unsigned slot = 0; slot < 100000; slot++) {
        CHECK(!give(&reader, GYROSCOPE_TAG, slot, 1));
    }
    CHECK_INT(reader.fifo.bad_words, UINT16_MAX);
    give(&reader, GYROSCOPE_TAG, 0, 7);
    CHECK(give(&reader, ACCELEROMETER_TAG, 0, 7));
}

static void test_counting_survives_a_start(void) {
    reading reader = fresh();
    give(&reader, GYROSCOPE_TAG, 0, 1);
    give(&reader, GYROSCOPE_TAG, 1, 1);
    imu_fifo_start(&reader.fifo);
    CHECK_INT(reader.fifo.bad_words, 1);
    CHECK(!give(&reader, ACCELEROMETER_TAG, 1, 1)); /* its partner was forgotten */
}

/* Whole samples only, whatever is lost: the halves are of one slot. */
static void test_halves_of_different_slots_never_meet(void) {
    random_seed(4);
    reading reader = fresh();
    int found = 0;
    for (unsigned slot = 0; slot < 20000; slot++) {
        bool whole = false;
        if (random_below(10) > 0) {
            whole = give(&reader, GYROSCOPE_TAG, slot, (int16_t)slot) || whole;
        }
        if (random_below(10) > 0) {
            whole = give(&reader, ACCELEROMETER_TAG, slot, (int16_t)slot) || whole;
        }
        if (whole) {
            found++;
            CHECK_INT(reader.sample.acc[0], reader.sample.gyr[0]);
        }
    }
    CHECK(found > 15000);
}

/* Taking pairs where they come is the same as taking all word by word, whatever is wrong. */
static void test_pairs_are_a_short_cut_only(void) {
    enum { WORDS = 60, WORD = IMU_FIFO_TAGGED_WORD_BYTES };
    size_t in_pairs = 0;
    for (uint32_t seed = 0; seed < 300; seed++) {
        random_seed(seed);
        uint8_t bytes[WORDS * WORD];
        for (unsigned i = 0; i < WORDS; i++) {
            const int16_t axes[3] = {(int16_t)i, (int16_t)random_u32(), 0};
            put_word(bytes + (size_t)i * WORD, 1 + i % 2, i / 2, axes);
            if (random_below(8) == 0) {
                bytes[(size_t)i * WORD] = (uint8_t)random_u32();
            }
        }
        reading plain = fresh();
        reading quick = fresh();
        pod_wire_sample want[WORDS];
        pod_wire_sample got[2 * WORDS];
        size_t wanted = 0;
        size_t found = 0;
        for (size_t at = 0; at < sizeof bytes; at += WORD) {
            wanted += imu_fifo_tagged(&plain.fifo, bytes + at, &want[wanted]) ? 1 : 0;
        }
        for (size_t at = 0; at < sizeof bytes;) {
            const size_t pairs = imu_fifo_tagged_pairs(&quick.fifo, bytes + at, sizeof bytes - at,
                                                       &got[found], 1 + random_below(WORDS));
            const size_t one =
                pairs == 0 && imu_fifo_tagged(&quick.fifo, bytes + at, &got[found]) ? 1 : 0;
            at += pairs > 0 ? pairs * 2 * WORD : WORD;
            found += pairs + one;
            in_pairs += pairs;
        }
        CHECK_INT(found, wanted);
        CHECK(memcmp(got, want, wanted * sizeof want[0]) == 0);
        CHECK_INT(plain.fifo.bad_words, quick.fifo.bad_words);
    }
    CHECK(in_pairs > 1000);
}

static void test_plain_slots(void) {
    enum { SLOTS = 5, BYTES = SLOTS * IMU_FIFO_PLAIN_SLOT_BYTES };
    static const pod_wire_sample extreme = {.acc = {-32768, 32767, 258}, .gyr = {-1, 1, -257}};
    uint8_t bytes[BYTES];
    for (unsigned i = 0; i < SLOTS; i++) {
        const pod_wire_sample sample = i == 3 ? extreme : numbered(i);
        put_plain(bytes + (size_t)i * IMU_FIFO_PLAIN_SLOT_BYTES, &sample);
    }
    pod_wire_sample got[SLOTS];
    CHECK_INT(imu_fifo_plain(bytes, BYTES - 1, got, SLOTS), SLOTS - 1);
    CHECK_INT(imu_fifo_plain(bytes, BYTES, got, 2), 2);
    CHECK_INT(imu_fifo_plain(bytes, BYTES, got, SLOTS), SLOTS);
    CHECK(memcmp(&got[3], &extreme, sizeof extreme) == 0);
    CHECK_INT(got[4].acc[0], 4);
}

int main(void) {
    RUN(test_two_words_make_a_sample);
    RUN(test_either_sensor_may_come_first);
    RUN(test_every_slot_follows_the_last);
    RUN(test_a_broken_tag_is_counted);
    RUN(test_other_sensors_are_passed_over);
    RUN(test_a_word_without_partner_is_a_lost_sample);
    RUN(test_noise_on_the_bus_is_counted);
    RUN(test_a_dead_sensor_is_counted_and_comes_back);
    RUN(test_counting_survives_a_start);
    RUN(test_halves_of_different_slots_never_meet);
    RUN(test_pairs_are_a_short_cut_only);
    RUN(test_plain_slots);
    return check_report();
}
