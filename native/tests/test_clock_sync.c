#include "check.h"
#include "clock_sync.h"

#include <math.h>
#include <stdint.h>

static const double RATE_HZ = 208.0;
static const double EXACT_S = 2e-6; /* what rounding to pod microseconds leaves */

/* A pod whose packets arrive when its last sample is taken, plus what `late_s` says, in order. */
typedef struct {
    clock_sync sync;
    clock_stamp stamp;
    double now_s;     /* hub time of the next first sample */
    double pod_s;     /* pod clock there, not wrapped */
    double period_s;  /* true, in hub time */
    double skew;      /* pod seconds gained per hub second */
    double arrived_s; /* the last packet */
    uint32_t count;
    bool gap;
} pod;

static clock_sync make_clock(void) {
    clock_sync sync;
    const clock_sync_settings settings = clock_sync_default_settings(RATE_HZ);
    CHECK(clock_sync_init(&sync, &settings));
    return sync;
}

static pod make_pod(void) {
    pod p = {.sync = make_clock(),
             .now_s = 5000.0,
             .pod_s = 12.0,
             .period_s = 1.0 / RATE_HZ,
             .count = 8,
             .gap = true};
    return p;
}

static void advance(pod *p, double by_s) {
    p->now_s += by_s;
    p->pod_s += by_s * (1.0 + p->skew);
}

static uint32_t pod_clock_us(const pod *p) {
    return (uint32_t)((uint64_t)floor(p->pod_s * 1e6 + 0.5) & UINT32_MAX);
}

static clock_sync_event send(pod *p, double late_s) {
    p->arrived_s = fmax(p->arrived_s, p->now_s + (p->count - 1) * p->period_s + late_s);
    const clock_sync_event event =
        clock_sync_packet(&p->sync, pod_clock_us(p), p->count, !p->gap, p->arrived_s, &p->stamp);
    p->gap = false;
    return event;
}

static double length_s(const pod *p) { return p->count * p->period_s; }

static void next(pod *p) { advance(p, length_s(p)); }

static void lose(pod *p) {
    next(p);
    p->gap = true;
}

static void run(pod *p, double seconds, double late_s) {
    const double until_s = p->now_s + seconds;
    while (p->now_s < until_s) {
        if (!CHECK_INT(send(p, late_s), CLOCK_SYNC_OK)) {
            return;
        }
        next(p);
    }
}

static pod running_pod(double seconds) {
    pod p = make_pod();
    CHECK_INT(send(&p, 0.0), CLOCK_SYNC_STARTED);
    next(&p);
    run(&p, seconds, 0.0);
    return p;
}

static double error_s(const pod *p) { return p->stamp.first_s - p->now_s; }

static clock_sync_report report_of(const pod *p) {
    clock_sync_report report;
    clock_sync_get_report(&p->sync, &report);
    return report;
}

static void test_settings_out_of_range_are_refused(void) {
    static const double rates[] = {0.0, 49.9, 850.1, -208.0, 1e308, HUGE_VAL, -HUGE_VAL};
    clock_sync sync;
    for (size_t i = 0; i < sizeof rates / sizeof rates[0]; i++) {
        const clock_sync_settings settings = clock_sync_default_settings(rates[i]);
        CHECK(!clock_sync_init(&sync, &settings));
    }
    const clock_sync_settings nan_rate = clock_sync_default_settings(nan(""));
    CHECK(!clock_sync_init(&sync, &nan_rate));
    CHECK(sizeof sync <= 4096);
}

static void test_constant_delay_is_exact_from_the_first_packet(void) {
    pod p = make_pod();
    send(&p, 0.0);
    for (int i = 0; i < 3000; i++) {
        if (!CHECK_NEAR(error_s(&p), 0.0, EXACT_S)) {
            return;
        }
        CHECK_NEAR(p.stamp.period_s, p.period_s, EXACT_S / p.count);
        next(&p);
        send(&p, 0.0);
    }
    CHECK_NEAR(report_of(&p).skew_ppm, 0.0, 0.5);
    CHECK_NEAR(report_of(&p).interval_s, p.count * p.period_s, 1e-4);
}

static void test_true_rate_is_learned_with_the_second_packet(void) {
    static const double off[] = {-0.05, -0.03, 0.03, 0.05};
    static const uint32_t counts[] = {1, 8, 19};
    for (size_t i = 0; i < 12; i++) {
        pod p = make_pod();
        p.period_s *= 1.0 + off[i % 4];
        p.count = counts[i / 4];
        send(&p, 0.0);
        CHECK_NEAR(p.stamp.pod_period_s, 1.0 / RATE_HZ, 1e-15);
        for (int k = 0; k < 500; k++) {
            const double last_s = p.stamp.first_s + (p.count - 1) * p.stamp.period_s;
            next(&p);
            CHECK_INT(send(&p, 0.0), CLOCK_SYNC_OK);
            CHECK_NEAR(error_s(&p), 0.0, 2.0 * EXACT_S);
            CHECK_NEAR(p.stamp.pod_period_s, p.period_s, EXACT_S / p.count);
            CHECK(p.stamp.first_s > last_s);
        }
    }
}

/* A sample lost inside a packet of 19 stretches its span by 5 %, which is no period. */
static void test_odd_spans_do_not_move_the_period(void) {
    pod p = running_pod(10.0);
    p.count = 19;
    send(&p, 0.0);
    for (int i = 0; i < 40; i++) {
        next(&p);
        if (i % 4 == 0) {
            advance(&p, p.period_s);
        }
        CHECK_INT(send(&p, 0.0), CLOCK_SYNC_OK);
        CHECK_NEAR(p.stamp.pod_period_s, p.period_s, 1e-8);
    }
    p.period_s *= 1.03; /* for good: adopted */
    for (int i = 0; i < 20; i++) {
        next(&p);
        send(&p, 0.0);
    }
    CHECK_NEAR(p.stamp.pod_period_s, p.period_s, 1e-7);
    CHECK_NEAR(error_s(&p), 0.0, 2.0 * EXACT_S);
}

static void test_skew_is_learned(void) {
    static const double skews[] = {-150e-6, -50e-6, 20e-6, 50e-6, 150e-6};
    for (size_t i = 0; i < sizeof skews / sizeof skews[0]; i++) {
        pod p = make_pod();
        p.skew = skews[i];
        send(&p, 0.0);
        next(&p);
        run(&p, 40.0, 0.0);
        send(&p, 0.0);
        CHECK_NEAR(report_of(&p).skew_ppm, -skews[i] * 1e6, 1.0);
        CHECK_NEAR(error_s(&p), 0.0, 10e-6);
    }
}

static void test_skew_stays_physical(void) {
    pod p = make_pod();
    p.skew = 5e-3;
    send(&p, 0.0);
    for (int i = 0; i < 4000; i++) {
        next(&p);
        send(&p, 0.0);
        CHECK(fabs(report_of(&p).skew_ppm) <= 200.0 + 1e-9);
    }
}

static void test_late_packets_do_not_move_the_map(void) {
    pod p = running_pod(20.0);
    for (int i = 0; i < 2000; i++) {
        CHECK_INT(send(&p, i % 10 == 0 ? 0.0 : 0.004 * (i % 10)), CLOCK_SYNC_OK);
        CHECK_NEAR(error_s(&p), 0.0, EXACT_S);
        next(&p);
    }
}

static void test_a_late_start_is_made_good_in_seconds(void) {
    pod p = make_pod();
    send(&p, 0.1);
    CHECK_NEAR(error_s(&p), 0.1, EXACT_S);
    double last_s = -HUGE_VAL;
    for (int i = 0; i < 130; i++) {
        next(&p);
        CHECK_INT(send(&p, 0.0), CLOCK_SYNC_OK);
        CHECK(p.stamp.first_s > last_s);
        last_s = p.stamp.first_s + (p.count - 1) * p.stamp.period_s;
    }
    CHECK_NEAR(error_s(&p), 0.0, 0.2e-3);
}

/* A better packet found late moves the map slowly: 0.5 ms/s from 200 s on, and the skew limit. */
static void test_corrections_are_slewed(void) {
    pod p = make_pod();
    send(&p, 0.01);
    next(&p);
    run(&p, 300.0, 0.01);
    double before_s = 0.01;
    for (int i = 0; i < 100; i++) {
        CHECK_INT(send(&p, 0.0), CLOCK_SYNC_OK);
        const double moved_s = error_s(&p) - before_s;
        CHECK(moved_s <= EXACT_S && moved_s >= -0.7e-3 * length_s(&p) - EXACT_S);
        before_s = error_s(&p);
        next(&p);
    }
    CHECK(before_s < 0.01 - 0.5e-3);
    CHECK(report_of(&p).correction_s < 0.0);
}

static void test_loss_keeps_the_times(void) {
    pod p = running_pod(5.0);
    for (int i = 1; i < 200; i++) {
        lose(&p);
        CHECK_INT(send(&p, 0.0), CLOCK_SYNC_OK);
        CHECK_NEAR(error_s(&p), 0.0, EXACT_S);
        next(&p);
    }
}

/* Across the wrap of the pod clock, in the stream and in silences of up to several wraps. */
static void test_wrap(void) {
    static const double silences_s[] = {0.0, 10.0, 100.0, 2000.0, 4000.0, 4400.0, 20000.0};
    const double wrap_s = 4294.967296;
    for (size_t i = 0; i < sizeof silences_s / sizeof silences_s[0]; i++) {
        pod p = make_pod();
        p.pod_s = wrap_s - 5.0;
        send(&p, 0.0);
        next(&p);
        run(&p, 4.9, 0.0);
        if (silences_s[i] > 0.0) {
            advance(&p, silences_s[i]);
            p.gap = true;
        }
        CHECK_INT(send(&p, 0.0), silences_s[i] > 30.0 ? CLOCK_SYNC_REACQUIRED : CLOCK_SYNC_OK);
        /* Clocks rounded by 1 us leave a skew from 2 s buckets unsure by 0.5 ppm. */
        CHECK_NEAR(error_s(&p), 0.0, EXACT_S + 0.5e-6 * silences_s[i]);
        next(&p);
        run(&p, 5.0, 0.0);
        CHECK_INT(report_of(&p).restarts, 0);
    }
}

static void test_reboot_restarts_the_map_at_once(void) {
    static const double clocks_s[] = {0.0, 1.0, 500.0, 4000.0};
    for (size_t i = 0; i < sizeof clocks_s / sizeof clocks_s[0]; i++) {
        pod p = make_pod();
        p.pod_s = 700.0;
        send(&p, 0.0);
        next(&p);
        run(&p, 20.0, 0.0);
        advance(&p, 2.0);
        p.pod_s = clocks_s[i];
        p.gap = true;
        CHECK_INT(send(&p, 0.0), CLOCK_SYNC_RESTARTED);
        CHECK_NEAR(error_s(&p), 0.0, EXACT_S);
        next(&p);
        run(&p, 10.0, 0.0);
        CHECK_NEAR(error_s(&p), -length_s(&p), 2.0 * EXACT_S);
        CHECK_INT(report_of(&p).restarts, 1);
    }
}

/* Its clock falls back by too little to tell a reboot from an old packet, until more of them come.
 */
static void test_reboot_of_a_pod_just_started(void) {
    pod p = running_pod(8.0);
    p.pod_s -= 5.0;
    p.gap = true;
    int refused = 0;
    while (send(&p, 0.0) == CLOCK_SYNC_STALE && refused < 100) {
        refused++;
        next(&p);
    }
    CHECK_INT(refused, 7);
    CHECK_INT(report_of(&p).restarts, 1);
    CHECK_NEAR(error_s(&p), 0.0, EXACT_S);
}

/* The pod clock stands still for a second: all packets are late from then on. */
static void test_lasting_lateness_restarts(void) {
    pod p = running_pod(20.0);
    p.pod_s -= 1.0;
    advance(&p, 3.0);
    p.gap = true;
    const double since_s = p.now_s;
    while (send(&p, 0.0) == CLOCK_SYNC_OK && p.now_s < since_s + 60.0) {
        next(&p);
    }
    CHECK_NEAR(p.now_s - since_s, 10.0, 0.1);
    CHECK_NEAR(error_s(&p), 0.0, EXACT_S);
}

/* The hub reads nothing for a while, then everything at once. */
static void test_stall_of_the_hub_is_no_reboot(void) {
    static const double stalls_s[] = {1.0, 5.0, 60.0};
    for (size_t i = 0; i < sizeof stalls_s / sizeof stalls_s[0]; i++) {
        pod p = running_pod(20.0);
        const double until_s = p.now_s + stalls_s[i];
        while (p.now_s < until_s) {
            const double last_s = p.now_s + (p.count - 1) * p.period_s;
            CHECK_INT(send(&p, fmax(0.0, until_s - last_s)), CLOCK_SYNC_OK);
            CHECK_NEAR(error_s(&p), 0.0, 20e-6); /* 60 s on a skew known to 0.2 ppm */
            next(&p);
        }
    }
}

static void test_silence_keeps_the_skew(void) {
    static const double first_late_s[] = {0.0, 0.001, 0.1};
    for (size_t i = 0; i < sizeof first_late_s / sizeof first_late_s[0]; i++) {
        pod p = make_pod();
        p.skew = 40e-6;
        send(&p, 0.0);
        next(&p);
        run(&p, 60.0, 0.0);
        const double last_s = p.stamp.first_s + (p.count - 1) * p.stamp.period_s;
        advance(&p, 600.0);
        p.gap = true;
        CHECK_INT(send(&p, first_late_s[i]), CLOCK_SYNC_REACQUIRED);
        CHECK(p.stamp.first_s > last_s);
        CHECK_NEAR(error_s(&p), 0.0, 0.5e-3);
        CHECK_NEAR(report_of(&p).skew_ppm, -40.0, 1.0);
        next(&p);
        run(&p, 5.0, 0.0);
        CHECK_NEAR(error_s(&p), -length_s(&p), 0.1e-3);
        CHECK_NEAR(report_of(&p).skew_ppm, -40.0, 3.0);
        CHECK_INT(report_of(&p).reacquired, 1);
    }
}

static void test_duplicates_and_old_packets_are_refused(void) {
    pod p = running_pod(10.0);
    for (int i = 0; i < 200; i++) {
        CHECK_INT(send(&p, 0.0), CLOCK_SYNC_OK);
        CHECK_NEAR(error_s(&p), 0.0, EXACT_S);
        const clock_stamp before = p.stamp;
        CHECK_INT(send(&p, 0.0), CLOCK_SYNC_STALE);
        pod old = p;
        advance(&old, -0.04 * (1 + i % 5));
        CHECK_INT(clock_sync_packet(&p.sync, pod_clock_us(&old), p.count, false,
                                    p.now_s + p.count * p.period_s, &p.stamp),
                  CLOCK_SYNC_STALE);
        CHECK_NEAR(p.stamp.first_s, before.first_s, 0.0);
        CHECK_NEAR(p.stamp.period_s, before.period_s, 0.0);
        next(&p);
    }
    CHECK_INT(report_of(&p).stale, 400);
    CHECK_INT(report_of(&p).restarts, 0);
}

static void test_bad_input_is_refused_and_counted(void) {
    static const struct {
        const char *name;
        double arrival_s;
        uint32_t count;
        clock_sync_event event;
    } cases[] = {
        {"nan", (double)NAN, 8, CLOCK_SYNC_BAD_ARRIVAL},
        {"inf", HUGE_VAL, 8, CLOCK_SYNC_BAD_ARRIVAL},
        {"-inf", -HUGE_VAL, 8, CLOCK_SYNC_BAD_ARRIVAL},
        {"huge", 1e300, 8, CLOCK_SYNC_BAD_ARRIVAL},
        {"going back", 4999.0, 8, CLOCK_SYNC_BAD_ARRIVAL},
        {"no samples", 6000.0, 0, CLOCK_SYNC_BAD_COUNT},
        {"20 samples", 6000.0, 20, CLOCK_SYNC_BAD_COUNT},
        {"many samples", 6000.0, UINT32_MAX, CLOCK_SYNC_BAD_COUNT},
    };
    pod p = running_pod(10.0);
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        check_context = cases[i].name;
        CHECK_INT(clock_sync_packet(&p.sync, pod_clock_us(&p), cases[i].count, true,
                                    cases[i].arrival_s, &p.stamp),
                  cases[i].event);
        CHECK_INT(send(&p, 0.0), CLOCK_SYNC_OK);
        CHECK_NEAR(error_s(&p), 0.0, EXACT_S);
        next(&p);
    }
    CHECK_INT(report_of(&p).bad_arrivals, 5);
    CHECK_INT(report_of(&p).bad_counts, 3);
}

static void test_arrivals_gone_back_for_good_restart(void) {
    pod p = running_pod(10.0);
    p.now_s -= 4000.0;
    p.arrived_s = 0.0;
    p.gap = true;
    int refused = 0;
    while (send(&p, 0.0) == CLOCK_SYNC_BAD_ARRIVAL && refused < 100) {
        refused++;
        next(&p);
    }
    CHECK_INT(refused, 7);
    CHECK_NEAR(error_s(&p), 0.0, EXACT_S);
}

/* A pod that claims 19 samples every millisecond cannot drive the map into the future. */
static void test_times_do_not_run_ahead(void) {
    pod p = running_pod(10.0);
    p.count = 19;
    for (uint32_t i = 1; i < 500; i++) {
        const double arrival_s = p.arrived_s + 1e-3 * i;
        const clock_sync_event event = clock_sync_packet(&p.sync, pod_clock_us(&p) + 1000 * i,
                                                         p.count, false, arrival_s, &p.stamp);
        CHECK(event == CLOCK_SYNC_OK || event == CLOCK_SYNC_RESTARTED);
        CHECK(p.stamp.first_s < arrival_s + 0.2);
    }
    CHECK(report_of(&p).restarts > 0);
}

static uint32_t xorshift(uint32_t *state) {
    *state ^= *state << 13;
    *state ^= *state >> 17;
    *state ^= *state << 5;
    return *state;
}

/* Any bytes: finite, strictly increasing within an epoch, under the sanitizers. */
static void test_hostile_packets(void) {
    uint32_t seed = 2463534242u;
    clock_sync sync = make_clock();
    clock_stamp stamp;
    uint32_t clock_us = 0;
    double arrival_s = 0.0;
    double last_s = -HUGE_VAL;
    for (int i = 0; i < 300000; i++) {
        const uint32_t kind = xorshift(&seed) % 64;
        const uint32_t count = 1 + xorshift(&seed) % 19;
        clock_us += kind == 0 ? xorshift(&seed) : xorshift(&seed) % (kind < 8 ? 100u : 90000u);
        arrival_s += kind == 1   ? 1e7 * (xorshift(&seed) % 100)
                     : kind == 2 ? 1e-9
                                 : 1e-6 * (xorshift(&seed) % 90000);
        arrival_s = arrival_s > 1e9 ? -1e9 : arrival_s;
        const clock_sync_event event =
            clock_sync_packet(&sync, clock_us, count, kind % 2 == 0, arrival_s, &stamp);
        if (event >= CLOCK_SYNC_STALE) {
            continue;
        }
        if (!CHECK(isfinite(stamp.first_s) && stamp.period_s > 0.0 && stamp.period_s < 0.025) ||
            !CHECK(event == CLOCK_SYNC_STARTED || event == CLOCK_SYNC_RESTARTED ||
                   stamp.first_s > last_s)) {
            return;
        }
        last_s = stamp.first_s + (count - 1) * stamp.period_s;
    }
}

int main(void) {
    RUN(test_settings_out_of_range_are_refused);
    RUN(test_constant_delay_is_exact_from_the_first_packet);
    RUN(test_true_rate_is_learned_with_the_second_packet);
    RUN(test_odd_spans_do_not_move_the_period);
    RUN(test_skew_is_learned);
    RUN(test_skew_stays_physical);
    RUN(test_late_packets_do_not_move_the_map);
    RUN(test_a_late_start_is_made_good_in_seconds);
    RUN(test_corrections_are_slewed);
    RUN(test_loss_keeps_the_times);
    RUN(test_wrap);
    RUN(test_reboot_restarts_the_map_at_once);
    RUN(test_reboot_of_a_pod_just_started);
    RUN(test_lasting_lateness_restarts);
    RUN(test_stall_of_the_hub_is_no_reboot);
    RUN(test_silence_keeps_the_skew);
    RUN(test_duplicates_and_old_packets_are_refused);
    RUN(test_bad_input_is_refused_and_counted);
    RUN(test_arrivals_gone_back_for_good_restart);
    RUN(test_times_do_not_run_ahead);
    RUN(test_hostile_packets);
    return check_report();
}
