#include "shank_events.h"

#include <math.h>
#include <string.h>

#include "stride_kernel.h"

/* A forward swing begins above this share of the usual peak, and never below the floor: slow walking peaks at
 * 250 deg/s, shifting one's weight stays under 100. */
static const float SWING_SHARE = 0.35f;
static const float SWING_FLOOR_DPS = 100.0f;
static const float LEAST_PEAK_DPS = 150.0f;

/* The rate is least 17..54 ms after landing and crosses zero 14..54 ms before it in public runners:
 * the middle of the two, a little early. */
static const double MIDDLE_LEAD_S = 0.004;
/* The minimum counts once the rate has risen again by this share of it, or after this time. */
static const float RISE_SHARE = 0.12f;
static const float RISE_FLOOR_DPS = 20.0f;
static const double LANDING_MAX_S = 0.10;

/* Toe-off is near when the rate has fallen by this share of its usual fall. */
static const float FALL_SHARE = 0.25f;
static const double CONTACT_MIN_S = 0.10;
/* A stance longer than this is standing. */
static const double CONTACT_MAX_S = 1.2;

void shank_events_init(shank_events *e) {
    memset(e, 0, sizeof *e);
    e->mean_peak_dps = 300.0f;
    e->mean_depth_dps = 300.0f;
}

void shank_events_lost(shank_events *e) { e->phase = SHANK_WAITING; }

static shank_event *queue_event(shank_events *e, int32_t kind, double time_s, double seen_s) {
    if (e->queued == SHANK_EVENTS_QUEUE) {
        memmove(&e->queue[0], &e->queue[1], sizeof e->queue - sizeof e->queue[0]);
        e->queued--;
    }
    shank_event *event = &e->queue[e->queued++];
    memset(event, 0, sizeof *event);
    event->kind = kind;
    event->time_s = time_s;
    event->seen_s = seen_s;
    return event;
}

static double crossing_s(const shank_events *e, float rate_dps, double time_s, float level_dps) {
    const float fall = e->rate_dps - rate_dps;
    const float share = fall > 0.0f ? (e->rate_dps - level_dps) / fall : 1.0f;
    return e->time_s + (double)share * (time_s - e->time_s);
}

static float swing_threshold(const shank_events *e) {
    return fmaxf(SWING_FLOOR_DPS, SWING_SHARE * e->mean_peak_dps);
}

static void begin_swing(shank_events *e, float rate_dps, float angle_deg) {
    e->phase = SHANK_SWINGING;
    e->peak_dps = rate_dps;
    e->foremost_deg = angle_deg;
}

static void swing(shank_events *e, float rate_dps, float angle_deg, double time_s) {
    e->peak_dps = fmaxf(e->peak_dps, rate_dps);
    e->foremost_deg = fmaxf(e->foremost_deg, angle_deg);
    if (rate_dps >= 0.0f) {
        return;
    }
    if (e->peak_dps < LEAST_PEAK_DPS) {
        e->phase = SHANK_WAITING;
        return;
    }
    e->mean_peak_dps += 0.25f * (e->peak_dps - e->mean_peak_dps);
    e->mean_depth_dps += 0.25f * (-e->least_dps - e->mean_depth_dps);
    e->zero_s = crossing_s(e, rate_dps, time_s, 0.0f);
    e->least_dps = rate_dps;
    e->least_s = time_s;
    e->phase = SHANK_LANDING;
}

static void land(shank_events *e, float rate_dps, double time_s) {
    if (rate_dps < e->least_dps) {
        e->least_dps = rate_dps;
        e->least_s = time_s;
    }
    const float rise = fmaxf(RISE_FLOOR_DPS, -RISE_SHARE * e->least_dps);
    if (rate_dps - e->least_dps < rise && time_s - e->zero_s < LANDING_MAX_S) {
        return;
    }
    e->contact_s = 0.5 * (e->zero_s + e->least_s) - MIDDLE_LEAD_S;
    shank_event *event = queue_event(e, STRIDE_EVENT_INITIAL_CONTACT, e->contact_s, time_s);
    event->zero_s = e->zero_s;
    event->minimum_s = e->least_s;
    event->swing_peak_dps = e->peak_dps;
    event->swing_range_deg = e->foremost_deg - e->rearmost_deg;
    e->most_dps = rate_dps;
    e->rearmost_deg = e->foremost_deg;
    e->phase = SHANK_STANDING;
}

static void stand(shank_events *e, float rate_dps, double time_s) {
    e->most_dps = fmaxf(e->most_dps, rate_dps);
    const double contact_s = time_s - e->contact_s;
    if (contact_s > CONTACT_MAX_S) {
        e->phase = SHANK_WAITING;
        return;
    }
    const float level = e->most_dps - FALL_SHARE * e->mean_depth_dps;
    if (contact_s < CONTACT_MIN_S || rate_dps > level) {
        return;
    }
    (void)queue_event(e, STRIDE_EVENT_TOE_OFF, crossing_s(e, rate_dps, time_s, level), time_s);
    e->least_dps = rate_dps;
    e->phase = SHANK_WAITING;
}

void shank_events_step(shank_events *e, float rate_dps, float angle_deg, double time_s) {
    e->rearmost_deg = fminf(e->rearmost_deg, angle_deg);
    if (e->phase == SHANK_SWINGING) {
        swing(e, rate_dps, angle_deg, time_s);
    } else if (e->phase == SHANK_LANDING) {
        land(e, rate_dps, time_s);
    } else if (rate_dps > swing_threshold(e)) {
        begin_swing(e, rate_dps, angle_deg);
    } else if (e->phase == SHANK_STANDING) {
        stand(e, rate_dps, time_s);
    } else {
        e->least_dps = fminf(e->least_dps, rate_dps);
    }
    e->rate_dps = rate_dps;
    e->time_s = time_s;
}
