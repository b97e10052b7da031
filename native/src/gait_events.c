#include "gait_events.h"

#include <math.h>

#include "units.h"

enum {
    SMOOTH_REACH = 4, /* slots to each side of the smoothing kernel */
    WINDOW_SLOTS = 64
};

/* Binomial, 256 in sum: a standard deviation of 7 ms, against impact and soft-tissue wobble. */
static const float SMOOTH[2 * SMOOTH_REACH + 1] = {1.0f / 256,  8.0f / 256,  28.0f / 256,
                                                   56.0f / 256, 70.0f / 256, 56.0f / 256,
                                                   28.0f / 256, 8.0f / 256,  1.0f / 256};

/* Shares of body mass: head, arms and trunk; thigh; shank and foot (Winter 2009, table 4.1). */
static const float TRUNK_MASS = 0.678f;
static const float THIGH_MASS = 0.100f;
static const float LOWER_MASS = 0.061f;

/* A thigh pod sits this far below the hip, as a share of the thigh, and the thigh is this share of
 * height; without a known height 1.75 m [D]. */
static const float THIGH_POD_SHARE = 0.65f;
static const float DEFAULT_THIGH_M = 0.43f;

/* Contact is where the force, on its way to carrying the body, passes half of its weight, less the
 * time of the rise to there from the 50 N (0.08 of body weight) that laboratories use. */
static const float CARRYING_G = 0.9f;
static const float LOADED_G = 0.5f;
static const double LOADING_S = 0.010;
static const float FLIGHT_G = 0.4f; /* less than this must come before */

/* Toe-off by force: it has fallen to ALMOST_G of body weight above its floor in flight (or to zero,
 * if the floor lies below), or has had FADE_SHARE of the time for it that the fall from body weight
 * to UNLOADING took. The estimate is up to 0.15 of body weight off in late stance, and the last of
 * the force fades slowly. */
static const float BODY_WEIGHT_G = 1.0f;
static const float UNLOADING_G = 0.4f;
static const float ALMOST_G = 0.15f;
static const double FADE_SHARE = 1.5;
static const double FADE_REST_S = 0.010;

/* Force and movement err independently of each other; force is the better one. */
static const double FORCE_WEIGHT = 0.6;

/* Toe-off by movement: the foot's release lets the shank whip back, and its backward acceleration
 * is largest this much after toe-off (6..30 ms in six of eight public runners at 2..9.5 m/s). */
static const double WHIP_LAG_S = 0.017;

/* Contact by movement: the shank's rate is least 17..60 ms after contact and crosses zero 14..54 ms
 * before it: the middle of the two, a little early. */
static const double MIDDLE_LEAD_S = 0.004;
static const double LANDING_S = 0.110;
/* The landing shock rises fastest in the shank's vertical acceleration this much after contact:
 * 4..14 ms in the same runners, as far as markers show it. */
static const double SHOCK_LAG_S = 0.010;
static const double SHOCK_WEIGHT = 0.6;

/* Windows around the mark of a provisional event, seconds: contact comes up to 54 ms after it, and
 * then the body has to be carried; flight is over by then. */
static const double CONTACT_BEFORE_S = 0.050, CONTACT_AFTER_S = 0.130;
static const double FLIGHT_AFTER_S = 0.050;
static const double TOE_OFF_BEFORE_S = 0.130, TOE_OFF_AFTER_S = 0.080;
static const double WHIP_BEFORE_S = 0.030;
/* Where a sample made up across a gap would move an event. */
static const double CORE_BEFORE_S = 0.020, CORE_AFTER_S = 0.080;

typedef struct {
    int64_t first; /* grid number of value[0] */
    int count;
    float value[WINDOW_SLOTS];
} series;

typedef enum { FORCE_NONE, FORCE_BODY, FORCE_PELVIS, FORCE_HIPS } force_source;

int64_t gait_events_needs(const shank_event *event) {
    const double last_s =
        event->mark_s + (event->kind == STRIDE_EVENT_TOE_OFF ? TOE_OFF_AFTER_S : CONTACT_AFTER_S);
    return (int64_t)floor(last_s * TRACK_GRID_HZ) + SMOOTH_REACH + 1;
}

static int has_span(const pod_track *pod, int64_t first, int64_t last) {
    return body_span_is_good(pod, first, last, SLOT_HOLE | SLOT_SETTLING | SLOT_OFF);
}

/* Samples of a span, without any that were made up in its core. */
static int has_core(const pod_track *pod, const series *s, int64_t core_first, int64_t core_last) {
    return has_span(pod, s->first - SMOOTH_REACH - 1, s->first + s->count + SMOOTH_REACH) &&
           body_span_is_good(pod, core_first, core_last, SLOT_BRIDGED);
}

static force_source best_source(const body *b, const series *s, int64_t core_first,
                                int64_t core_last) {
    const int thighs = has_core(body_thigh(b, 0), s, core_first, core_last) &&
                       has_core(body_thigh(b, 1), s, core_first, core_last);
    const int shanks = has_core(body_shank(b, 0), s, core_first, core_last) &&
                       has_core(body_shank(b, 1), s, core_first, core_last);
    const int pelvis = has_core(body_pelvis(b), s, core_first, core_last);
    if (thighs && shanks) {
        return pelvis ? FORCE_BODY : FORCE_HIPS;
    }
    return pelvis ? FORCE_PELVIS : FORCE_NONE;
}

static float force_at(const pod_track *pod, int64_t grid) {
    return pod_track_at(pod, grid)->force_g;
}

static float height_cosine(const pod_track *pod, int64_t grid) {
    return cosf(RADIANS * pod_track_at(pod, grid)->angle_deg);
}

/* Specific force at the hip from the pod on the thigh: the second derivative of their height
 * difference. */
static float hip_force_at(const pod_track *thigh, float pod_to_hip_m, int64_t grid) {
    const float second = height_cosine(thigh, grid - 1) - 2.0f * height_cosine(thigh, grid) +
                         height_cosine(thigh, grid + 1);
    const float per_g = pod_to_hip_m * (float)(TRACK_GRID_HZ * TRACK_GRID_HZ) / GRAVITY_MPS2;
    return force_at(thigh, grid) + per_g * second;
}

static float limb_force(const body *b, int64_t grid) {
    return THIGH_MASS * (force_at(body_thigh(b, 0), grid) + force_at(body_thigh(b, 1), grid)) +
           LOWER_MASS * (force_at(body_shank(b, 0), grid) + force_at(body_shank(b, 1), grid));
}

static float trunk_force_from_hips(const body *b, int64_t grid) {
    float sum = 0.0f;
    for (int side = 0; side < 2; side++) {
        const float thigh_m = isnan(b->thigh_m[side]) ? DEFAULT_THIGH_M : (float)b->thigh_m[side];
        sum += hip_force_at(body_thigh(b, side), THIGH_POD_SHARE * thigh_m, grid);
    }
    return 0.5f * sum;
}

static float body_force(const body *b, force_source source, int64_t grid) {
    switch (source) {
    case FORCE_BODY:
        return TRUNK_MASS * force_at(body_pelvis(b), grid) + limb_force(b, grid);
    case FORCE_HIPS:
        return TRUNK_MASS * trunk_force_from_hips(b, grid) + limb_force(b, grid);
    case FORCE_PELVIS:
    case FORCE_NONE:
    default:
        return force_at(body_pelvis(b), grid);
    }
}

static void smooth(const float *raw, series *out) {
    for (int i = 0; i < out->count; i++) {
        float sum = 0.0f;
        for (int k = 0; k < 2 * SMOOTH_REACH + 1; k++) {
            sum += SMOOTH[k] * raw[i + k];
        }
        out->value[i] = sum;
    }
}

/* The grid span from..to, as long as it fits. */
static void set_span(series *s, double from_s, double to_s) {
    s->first = grid_after(from_s);
    const int64_t count = grid_after(to_s) - s->first;
    s->count = count < 1 ? 1 : count > WINDOW_SLOTS ? WINDOW_SLOTS : (int)count;
}

/* The force from `from_s` to `to_s`; what decides the event lies around `mark_s`. */
static int smooth_force(const body *b, double from_s, double mark_s, double to_s, series *out) {
    set_span(out, from_s, to_s);
    const int64_t first = out->first - SMOOTH_REACH;
    const int64_t last = out->first + out->count + SMOOTH_REACH - 1;
    const force_source source =
        best_source(b, out, grid_after(mark_s - CORE_BEFORE_S), grid_after(mark_s + CORE_AFTER_S));
    if (source == FORCE_NONE) {
        return 0;
    }
    float raw[WINDOW_SLOTS + 2 * SMOOTH_REACH] = {0};
    for (int64_t grid = first; grid <= last; grid++) {
        raw[grid - first] = body_force(b, source, grid);
    }
    smooth(raw, out);
    return 1;
}

static double place_s(const series *s, int before, float level) {
    const float a = s->value[before], c = s->value[before + 1];
    const double share = c != a ? (double)((level - a) / (c - a)) : 0.0;
    return ((double)(s->first + before) + share) / TRACK_GRID_HZ;
}

static int least_index(const series *s, int from, int to) {
    int least = from;
    for (int i = from; i < to; i++) {
        least = s->value[i] < s->value[least] ? i : least;
    }
    return least;
}

/* Time of an inner minimum, by a parabola through its neighbours; false when it lies at an end. */
static int least_time(const series *s, double *time_s) {
    const int least = least_index(s, 0, s->count);
    if (least == 0 || least + 1 >= s->count) {
        return 0;
    }
    const float before = s->value[least - 1], at = s->value[least], after = s->value[least + 1];
    const float bend = before - 2.0f * at + after;
    const double shift = bend > 0.0f ? (double)(0.5f * (before - after) / bend) : 0.0;
    *time_s = ((double)(s->first + least) + shift) / TRACK_GRID_HZ;
    return 1;
}

/* Index before the first rise through the level from `from` on, or -1. */
static int rise_index(const series *s, int from, float level) {
    for (int i = from; i + 1 < s->count; i++) {
        if (s->value[i] < level && s->value[i + 1] >= level) {
            return i;
        }
    }
    return -1;
}

static int fall_index(const series *s, int from, float level) {
    for (int i = from; i + 1 < s->count; i++) {
        if (s->value[i] >= level && s->value[i + 1] < level) {
            return i;
        }
    }
    return -1;
}

/* Time at which the rate of a pod is least. */
static int rate_is_least(const pod_track *pod, double from_s, double to_s, double *time_s) {
    series rate;
    set_span(&rate, from_s, to_s);
    if (!has_span(pod, rate.first, rate.first + rate.count - 1)) {
        return 0;
    }
    for (int i = 0; i < rate.count; i++) {
        rate.value[i] = pod_track_at(pod, rate.first + i)->rate_dps;
    }
    return least_time(&rate, time_s);
}

typedef float (*slot_value)(const track_slot *slot);

static float slot_rate(const track_slot *slot) { return slot->rate_dps; }

static float slot_fall(const track_slot *slot) { return -slot->force_g; }

/* When a smoothed series of a pod falls fastest. */
static int falls_fastest(const pod_track *pod, slot_value value, double from_s, double to_s,
                         double *time_s) {
    series smoothed, slope;
    set_span(&smoothed, from_s, to_s);
    const int64_t first = smoothed.first - SMOOTH_REACH;
    if (!has_span(pod, first, smoothed.first + smoothed.count + SMOOTH_REACH - 1)) {
        return 0;
    }
    float raw[WINDOW_SLOTS + 2 * SMOOTH_REACH] = {0};
    for (int i = 0; i < smoothed.count + 2 * SMOOTH_REACH; i++) {
        raw[i] = value(pod_track_at(pod, first + i));
    }
    smooth(raw, &smoothed);
    slope.first = smoothed.first + 1;
    slope.count = smoothed.count - 2;
    for (int i = 0; i < slope.count; i++) {
        slope.value[i] = smoothed.value[i + 2] - smoothed.value[i];
    }
    return least_time(&slope, time_s);
}

/* From the shank alone: its swing back, and the shock that runs up it. */
static double kinematic_contact(const body *b, int side, const shank_event *event) {
    const pod_track *shank = body_shank(b, side);
    double least_s, shock_s;
    if (!rate_is_least(shank, event->mark_s, event->mark_s + LANDING_S, &least_s)) {
        return event->time_s;
    }
    const double middle_s = 0.5 * (event->mark_s + least_s) - MIDDLE_LEAD_S;
    const int true_samples = body_span_is_good(
        shank, grid_after(event->mark_s), grid_after(event->mark_s + CORE_AFTER_S), SLOT_BRIDGED);
    if (!true_samples ||
        !falls_fastest(shank, slot_fall, event->mark_s, event->mark_s + LANDING_S, &shock_s)) {
        return middle_s;
    }
    return middle_s + SHOCK_WEIGHT * (shock_s - SHOCK_LAG_S - middle_s);
}

/* Index before the last rise through the loaded level on the way to carrying the body, or -1. */
static int loading_index(const series *force, int lightest) {
    int i = rise_index(force, lightest, CARRYING_G);
    while (i >= lightest && !(force->value[i] < LOADED_G)) {
        i--;
    }
    return i >= lightest ? i : -1;
}

/* Samples of a worn pod were lost, or made up, where they decide the event. */
static int core_is_patched(const body *b, double mark_s) {
    const pod_track *const pods[] = {body_pelvis(b), body_thigh(b, 0), body_thigh(b, 1),
                                     body_shank(b, 0), body_shank(b, 1)};
    const int64_t first = grid_after(mark_s - CORE_BEFORE_S);
    const int64_t last = grid_after(mark_s + CORE_AFTER_S);
    for (size_t i = 0; i < sizeof pods / sizeof pods[0]; i++) {
        if (pods[i] != NULL &&
            (pod_track_span(pods[i], first, last).flags & (SLOT_HOLE | SLOT_BRIDGED)) != 0) {
            return 1;
        }
    }
    return 0;
}

refined_event gait_refine_contact(const body *b, int side, const shank_event *event) {
    refined_event result = {.time_s = kinematic_contact(b, side, event),
                            .from_force = 0,
                            .patched = core_is_patched(b, event->mark_s),
                            .flight = -1};
    series force;
    if (!smooth_force(b, event->mark_s - CONTACT_BEFORE_S, event->mark_s,
                      event->mark_s + CONTACT_AFTER_S, &force)) {
        return result;
    }
    const int flight_slots = (int)((CONTACT_BEFORE_S + FLIGHT_AFTER_S) * TRACK_GRID_HZ);
    const int lightest = least_index(&force, 0, flight_slots);
    result.flight = force.value[lightest] < FLIGHT_G;
    const int rise = loading_index(&force, lightest);
    if (!result.flight || rise < 0) {
        return result;
    }
    result.time_s += FORCE_WEIGHT * (place_s(&force, rise, LOADED_G) - LOADING_S - result.time_s);
    result.from_force = 1;
    return result;
}

static int toe_off_from_force(const series *force, double *time_s) {
    const int falling = fall_index(force, 0, BODY_WEIGHT_G);
    const int unloading = falling < 0 ? -1 : fall_index(force, falling, UNLOADING_G);
    if (unloading < 0) {
        return 0;
    }
    const double unloading_s = place_s(force, unloading, UNLOADING_G);
    const double fall_s = unloading_s - place_s(force, falling, BODY_WEIGHT_G);
    const double latest_s = unloading_s + FADE_SHARE * fall_s;
    const float floor_g = force->value[least_index(force, unloading, force->count)];
    const float almost_g = fminf(UNLOADING_G, ALMOST_G + fmaxf(0.0f, floor_g));
    const int almost = fall_index(force, unloading, almost_g);
    const double almost_s = almost < 0 ? latest_s : place_s(force, almost, almost_g);
    *time_s = fmin(almost_s, latest_s) + FADE_REST_S;
    return 1;
}

static double kinematic_toe_off(const body *b, int side, const shank_event *event, int walking) {
    const pod_track *shank = body_shank(b, side);
    double time_s;
    if (walking) { /* the shank turns back fastest as the toes leave the ground */
        return rate_is_least(shank, event->mark_s, event->mark_s + TOE_OFF_AFTER_S, &time_s)
                   ? time_s
                   : event->mark_s;
    }
    return falls_fastest(shank, slot_rate, event->mark_s - WHIP_BEFORE_S,
                         event->mark_s + TOE_OFF_AFTER_S, &time_s)
               ? time_s - WHIP_LAG_S
               : event->mark_s;
}

refined_event gait_refine_toe_off(const body *b, int side, const shank_event *event, int walking) {
    refined_event result = {
        .from_force = 0, .patched = core_is_patched(b, event->mark_s), .flight = -1};
    series force;
    double force_s = 0.0;
    if (smooth_force(b, event->mark_s - TOE_OFF_BEFORE_S, event->mark_s,
                     event->mark_s + TOE_OFF_AFTER_S, &force)) {
        result.from_force = toe_off_from_force(&force, &force_s);
        result.flight = result.from_force;
        walking = !result.flight;
    }
    result.time_s = kinematic_toe_off(b, side, event, walking);
    if (result.from_force) {
        result.time_s += FORCE_WEIGHT * (force_s - result.time_s);
    }
    return result;
}
