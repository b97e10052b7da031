#include "check.h"
#include "shank_events.h"
#include "stride_kernel.h"

enum { MAX_SEEN = 400, BEND_POINTS = 12 };
static const double STRIDE_S = 0.7;
static const double SWING_RANGE_DEG = 105.0;

/* Shank rate over a stride, deg/s, linear between the points: landing, stance with a second rise,
 * toe-off, swing back, swing forward. */
typedef struct {
    double time_s, rate_dps;
} bend;

static const bend RUNNING[BEND_POINTS] = {{0.00, -200}, {0.05, -120}, {0.15, -60}, {0.19, -80},
                                          {0.25, -350}, {0.31, -150}, {0.36, 0},   {0.45, 550},
                                          {0.55, 300},  {0.64, 20.0}, {0.66, 0},   {0.70, -200}};
static const double ZERO_S = 0.66 - 0.70; /* the rate falls through zero before the landing at 0 */
static const double TOE_OFF_LEAST_S = 0.25;

/* With one dent: the rate falls there and comes back. */
typedef struct {
    double scale; /* of all rates */
    double dent_s, dent_half_s, dent_dps;
} style;

static const style PLAIN = {.scale = 1.0, .dent_half_s = 0.02};

static double rate_at(const style *s, double time_s) {
    const double phase = time_s - STRIDE_S * floor(time_s / STRIDE_S);
    int i = 1;
    while (i < BEND_POINTS - 1 && RUNNING[i].time_s < phase) {
        i++;
    }
    const bend a = RUNNING[i - 1], b = RUNNING[i];
    const double rate =
        a.rate_dps + (b.rate_dps - a.rate_dps) * (phase - a.time_s) / (b.time_s - a.time_s);
    const double dent = fmax(0.0, 1.0 - fabs(phase - s->dent_s) / s->dent_half_s);
    return s->scale * (rate - dent * s->dent_dps);
}

/* The angle turns where the rate is zero: rearmost at 0.36 s, foremost at 0.66 s of each stride. */
static double angle_at(double time_s) {
    const double phase = time_s - STRIDE_S * floor(time_s / STRIDE_S);
    const double pi = 3.14159265358979, back_s = 0.40, forth_s = 0.30;
    const double since_s = phase > 0.66 ? phase - 0.66 : phase + 0.04;
    return since_s < back_s
               ? 10.0 - 0.5 * SWING_RANGE_DEG * (1.0 - cos(pi * since_s / back_s))
               : 10.0 - 0.5 * SWING_RANGE_DEG * (1.0 + cos(pi * (since_s - back_s) / forth_s));
}

/* Everything that came out, with what was taken from the queue when. */
typedef struct {
    int count;
    shank_event events[MAX_SEEN];
} seen;

static seen found;

static void collect(shank_events *e) {
    for (int i = 0; i < e->queued && found.count < MAX_SEEN; i++) {
        found.events[found.count++] = e->queue[i];
    }
    e->queued = 0;
}

static void run(shank_events *e, const style *s, double from_s, double to_s, double rate_hz) {
    const int first = (int)ceil(from_s * rate_hz), last = (int)(to_s * rate_hz);
    for (int i = first; i < last; i++) {
        const double time_s = (double)i / rate_hz;
        shank_events_step(e, (float)rate_at(s, time_s), (float)angle_at(time_s), time_s);
        collect(e);
    }
}

static shank_events fresh(void) {
    shank_events e;
    shank_events_init(&e);
    found.count = 0;
    return e;
}

typedef int (*which)(const shank_event *event);

static int is_contact(const shank_event *event) {
    return event->kind == STRIDE_EVENT_INITIAL_CONTACT && event->tell && event->refine;
}

static int is_told_toe_off(const shank_event *event) {
    return event->kind == STRIDE_EVENT_TOE_OFF && event->tell;
}

static int is_sure_toe_off(const shank_event *event) {
    return event->kind == STRIDE_EVENT_TOE_OFF && event->refine;
}

static int count_of(which wanted) {
    int count = 0;
    for (int i = 0; i < found.count; i++) {
        count += wanted(&found.events[i]);
    }
    return count;
}

/* The place of a time in its stride, -0.1..0.6 s. */
static double in_stride_s(double time_s) {
    return time_s - STRIDE_S * floor((time_s + 0.1) / STRIDE_S);
}

static void test_marks_at_any_rate(void) {
    const double rates_hz[] = {52.0, 104.0, 208.0, 833.0};
    char context[32];
    for (size_t r = 0; r < 4; r++) {
        (void)snprintf(context, sizeof context, "%g Hz", rates_hz[r]);
        check_context = context;
        shank_events e = fresh();
        run(&e, &PLAIN, 0.3, 0.3 + 20 * STRIDE_S, rates_hz[r]);
        CHECK_INT(count_of(is_contact), 20);
        CHECK_INT(count_of(is_sure_toe_off), 19); /* the last swing has not begun */
        CHECK_INT(count_of(is_told_toe_off), 20);
        const double step_s = 1.0 / rates_hz[r];
        for (int i = 0; i < found.count; i++) {
            const shank_event *event = &found.events[i];
            if (is_contact(event)) {
                CHECK_NEAR(in_stride_s(event->mark_s), ZERO_S, 0.5 * step_s + 1e-3);
                CHECK_NEAR(event->swing_range_deg, SWING_RANGE_DEG, 8.0);
            } else {
                CHECK(in_stride_s(event->mark_s) > 0.19);
                CHECK(in_stride_s(event->mark_s) < TOE_OFF_LEAST_S);
            }
            if (event->tell) {
                CHECK(event->seen_s - event->mark_s <= 0.060);
                CHECK(event->seen_s >= event->mark_s);
            }
        }
    }
}

/* What is told at once is what is refined later. */
static void test_the_refined_toe_off_is_the_told_one(void) {
    shank_events e = fresh();
    run(&e, &PLAIN, 0.3, 0.3 + 10 * STRIDE_S, 208.0);
    double told_s = 0.0;
    for (int i = 0; i < found.count; i++) {
        if (is_told_toe_off(&found.events[i])) {
            told_s = found.events[i].mark_s;
        } else if (is_sure_toe_off(&found.events[i])) {
            CHECK_NEAR(found.events[i].mark_s, told_s, 1e-9);
        }
    }
}

/* A wobble in stance that falls and recovers is marked, then taken back. */
static void test_a_dent_in_stance_is_taken_back(void) {
    style dented = PLAIN;
    dented.dent_s = 0.14;
    dented.dent_dps = 200.0;
    shank_events e = fresh();
    run(&e, &dented, 0.3, 0.3 + 12 * STRIDE_S, 208.0);
    CHECK_INT(count_of(is_contact), 12);
    CHECK_INT(count_of(is_sure_toe_off), 11);
    CHECK(count_of(is_told_toe_off) > 12);
    for (int i = 0; i < found.count; i++) {
        if (is_sure_toe_off(&found.events[i])) {
            CHECK(in_stride_s(found.events[i].mark_s) > 0.19);
        }
    }
}

/* Just after landing the rate swings by more; no foot has left by then. */
static void test_a_landing_shock_is_no_toe_off(void) {
    style shocked = PLAIN;
    shocked.dent_s = 0.03;
    shocked.dent_dps = 400.0;
    shank_events e = fresh();
    run(&e, &shocked, 0.3, 0.3 + 12 * STRIDE_S, 208.0);
    CHECK_INT(count_of(is_contact), 12);
    CHECK_INT(count_of(is_sure_toe_off), 11);
    CHECK_INT(count_of(is_told_toe_off), 12);
}

static void test_lags_are_learnt(void) {
    shank_events e = fresh();
    run(&e, &PLAIN, 0.3, 0.3 + STRIDE_S, 208.0);
    const shank_event contact = {.kind = STRIDE_EVENT_INITIAL_CONTACT, .mark_s = 100.0};
    const shank_event toe_off = {.kind = STRIDE_EVENT_TOE_OFF, .mark_s = 200.0};
    for (int i = 0; i < 40; i++) {
        shank_events_learn(&e, &contact, 100.040);
        shank_events_learn(&e, &toe_off, 199.985);
    }
    found.count = 0;
    run(&e, &PLAIN, 0.3 + STRIDE_S, 0.3 + 5 * STRIDE_S, 208.0);
    CHECK(count_of(is_contact) >= 3);
    for (int i = 0; i < found.count; i++) {
        const shank_event *event = &found.events[i];
        if (!event->tell) { /* marked before */
            continue;
        }
        CHECK_NEAR(event->time_s - event->mark_s, is_contact(event) ? 0.040 : -0.015, 1e-3);
    }
}

static void test_one_stride_teaches_little(void) {
    shank_events e = fresh();
    const double before_s = e.contact_lag_s;
    const shank_event contact = {.kind = STRIDE_EVENT_INITIAL_CONTACT, .mark_s = 100.0};
    shank_events_learn(&e, &contact, 100.0 + before_s + 0.020);
    CHECK_NEAR(e.contact_lag_s, before_s + 0.004, 0.002);
}

static void test_lags_stay_within_reason(void) {
    shank_events e = fresh();
    const shank_event contact = {.kind = STRIDE_EVENT_INITIAL_CONTACT, .mark_s = 100.0};
    const shank_event toe_off = {.kind = STRIDE_EVENT_TOE_OFF, .mark_s = 100.0};
    for (int i = 0; i < 100; i++) {
        shank_events_learn(&e, &contact, 101.0);
        shank_events_learn(&e, &toe_off, 101.0);
    }
    CHECK(e.contact_lag_s <= 0.0601 && e.toe_off_lag_s <= 0.0601);
    for (int i = 0; i < 100; i++) {
        shank_events_learn(&e, &contact, 99.0);
        shank_events_learn(&e, &toe_off, 99.0);
    }
    CHECK(e.contact_lag_s >= -1e-9 && e.toe_off_lag_s >= -0.0601);
}

static void test_small_movements_are_none(void) {
    const style shuffling = {.scale = 0.15, .dent_half_s = 0.02};
    shank_events e = fresh();
    run(&e, &shuffling, 0.0, 20.0, 208.0);
    CHECK_INT(found.count, 0);
}

/* Rates of walking are half of running ones; who slows down as suddenly is followed after a stride.
 */
static void test_slowing_down_is_followed(void) {
    const style walking = {.scale = 0.5, .dent_half_s = 0.02};
    shank_events e = fresh();
    run(&e, &PLAIN, 0.3, 0.3 + 10 * STRIDE_S, 208.0);
    run(&e, &walking, 0.3 + 10 * STRIDE_S, 0.3 + 11 * STRIDE_S, 208.0);
    found.count = 0;
    run(&e, &walking, 0.3 + 11 * STRIDE_S, 0.3 + 20 * STRIDE_S, 208.0);
    CHECK_INT(count_of(is_contact), 9);
    CHECK(count_of(is_sure_toe_off) >= 8);
}

/* The leg is swung forward and held there. */
static void test_a_swing_without_landing_is_none(void) {
    shank_events e = fresh();
    for (int i = 0; i < 1000; i++) {
        const double time_s = (double)i / 208.0;
        const float rate = time_s > 1.0 && time_s < 1.2 ? 400.0f : -5.0f;
        shank_events_step(&e, rate, 0.0f, time_s);
        collect(&e);
    }
    CHECK_INT(found.count, 0);
}

static void test_a_long_stance_is_standing(void) {
    shank_events e = fresh();
    run(&e, &PLAIN, 0.3, STRIDE_S + 0.1, 208.0); /* one landing */
    CHECK_INT(count_of(is_contact), 1);
    for (int i = 0; i < 600; i++) {
        shank_events_step(&e, i == 500 ? -300.0f : 0.0f, 0.0f, STRIDE_S + 0.11 + (double)i / 208.0);
        collect(&e);
    }
    CHECK_INT(count_of(is_told_toe_off), 0);
}

/* Wherever samples are lost, no toe-off goes with a contact from before. */
static void test_nothing_spans_a_loss(void) {
    char context[32];
    for (int place = 0; place < 35; place++) {
        const double lost_s = 10 * STRIDE_S + 0.02 * (double)place;
        (void)snprintf(context, sizeof context, "lost at %.2f s of a stride", 0.02 * place);
        check_context = context;
        shank_events e = fresh();
        run(&e, &PLAIN, 0.3, lost_s, 208.0);
        const int before = found.count;
        shank_events_lost(&e);
        const double again_s = lost_s + 0.3;
        run(&e, &PLAIN, again_s, again_s + 4 * STRIDE_S, 208.0);
        if (!CHECK(found.count > before)) {
            continue;
        }
        CHECK(is_contact(&found.events[before]));
        CHECK(found.events[before].mark_s >= again_s - 0.01);
    }
}

/* About a new axis the angle is another: no range spans the change. */
static void test_no_range_spans_a_restart(void) {
    shank_events e = fresh();
    run(&e, &PLAIN, 0.3, 0.3 + 4 * STRIDE_S, 208.0);
    shank_events_step(&e, 0.0f, -170.0f, 0.3 + 4 * STRIDE_S - 0.003);
    shank_events_restart(&e);
    found.count = 0;
    run(&e, &PLAIN, 0.3 + 4 * STRIDE_S, 0.3 + 8 * STRIDE_S, 208.0);
    CHECK_INT(count_of(is_contact), 4);
    for (int i = 0; i < found.count; i++) {
        if (is_contact(&found.events[i])) {
            CHECK_NEAR(found.events[i].swing_range_deg, SWING_RANGE_DEG, 1.0);
        }
    }
}

static void test_the_queue_keeps_the_newest(void) {
    shank_events e = fresh();
    for (int i = 0; i < 20 * 208; i++) {
        const double time_s = (double)i / 208.0;
        shank_events_step(&e, (float)rate_at(&PLAIN, time_s), (float)angle_at(time_s), time_s);
        CHECK(e.queued <= SHANK_EVENTS_QUEUE);
    }
    CHECK_INT(e.queued, SHANK_EVENTS_QUEUE);
    for (int i = 0; i < e.queued; i++) {
        CHECK(e.queue[i].mark_s > 20.0 - 2.5 * STRIDE_S);
    }
}

int main(void) {
    RUN(test_marks_at_any_rate);
    RUN(test_the_refined_toe_off_is_the_told_one);
    RUN(test_a_dent_in_stance_is_taken_back);
    RUN(test_a_landing_shock_is_no_toe_off);
    RUN(test_lags_are_learnt);
    RUN(test_one_stride_teaches_little);
    RUN(test_lags_stay_within_reason);
    RUN(test_small_movements_are_none);
    RUN(test_slowing_down_is_followed);
    RUN(test_a_swing_without_landing_is_none);
    RUN(test_a_long_stance_is_standing);
    RUN(test_nothing_spans_a_loss);
    RUN(test_no_range_spans_a_restart);
    RUN(test_the_queue_keeps_the_newest);
    return check_report();
}
