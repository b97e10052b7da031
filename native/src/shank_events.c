#include "shank_events.h"

#include <math.h>
#include <string.h>

#include "stride_kernel.h"

/* A forward swing begins above this share of the usual peak, and never below the floor: slow
 * walking peaks at 250 deg/s, shifting one's weight stays under 100. */
static const float SWING_SHARE = 0.35f;
static const float STANCE_SWING_SHARE = 0.6f;
static const float SWING_FLOOR_DPS = 100.0f;
static const float LEAST_PEAK_DPS = 150.0f;

/* The usual peak and fall before any swing was seen, and again after so long without one: a runner
 * who now walks must not be measured by his sprint. */
static const float FIRST_PEAK_DPS = 300.0f;
static const double FORGET_S = 2.5;
/* No swing counts for more than this many times the usual one: a pod being shaken is no runner. */
static const float MOST_GROWTH = 1.5f;

/* Initial contact after its mark before anything is learnt: 14..54 ms in public runners at 2..9.5
 * m/s. */
static const double CONTACT_LAG_S = 0.025;
/* It is told this long after it should have come, if the shank does swing back by then at this
 * share of the peak. */
static const double SURE_S = 0.010;
static const float SURE_SHARE = 0.15f;
static const double LANDING_MAX_S = 0.10;
/* How fast lags are learnt, and their limits. */
static const double LEARNING = 0.2;
static const double LAG_MOST_S = 0.060;

/* Toe-off is near when the rate has fallen by this share of its usual fall. */
static const float FALL_SHARE = 0.25f;
static const double CONTACT_MIN_S = 0.10;
/* A stance longer than this is standing; a toe-off without a forward swing for this long was none.
 */
static const double CONTACT_MAX_S = 1.2;
static const double SWING_MAX_S = 0.6;

void shank_events_init(shank_events *e) {
    memset(e, 0, sizeof *e);
    e->mean_peak_dps = e->mean_depth_dps = FIRST_PEAK_DPS;
    e->contact_lag_s = CONTACT_LAG_S;
}

void shank_events_restart(shank_events *e) {
    shank_events_lost(e);
    e->least_dps = 0.0f;
    e->rearmost_deg = INFINITY;
    e->restarted = 1;
}

/* Swings are rare or gone: those that come next set the measure. */
static void forget_old_swings(shank_events *e, double time_s) {
    if (time_s - e->swing_s > FORGET_S) {
        e->mean_peak_dps = fminf(e->mean_peak_dps, FIRST_PEAK_DPS);
        e->mean_depth_dps = fminf(e->mean_depth_dps, FIRST_PEAK_DPS);
        e->swing_s = time_s;
    }
}

static void follow_usual(float *usual, float seen) {
    *usual += 0.25f * (fminf(seen, MOST_GROWTH * *usual) - *usual);
}

static void learn(double *lag_s, double seen_s, double least_s) {
    *lag_s += LEARNING * (fmin(LAG_MOST_S, fmax(least_s, seen_s)) - *lag_s);
}

void shank_events_learn(shank_events *e, const shank_event *event, double refined_s) {
    if (event->kind == STRIDE_EVENT_TOE_OFF) {
        learn(&e->toe_off_lag_s, refined_s - event->mark_s, -LAG_MOST_S);
    } else {
        learn(&e->contact_lag_s, refined_s - event->mark_s, 0.0);
    }
}

void shank_events_lost(shank_events *e) {
    e->phase = SHANK_WAITING;
    e->toe_off.refine = 0;
}

static void queue_event(shank_events *e, const shank_event *event) {
    if (e->queued == SHANK_EVENTS_QUEUE) {
        memmove(&e->queue[0], &e->queue[1], sizeof e->queue - sizeof e->queue[0]);
        e->queued--;
    }
    e->queue[e->queued++] = *event;
}

static double crossing_s(const shank_events *e, float rate_dps, double time_s, float level_dps) {
    const float fall = e->rate_dps - rate_dps;
    const float share = fall > 0.0f ? (e->rate_dps - level_dps) / fall : 1.0f;
    return e->time_s + (double)share * (time_s - e->time_s);
}

/* Before toe-off is marked only a rate beyond any push-off is a swing. */
static float swing_threshold(const shank_events *e) {
    const float share = e->phase == SHANK_STANDING ? STANCE_SWING_SHARE : SWING_SHARE;
    return fmaxf(SWING_FLOOR_DPS, share * e->mean_peak_dps);
}

static void begin_swing(shank_events *e, float rate_dps, float angle_deg) {
    if (e->toe_off.refine) {
        e->toe_off.tell = 0;
        queue_event(e, &e->toe_off);
        e->toe_off.refine = 0;
    }
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
    follow_usual(&e->mean_peak_dps, e->peak_dps);
    if (e->least_dps < 0.0f) {
        follow_usual(&e->mean_depth_dps, -e->least_dps);
    }
    e->swing_s = time_s;
    e->zero_s = crossing_s(e, rate_dps, time_s, 0.0f);
    e->least_dps = 0.0f;
    e->phase = SHANK_LANDING;
}

static void land(shank_events *e, float rate_dps, double time_s) {
    const double since_s = time_s - e->zero_s;
    if (since_s > LANDING_MAX_S) {
        e->phase = SHANK_WAITING;
        return;
    }
    if (since_s < e->contact_lag_s + SURE_S || rate_dps > -SURE_SHARE * e->peak_dps) {
        return;
    }
    const shank_event event = {.time_s = e->zero_s + e->contact_lag_s,
                               .seen_s = time_s,
                               .mark_s = e->zero_s,
                               .kind = STRIDE_EVENT_INITIAL_CONTACT,
                               .tell = 1,
                               .refine = 1,
                               .swing_range_deg = e->foremost_deg - e->rearmost_deg};
    queue_event(e, &event);
    e->contact_s = event.time_s;
    e->most_dps = rate_dps;
    e->rearmost_deg = e->foremost_deg;
    e->toe_off.refine = 0;
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
    const double mark_s = crossing_s(e, rate_dps, time_s, level);
    e->toe_off = (shank_event){.time_s = mark_s + e->toe_off_lag_s,
                               .seen_s = time_s,
                               .mark_s = mark_s,
                               .kind = STRIDE_EVENT_TOE_OFF,
                               .tell = 1,
                               .refine = 0};
    queue_event(e, &e->toe_off);
    e->toe_off.refine = 1;
    e->least_dps = rate_dps;
    e->phase = SHANK_LEAVING;
}

/* The rate falls on after a true toe-off; where it recovers, stance may not be over. */
static void leave(shank_events *e, float rate_dps, double time_s) {
    if (time_s - e->toe_off.mark_s > SWING_MAX_S) {
        shank_events_lost(e);
        return;
    }
    e->least_dps = fminf(e->least_dps, rate_dps);
    if (rate_dps > e->least_dps + FALL_SHARE * e->mean_depth_dps) {
        e->most_dps = rate_dps;
        e->phase = SHANK_STANDING;
    }
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
    } else if (e->phase == SHANK_LEAVING) {
        leave(e, rate_dps, time_s);
    }
    forget_old_swings(e, time_s);
    e->rate_dps = rate_dps;
    e->time_s = time_s;
}
