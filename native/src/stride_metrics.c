#include "stride_metrics.h"

#include <math.h>
#include <string.h>

static const float DEGREES = 57.29577951f; /* per radian */
static const float GRAVITY_MPS2 = 9.80665f;

/* The impact's peak comes within this time of contact (METRICS: 0-60 ms). */
static const double IMPACT_S = 0.060;

/* Part of stance over which the hip's speed over the foot is taken: the foot is flat, the heel not yet high. */
static const double PLANTED_FROM = 0.25, PLANTED_TO = 0.65;

/* A turn by more than this in one stride is no longer a straight or a track's bend (8 deg on the tightest
 * indoor track). */
static const float TURNING_DEG = 15.0f;

static const uint32_t ANGLE_FLAWS = SLOT_HOLE | SLOT_SETTLING | SLOT_UNCALIBRATED;

typedef struct {
    int64_t first, last; /* grid numbers inside the stride */
    int64_t middle;      /* of stance */
    int64_t toe_off;     /* first grid number of swing */
} stride_span;

static int64_t grid_after(double time_s) { return (int64_t)ceil(time_s * TRACK_GRID_HZ); }

static stride_span span_of(const stride_times *t) {
    return (stride_span){.first = grid_after(t->ic_s),
                         .last = grid_after(t->next_ic_s) - 1,
                         .middle = grid_after(0.5 * (t->ic_s + t->to_s)),
                         .toe_off = grid_after(t->to_s)};
}

static void set_unknown(stride_record *record) {
    const float nan = NAN;
    float *const values[] = {
        &record->stride_time_ms,     &record->contact_time_ms,      &record->flight_time_ms,
        &record->duty_factor,        &record->cadence_spm,          &record->shank_angle_ic_deg,
        &record->overstride_ratio,   &record->knee_flexion_ic_deg,  &record->peak_knee_flexion_deg,
        &record->kickback_deg,       &record->heel_lift_ratio,      &record->heel_trail_ratio,
        &record->swing_lever_ratio,  &record->knee_lift_deg,        &record->hip_extension_deg,
        &record->hip_over_foot_ratio, &record->push_off_angle_deg,  &record->lean_deg,
        &record->vertical_oscillation_mm, &record->impact_g,        &record->speed_mps,
        &record->step_length_m,      &record->foot_strike_angle_deg};
    for (size_t i = 0; i < sizeof values / sizeof values[0]; i++) {
        *values[i] = nan;
    }
}

static void measure_times(const stride_times *t, stride_record *r) {
    r->ic_s = t->ic_s;
    r->to_s = t->to_s;
    r->next_ic_s = t->next_ic_s;
    const double stride_s = t->next_ic_s - t->ic_s, contact_s = t->to_s - t->ic_s;
    r->stride_time_ms = (float)(1000.0 * stride_s);
    r->cadence_spm = (float)(120.0 / stride_s);
    r->contact_time_ms = (float)(1000.0 * contact_s);
    r->duty_factor = (float)(contact_s / stride_s);
    if (t->other_ic_s > t->to_s) {
        r->flight_time_ms = (float)(1000.0 * (t->other_ic_s - t->to_s));
    }
}

/* ---- the leg's chain ---- */

static void measure_contact_pose(const body *b, const stride_times *t, stride_record *r) {
    leg_pose pose;
    float forward, down;
    if (body_leg_pose_at(b, t->side, t->ic_s, &pose)) {
        body_ankle(pose, &forward, &down);
        r->overstride_ratio = forward;
        r->knee_flexion_ic_deg = pose.thigh_deg - pose.shank_deg;
    }
    if (body_leg_pose_at(b, t->side, 0.5 * (t->ic_s + t->to_s), &pose)) {
        body_ankle(pose, &forward, &down);
        r->hip_over_foot_ratio = -forward;
    }
    if (body_leg_pose_at(b, t->side, t->to_s, &pose)) {
        body_ankle(pose, &forward, &down);
        r->push_off_angle_deg = DEGREES * atan2f(-forward, down);
    }
}

static void measure_swing(const body *b, const stride_times *t, const stride_span *span,
                          stride_record *r) {
    float least_down = INFINITY, trail = 0.0f, last_forward = 0.0f, last_lever = 0.0f;
    float flexion = -INFINITY, knee_lift = -INFINITY;
    for (int64_t grid = span->toe_off; grid <= span->last; grid++) {
        leg_pose pose;
        float forward, down;
        if (!body_leg_pose(b, t->side, grid, &pose)) {
            return;
        }
        body_ankle(pose, &forward, &down);
        flexion = fmaxf(flexion, pose.thigh_deg - pose.shank_deg);
        knee_lift = fmaxf(knee_lift, pose.thigh_deg);
        if (down < least_down) {
            least_down = down;
            trail = -forward;
        }
        const float lever = sqrtf(forward * forward + down * down);
        if (grid > span->toe_off && last_forward < 0.0f && forward >= 0.0f) {
            const float share = last_forward / (last_forward - forward);
            r->swing_lever_ratio = last_lever + share * (lever - last_lever);
        }
        last_forward = forward;
        last_lever = lever;
    }
    r->peak_knee_flexion_deg = flexion;
    r->knee_lift_deg = knee_lift;
    r->heel_lift_ratio = 1.0f - least_down;
    r->heel_trail_ratio = trail;
}

static float least_angle(const pod_track *pod, int64_t first, int64_t last) {
    float least = INFINITY;
    for (int64_t grid = first; grid <= last; grid++) {
        least = fminf(least, pod_track_slot(pod, grid)->angle_deg);
    }
    return least;
}

/* How far the hip moves over the planted foot: the chain, its lower link lengthened by the ankle's roll. */
static void measure_speed(const body *b, const stride_times *t, stride_record *r) {
    if (isnan(b->thigh_m[t->side])) {
        return;
    }
    const double contact_s = t->to_s - t->ic_s;
    const double from_s = t->ic_s + PLANTED_FROM * contact_s, to_s = t->ic_s + PLANTED_TO * contact_s;
    leg_pose from, to;
    if (!body_leg_pose_at(b, t->side, from_s, &from) || !body_leg_pose_at(b, t->side, to_s, &to)) {
        return;
    }
    const double thigh_m = b->thigh_m[t->side], lower_m = b->shank_m[t->side] + b->ankle_roll_m;
    const double radians = 1.0 / (double)DEGREES;
    const double travel_m =
        thigh_m * (sin(radians * (double)from.thigh_deg) - sin(radians * (double)to.thigh_deg)) +
        lower_m * (sin(radians * (double)from.shank_deg) - sin(radians * (double)to.shank_deg));
    r->speed_mps = b->speed_factor * (float)(travel_m / (to_s - from_s));
    const double step_s = isnan(t->other_ic_s) ? 0.5 * (t->next_ic_s - t->ic_s) : t->other_ic_s - t->ic_s;
    r->step_length_m = r->speed_mps * (float)step_s;
}

static void measure_leg(const body *b, const stride_times *t, const stride_span *span,
                        stride_record *r) {
    const pod_track *thigh = body_thigh(b, t->side), *shank = body_shank(b, t->side);
    const int shank_good = body_span_is_good(shank, span->first - 1, span->last + 1, ANGLE_FLAWS);
    const int thigh_good = body_span_is_good(thigh, span->first - 1, span->last + 1, ANGLE_FLAWS);
    if (shank_good) {
        const int64_t grid = span->first - 1;
        const float before = pod_track_slot(shank, grid)->angle_deg;
        const float after = pod_track_slot(shank, grid + 1)->angle_deg;
        const float w = (float)(t->ic_s * TRACK_GRID_HZ - (double)grid);
        r->shank_angle_ic_deg = before + w * (after - before) + b->standing_shank_deg;
        r->kickback_deg =
            -(least_angle(shank, span->toe_off, span->last) + b->standing_shank_deg);
    }
    if (thigh_good) {
        r->hip_extension_deg =
            -(least_angle(thigh, span->middle, span->last) + b->standing_thigh_deg);
    }
    if (shank_good && thigh_good) {
        measure_contact_pose(b, t, r);
        measure_swing(b, t, span, r);
        measure_speed(b, t, r);
    }
}

/* ---- the other pods ---- */

static void measure_impact(const body *b, const stride_times *t, stride_record *r) {
    const pod_track *shank = body_shank(b, t->side);
    const int64_t first = grid_after(t->ic_s), last = grid_after(t->ic_s + IMPACT_S);
    if (!body_span_is_good(shank, first, last, SLOT_HOLE | SLOT_MOTOR)) {
        return;
    }
    float peak = 0.0f;
    for (int64_t grid = first; grid <= last; grid++) {
        peak = fmaxf(peak, pod_track_slot(shank, grid)->magnitude_g);
    }
    r->impact_g = peak;
}

static void measure_foot_strike(const body *b, const stride_times *t, stride_record *r) {
    const pod_track *foot = body_foot(b, t->side);
    const int64_t grid = grid_after(t->ic_s) - 1;
    if (!body_span_is_good(foot, grid, grid + 1, ANGLE_FLAWS)) {
        return;
    }
    const float before = pod_track_slot(foot, grid)->angle_deg;
    const float after = pod_track_slot(foot, grid + 1)->angle_deg;
    r->foot_strike_angle_deg =
        before + (float)(t->ic_s * TRACK_GRID_HZ - (double)grid) * (after - before);
}

static float mean_force(const pod_track *pod, int64_t first, int64_t last) {
    float sum = 0.0f;
    for (int64_t grid = first; grid <= last; grid++) {
        sum += pod_track_slot(pod, grid)->force_g;
    }
    return sum / (float)(last - first + 1);
}

/* Height that the pod at the back of the waistband loses when the pelvis tips back: it sits this far behind the pelvis'
 * middle [D], 0.12..0.15 m in four public runners. */
static const float POD_BEHIND_PELVIS_M = 0.13f;

static float pod_drop_m(const track_slot *slot) {
    return POD_BEHIND_PELVIS_M * sinf(slot->angle_deg / DEGREES);
}

/* Vertical travel over one step, from the specific force of the whole stride integrated twice; mean acceleration and
 * mean speed of a whole stride are zero. Two passes: the first finds the mean speed. */
static float vertical_travel_m(const pod_track *pod, const stride_span *span, int64_t step_last) {
    const float mean = mean_force(pod, span->first, span->last);
    const float dt_s = 1.0f / TRACK_GRID_HZ;
    float speed = 0.0f, speed_sum = 0.0f;
    for (int64_t grid = span->first; grid <= span->last; grid++) {
        speed += (pod_track_slot(pod, grid)->force_g - mean) * GRAVITY_MPS2 * dt_s;
        speed_sum += speed;
    }
    const float mean_speed = speed_sum / (float)(span->last - span->first + 1);
    float pod_height = 0.0f, least = INFINITY, most = -INFINITY;
    speed = 0.0f;
    for (int64_t grid = span->first; grid <= step_last; grid++) {
        const track_slot *slot = pod_track_slot(pod, grid);
        speed += (slot->force_g - mean) * GRAVITY_MPS2 * dt_s;
        pod_height += (speed - mean_speed) * dt_s;
        const float height = pod_height + pod_drop_m(slot);
        least = fminf(least, height);
        most = fmaxf(most, height);
    }
    return most - least;
}

static void measure_pelvis(const body *b, const stride_times *t, const stride_span *span,
                           stride_record *r) {
    const pod_track *pelvis = body_pelvis(b);
    if (!body_span_is_good(pelvis, span->first, span->last, SLOT_HOLE | SLOT_SETTLING)) {
        return;
    }
    const double step_end_s = isnan(t->other_ic_s) ? 0.5 * (t->ic_s + t->next_ic_s) : t->other_ic_s;
    r->vertical_oscillation_mm = 1000.0f * vertical_travel_m(pelvis, span, grid_after(step_end_s));
    if (body_span_is_good(pelvis, span->first, span->last, ANGLE_FLAWS)) {
        float sum = 0.0f;
        for (int64_t grid = span->first; grid <= span->last; grid++) {
            sum += pod_track_slot(pelvis, grid)->angle_deg;
        }
        r->lean_deg = -sum / (float)(span->last - span->first + 1);
    }
}

/* ---- quality ---- */

static uint32_t span_flags(const pod_track *pod, const stride_span *span, float *confidence) {
    uint32_t quality = 0;
    for (int64_t grid = span->first; grid <= span->last; grid++) {
        const track_slot *slot = pod_track_slot(pod, grid);
        if (slot == NULL) {
            quality |= grid > pod->head ? (uint32_t)STRIDE_QUALITY_LATE : (uint32_t)STRIDE_QUALITY_GAP;
            continue;
        }
        quality |= slot->flags & (SLOT_HOLE | SLOT_SETTLING) ? (uint32_t)STRIDE_QUALITY_GAP : 0u;
        quality |= slot->flags & SLOT_CLIPPED ? (uint32_t)STRIDE_QUALITY_CLIPPED : 0u;
        quality |= slot->flags & SLOT_MOTOR ? (uint32_t)STRIDE_QUALITY_MOTOR : 0u;
        quality |= slot->flags & SLOT_UNCALIBRATED ? (uint32_t)STRIDE_QUALITY_NOT_CALIBRATED : 0u;
        quality |= slot->flags & SLOT_NO_STANDING ? (uint32_t)STRIDE_QUALITY_NO_STANDING : 0u;
    }
    *confidence = fminf(*confidence, pod->alignment.confidence);
    return quality;
}

static int is_turning(const body *b, const stride_times *t, const stride_span *span) {
    const pod_track *pod = body_pelvis(b) != NULL ? body_pelvis(b) : body_shank(b, t->side);
    const track_slot *from = pod_track_slot(pod, span->first);
    const track_slot *to = pod_track_slot(pod, span->last);
    return from != NULL && to != NULL && fabsf(to->yaw_deg - from->yaw_deg) > TURNING_DEG;
}

/* The pods that a stride's metrics use: this leg's and the pelvis. */
static void rate_quality(const body *b, const stride_times *t, const stride_span *span,
                         stride_record *r) {
    const pod_track *const used[] = {body_shank(b, t->side), body_thigh(b, t->side),
                                     body_foot(b, t->side), body_pelvis(b)};
    const uint32_t missing[] = {0, STRIDE_QUALITY_NO_THIGH, 0, STRIDE_QUALITY_NO_PELVIS};
    r->alignment_confidence = 1.0f;
    for (size_t i = 0; i < sizeof used / sizeof used[0]; i++) {
        r->quality |= used[i] == NULL ? missing[i]
                                      : span_flags(used[i], span, &r->alignment_confidence);
    }
    r->quality |= t->running ? 0u : (uint32_t)STRIDE_QUALITY_WALKING;
    r->quality |= is_turning(b, t, span) ? (uint32_t)STRIDE_QUALITY_TURNING : 0u;
    r->quality |= t->events_from_force ? 0u : (uint32_t)STRIDE_QUALITY_KINEMATIC_EVENTS;
    r->quality |= isnan(b->thigh_m[t->side]) ? (uint32_t)STRIDE_QUALITY_NO_LEG_LENGTH : 0u;
}

void stride_measure(const body *b, const stride_times *times, stride_record *record) {
    memset(record, 0, sizeof *record);
    set_unknown(record);
    record->side = times->side;
    record->gait = times->running ? STRIDE_GAIT_RUNNING : STRIDE_GAIT_WALKING;
    const stride_span span = span_of(times);
    measure_times(times, record);
    measure_leg(b, times, &span, record);
    measure_impact(b, times, record);
    measure_foot_strike(b, times, record);
    measure_pelvis(b, times, &span, record);
    rate_quality(b, times, &span, record);
}
