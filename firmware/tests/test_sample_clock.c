#include "check.h"
#include "random.h"
#include "sample_clock.h"

enum { RATE_HZ = 208, WATERMARK = 8 };

#define NOMINAL_US (1e6 / RATE_HZ)

/* An IMU whose oscillator is off, and drifts, and the interrupts that tell of it. */
typedef struct {
    double rate_error; /* share of the nominal period */
    double drift;      /* change of the period per second, as a share */
    uint32_t jitter_us;
    uint32_t rarely_late_us; /* one mark in 50 is late by up to this much more */
} oscillator;

typedef struct {
    double worst_us;
    double worst_rate;
} errors;

static errors run(const oscillator *imu, double start_us, double settle_s, double seconds) {
    sample_clock clock;
    sample_clock_start(&clock, RATE_HZ);
    errors found = {0};
    double time_us = start_us;
    double period_us = NOMINAL_US * (1 + imu->rate_error);
    uint32_t sample = 0;
    while (time_us < start_us + seconds * 1e6) {
        double first_us = 0;
        for (int i = 0; i < WATERMARK; i++, sample++) {
            time_us += period_us;
            period_us += NOMINAL_US * imu->drift * period_us * 1e-6;
            first_us = i == 0 ? time_us : first_us;
        }
        uint32_t late_us = imu->jitter_us > 0 ? random_below(imu->jitter_us) : 0;
        if (imu->rarely_late_us > 0 && random_below(50) == 0) {
            late_us += random_below(imu->rarely_late_us);
        }
        sample_clock_mark(&clock, sample - 1, (uint64_t)time_us + late_us);
        if (time_us > start_us + settle_s * 1e6) {
            const double told_us = (double)sample_clock_at(&clock, sample - WATERMARK);
            const double rate_hz = sample_clock_rate_mhz(&clock) / 1e3;
            found.worst_us = fmax(found.worst_us, fabs(told_us - first_us));
            found.worst_rate = fmax(found.worst_rate, fabs(rate_hz * period_us * 1e-6 - 1));
        }
    }
    return found;
}

static void test_nothing_is_known_at_the_start(void) {
    sample_clock clock;
    sample_clock_start(&clock, RATE_HZ);
    CHECK(!sample_clock_is_set(&clock));
    CHECK_INT(sample_clock_rate_mhz(&clock), 0);
    sample_clock_mark(&clock, 7, 1000000);
    CHECK(sample_clock_is_set(&clock));
    CHECK_INT(sample_clock_at(&clock, 7), 1000000);
    CHECK_NEAR(sample_clock_at(&clock, 0), 1000000 - 7 * NOMINAL_US, 1);
}

static void test_the_second_mark_shows_the_rate(void) {
    sample_clock clock;
    sample_clock_start(&clock, RATE_HZ);
    const double period_us = NOMINAL_US * 1.05;
    sample_clock_mark(&clock, 7, 5000000);
    sample_clock_mark(&clock, 15, 5000000 + (uint64_t)(8 * period_us));
    CHECK_NEAR(sample_clock_at(&clock, 8), 5000000 + period_us, 20);
}

static void test_any_oscillator_is_followed(void) {
    for (uint32_t seed = 0; seed < 200; seed++) {
        random_seed(seed);
        const oscillator imu = {
            .rate_error = ((double)random_below(1001) - 500) * 1e-4, /* within 5 % */
            .drift = ((double)random_below(401) - 200) * 1e-7,       /* within 20 ppm a second */
            .jitter_us = 31,                                         /* a 32 kHz counter */
            .rarely_late_us = 500,
        };
        const errors found = run(&imu, 1e6 * seed, 3, 30);
        CHECK_NEAR(found.worst_us, 0, 120);
        CHECK_NEAR(found.worst_rate, 0, 0.0005);
    }
}

static void test_exact_marks_give_exact_times(void) {
    const oscillator imu = {.rate_error = 0.0213};
    const errors found = run(&imu, 0, 3, 120);
    CHECK_NEAR(found.worst_us, 0, 2);
    CHECK_NEAR(found.worst_rate, 0, 1e-5);
}

/* Time stamps of 32 bits wrap; the clock itself goes on for centuries. */
static void test_hours_are_no_trouble(void) {
    const oscillator imu = {.rate_error = -0.011, .jitter_us = 31};
    const errors found = run(&imu, 4294e6 * 200, 3, 60);
    CHECK_NEAR(found.worst_us, 0, 40);
}

static void test_one_late_mark_hardly_moves_the_times(void) {
    sample_clock clock;
    sample_clock_start(&clock, RATE_HZ);
    uint32_t sample = 7;
    double due_us = 0;
    for (int mark = 0; mark < 100; mark++, sample += WATERMARK) {
        due_us = 1e6 + sample * NOMINAL_US;
        sample_clock_mark(&clock, sample, (uint64_t)due_us + (mark == 99 ? 4000 : 0));
    }
    CHECK_NEAR(sample_clock_at(&clock, sample - WATERMARK), due_us, 50);
}

static void test_a_burst_of_late_marks_is_not_believed(void) {
    sample_clock clock;
    sample_clock_start(&clock, RATE_HZ);
    uint32_t sample = 7;
    double due_us = 0;
    for (int mark = 0; mark < 200; mark++, sample += WATERMARK) {
        due_us = 1e6 + sample * NOMINAL_US;
        const bool late = mark >= 12 && mark % 14 < 7;
        sample_clock_mark(&clock, sample, (uint64_t)due_us + (late ? 20000 : 0));
        if (mark >= 12) {
            CHECK_NEAR(sample_clock_at(&clock, sample), due_us, 1500);
        }
    }
}

static void test_a_lasting_step_is_believed(void) {
    sample_clock clock;
    sample_clock_start(&clock, RATE_HZ);
    uint32_t sample = 7;
    double due_us = 0;
    for (int mark = 0; mark < 120; mark++, sample += WATERMARK) {
        due_us = 1e6 + sample * NOMINAL_US + (mark >= 100 ? 20000 : 0);
        sample_clock_mark(&clock, sample, (uint64_t)due_us);
    }
    CHECK_NEAR(sample_clock_at(&clock, sample - WATERMARK), due_us, 20);
}

static void test_a_restart_keeps_the_rate(void) {
    sample_clock clock;
    sample_clock_start(&clock, RATE_HZ);
    const double period_us = NOMINAL_US * 0.97;
    for (uint32_t sample = 7; sample < 8 * 100; sample += WATERMARK) {
        sample_clock_mark(&clock, sample, (uint64_t)(sample * period_us));
    }
    sample_clock_restart(&clock);
    CHECK(!sample_clock_is_set(&clock));
    sample_clock_mark(&clock, 7, 50000000);
    CHECK_NEAR(sample_clock_at(&clock, 0), 50000000 - 7 * period_us, 3);
    sample_clock_mark(&clock, 15, 50000000 + (uint64_t)(8 * period_us) + 500); /* late */
    CHECK_NEAR(sample_clock_at(&clock, 23), 50000000 + 16 * period_us, 300);
}

/* The IMU is within a tenth of its nominal rate whatever the marks say. */
static void test_absurd_marks_leave_a_possible_rate(void) {
    for (uint32_t seed = 0; seed < 100; seed++) {
        random_seed(seed);
        sample_clock clock;
        sample_clock_start(&clock, RATE_HZ);
        uint32_t sample = 0;
        uint64_t at_us = 0;
        for (int mark = 0; mark < 200; mark++) {
            sample += random_below(random_below(10) == 0 ? UINT32_MAX : 40);
            at_us += random_below(random_below(10) == 0 ? UINT32_MAX : 400000);
            sample_clock_mark(&clock, sample, at_us);
            const uint32_t rate_mhz = sample_clock_rate_mhz(&clock);
            CHECK(rate_mhz == 0 || (rate_mhz >= 189000 && rate_mhz <= 231200));
        }
    }
}

int main(void) {
    RUN(test_nothing_is_known_at_the_start);
    RUN(test_the_second_mark_shows_the_rate);
    RUN(test_any_oscillator_is_followed);
    RUN(test_exact_marks_give_exact_times);
    RUN(test_hours_are_no_trouble);
    RUN(test_one_late_mark_hardly_moves_the_times);
    RUN(test_a_burst_of_late_marks_is_not_believed);
    RUN(test_a_lasting_step_is_believed);
    RUN(test_a_restart_keeps_the_rate);
    RUN(test_absurd_marks_leave_a_possible_rate);
    return check_report();
}
