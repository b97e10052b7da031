#include "stride_metrics.h"

#include <math.h>
#include <string.h>

#include "units.h"

/* The impact's peak comes within this time of contact (METRICS: 0-60 ms). */
static const double IMPACT_S = 0.060;

/* Part of stance over which the hip's speed over the foot is taken: the foot is flat, the heel not
 * yet high. */
static const double PLANTED_FROM = 0.25, PLANTED_TO = 0.65;

/* A turn by more than this in one stride is no longer a straight or a track's bend (8 deg on the
 * tightest indoor track). */
static const float TURNING_DEG = 15.0f;

static const uint32_t ANGLE_FLAWS = SLOT_HOLE | SLOT_SETTLING | SLOT_UNCALIBRATED | SLOT_OFF;

static float larger(float a, float b) { return a > b ? a : b; }

/* A stride on the grid, and what the pods it is measured with have of it. */
typedef struct {
    int64_t first, last;                                       /* grid numbers inside the stride */
    int64_t middle;                                            /* of stance */
    int64_t toe_off;                                           /* first grid number of swing */
    const pod_track *shank, *thigh, *foot, *pelvis;            /* NULL: not worn */
    track_span shank_span, thigh_span, foot_span, pelvis_span; /* first - 1 .. last + 1 */
} stride_view;

static track_span span_of(const pod_track *pod, const stride_view *v) {
    return pod != NULL ? pod_track_span(pod, v->first - 1, v->last + 1) : (track_span){0};
}

static stride_view view_of(const body *b, const stride_times *t) {
    stride_view v = {.first = grid_after(t->ic_s),
                     .last = grid_after(t->next_ic_s) - 1,
                     .middle = grid_after(0.5 * (t->ic_s + t->to_s)),
                     .toe_off = grid_after(t->to_s),
                     .shank = body_shank(b, t->side),
                     .thigh = body_thigh(b, t->side),
                     .foot = body_foot(b, t->side),
                     .pelvis = body_pelvis(b)};
    v.shank_span = span_of(v.shank, &v);
    v.thigh_span = span_of(v.thigh, &v);
    v.foot_span = span_of(v.foot, &v);
    v.pelvis_span = span_of(v.pelvis, &v);
    return v;
}

static int has_angles(const track_span *span) {
    return span->complete && (span->flags & ANGLE_FLAWS) == 0;
}

static void set_unknown(stride_record *record) {
    const float nan = NAN;
    float *const values[] = {&record->stride_time_ms,
                             &record->contact_time_ms,
                             &record->flight_time_ms,
                             &record->duty_factor,
                             &record->cadence_spm,
                             &record->shank_angle_ic_deg,
                             &record->overstride_ratio,
                             &record->knee_flexion_ic_deg,
                             &record->peak_knee_flexion_deg,
                             &record->kickback_deg,
                             &record->heel_lift_ratio,
                             &record->heel_trail_ratio,
                             &record->swing_lever_ratio,
                             &record->knee_lift_deg,
                             &record->hip_extension_deg,
                             &record->hip_over_foot_ratio,
                             &record->push_off_angle_deg,
                             &record->lean_deg,
                             &record->vertical_oscillation_mm,
                             &record->impact_g,
                             &record->speed_mps,
                             &record->step_length_m,
                             &record->foot_strike_angle_deg};
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
    float forward, down;
    const leg_pose contact = body_leg_pose_at(b, t->side, t->ic_s);
    body_ankle(contact, &forward, &down);
    r->overstride_ratio = forward;
    r->knee_flexion_ic_deg = contact.thigh_deg - contact.shank_deg;
    body_ankle(body_leg_pose_at(b, t->side, 0.5 * (t->ic_s + t->to_s)), &forward, &down);
    r->hip_over_foot_ratio = -forward;
    body_ankle(body_leg_pose_at(b, t->side, t->to_s), &forward, &down);
    r->push_off_angle_deg = DEGREES * atan2f(-forward, down);
}

/* How far the ankle trails the hip where it is highest: a slot steps it by 0.02, so between the
 * slots, at the vertex of the parabola through the three heights. */
static float trail_at_peak(const body *b, int side, int64_t peak) {
    float forward[3], down[3];
    for (int i = 0; i < 3; i++) {
        body_ankle(body_leg_pose(b, side, peak - 1 + i), &forward[i], &down[i]);
    }
    const float bend = down[0] - 2.0f * down[1] + down[2];
    const float shift = bend > 0.0f ? 0.5f * (down[0] - down[2]) / bend : 0.0f;
    const float w = shift < -1.0f ? -1.0f : shift > 1.0f ? 1.0f : shift;
    return -(w < 0.0f ? forward[1] + w * (forward[1] - forward[0])
                      : forward[1] + w * (forward[2] - forward[1]));
}

static void measure_swing(const body *b, const stride_times *t, const stride_view *v,
                          stride_record *r) {
    float least_down = INFINITY, last_forward = 0.0f, last_lever = 0.0f;
    float flexion = -INFINITY;
    int64_t peak = v->toe_off;
    for (int64_t grid = v->toe_off; grid <= v->last; grid++) {
        const leg_pose pose = body_leg_pose(b, t->side, grid);
        float forward, down;
        body_ankle(pose, &forward, &down);
        flexion = larger(flexion, pose.thigh_deg - pose.shank_deg);
        if (down < least_down) {
            least_down = down;
            peak = grid;
        }
        const float lever = sqrtf(forward * forward + down * down);
        if (last_forward < 0.0f && forward >= 0.0f) {
            const float share = last_forward / (last_forward - forward);
            r->swing_lever_ratio = last_lever + share * (lever - last_lever);
        }
        last_forward = forward;
        last_lever = lever;
    }
    r->peak_knee_flexion_deg = flexion;
    r->heel_lift_ratio = 1.0f - least_down;
    r->heel_trail_ratio = trail_at_peak(b, t->side, peak);
}

static float least_angle(const pod_track *pod, int64_t first, int64_t last) {
    float least = INFINITY;
    for (int64_t grid = first; grid <= last; grid++) {
        const float angle = pod_track_at(pod, grid)->angle_deg;
        least = angle < least ? angle : least;
    }
    return least;
}

static float most_angle(const pod_track *pod, int64_t first, int64_t last) {
    float most = -INFINITY;
    for (int64_t grid = first; grid <= last; grid++) {
        most = larger(most, pod_track_at(pod, grid)->angle_deg);
    }
    return most;
}

/* How far the hip moves over the planted foot: the chain, its lower link lengthened by the ankle's
 * roll. */
static void measure_speed(const body *b, const stride_times *t, stride_record *r) {
    if (isnan(b->thigh_m[t->side])) {
        return;
    }
    const double contact_s = t->to_s - t->ic_s;
    const double from_s = t->ic_s + PLANTED_FROM * contact_s,
                 to_s = t->ic_s + PLANTED_TO * contact_s;
    const leg_pose from = body_leg_pose_at(b, t->side, from_s);
    const leg_pose to = body_leg_pose_at(b, t->side, to_s);
    const double thigh_m = b->thigh_m[t->side], lower_m = b->shank_m[t->side] + b->ankle_roll_m;
    const double radians = 1.0 / (double)DEGREES;
    const double travel_m =
        thigh_m * (sin(radians * (double)from.thigh_deg) - sin(radians * (double)to.thigh_deg)) +
        lower_m * (sin(radians * (double)from.shank_deg) - sin(radians * (double)to.shank_deg));
    r->speed_mps = b->speed_factor * (float)(travel_m / (to_s - from_s));
    const double step_s =
        isnan(t->other_ic_s) ? 0.5 * (t->next_ic_s - t->ic_s) : t->other_ic_s - t->ic_s;
    r->step_length_m = r->speed_mps * (float)step_s;
}

static void measure_leg(const body *b, const stride_times *t, const stride_view *v,
                        stride_record *r) {
    const int shank_good = has_angles(&v->shank_span), thigh_good = has_angles(&v->thigh_span);
    if (shank_good) {
        r->shank_angle_ic_deg = pod_track_angle_at(v->shank, t->ic_s) + b->standing_shank_deg;
        r->kickback_deg = -(least_angle(v->shank, v->toe_off, v->last) + b->standing_shank_deg);
    }
    if (thigh_good) {
        r->knee_lift_deg = most_angle(v->thigh, v->toe_off, v->last) + b->standing_thigh_deg;
        r->hip_extension_deg = -(least_angle(v->thigh, v->middle, v->last) + b->standing_thigh_deg);
    }
    if (shank_good && thigh_good) {
        measure_contact_pose(b, t, r);
        measure_swing(b, t, v, r);
        measure_speed(b, t, r);
    }
}

/* ---- the other pods ---- */

static void measure_impact(const stride_view *v, const stride_times *t, stride_record *r) {
    const int64_t last = grid_after(t->ic_s + IMPACT_S);
    const track_span span = pod_track_span(v->shank, v->first, last);
    r->quality |= (span.flags & SLOT_BRIDGED) != 0 ? (uint32_t)STRIDE_QUALITY_BRIDGED : 0u;
    if (!span.complete || (span.flags & (SLOT_HOLE | SLOT_BRIDGED | SLOT_MOTOR)) != 0) {
        return;
    }
    float peak = 0.0f;
    for (int64_t grid = v->first; grid <= last; grid++) {
        peak = larger(peak, pod_track_at(v->shank, grid)->magnitude_g);
    }
    r->impact_g = peak;
}

static float mean_force(const pod_track *pod, int64_t first, int64_t last) {
    float sum = 0.0f;
    for (int64_t grid = first; grid <= last; grid++) {
        sum += pod_track_at(pod, grid)->force_g;
    }
    return sum / (float)(last - first + 1);
}

static float mean_angle(const pod_track *pod, int64_t first, int64_t last) {
    float sum = 0.0f;
    for (int64_t grid = first; grid <= last; grid++) {
        sum += pod_track_at(pod, grid)->angle_deg;
    }
    return sum / (float)(last - first + 1);
}

/* Height that the pod at the back of the waistband loses when the pelvis tips back: it sits this
 * far behind the pelvis' middle [D], 0.12..0.15 m in four public runners. */
static const float POD_BEHIND_PELVIS_M = 0.13f;

static float pod_drop_m(const track_slot *slot) {
    return POD_BEHIND_PELVIS_M * sinf(slot->angle_deg / DEGREES);
}

/* Vertical travel over one step, from the specific force of the whole stride integrated twice; mean
 * acceleration and mean speed of a whole stride are zero. Two passes: the first finds the mean
 * speed. */
static float vertical_travel_m(const pod_track *pod, const stride_view *v, int64_t step_last) {
    const float mean = mean_force(pod, v->first, v->last);
    const float dt_s = 1.0f / TRACK_GRID_HZ;
    float speed = 0.0f, speed_sum = 0.0f;
    for (int64_t grid = v->first; grid <= v->last; grid++) {
        speed += (pod_track_at(pod, grid)->force_g - mean) * GRAVITY_MPS2 * dt_s;
        speed_sum += speed;
    }
    const float mean_speed = speed_sum / (float)(v->last - v->first + 1);
    float pod_height = 0.0f, least = INFINITY, most = -INFINITY;
    speed = 0.0f;
    for (int64_t grid = v->first; grid <= step_last; grid++) {
        const track_slot *slot = pod_track_at(pod, grid);
        speed += (slot->force_g - mean) * GRAVITY_MPS2 * dt_s;
        pod_height += (speed - mean_speed) * dt_s;
        const float height = pod_height + pod_drop_m(slot);
        least = height < least ? height : least;
        most = larger(most, height);
    }
    return most - least;
}

static void measure_pelvis(const stride_view *v, const stride_times *t, stride_record *r) {
    if (!has_angles(&v->pelvis_span)) {
        return;
    }
    r->lean_deg = -mean_angle(v->pelvis, v->first, v->last);
    if ((v->pelvis_span.flags & SLOT_BRIDGED) != 0) {
        r->quality |= STRIDE_QUALITY_BRIDGED;
        return;
    }
    const double step_end_s = isnan(t->other_ic_s) ? 0.5 * (t->ic_s + t->next_ic_s) : t->other_ic_s;
    r->vertical_oscillation_mm = 1000.0f * vertical_travel_m(v->pelvis, v, grid_after(step_end_s));
}

/* ---- quality ---- */

static uint32_t quality_of(const pod_track *pod, const track_span *span, float *confidence) {
    const struct {
        uint32_t slot, quality;
    } meaning[] = {
        {SLOT_HOLE, STRIDE_QUALITY_GAP},
        {SLOT_SETTLING, pod->after_hole ? STRIDE_QUALITY_GAP : STRIDE_QUALITY_NOT_CALIBRATED},
        {SLOT_CLIPPED, STRIDE_QUALITY_CLIPPED},
        {SLOT_OFF, STRIDE_QUALITY_NOT_WORN},
        {SLOT_MOTOR, STRIDE_QUALITY_MOTOR},
        {SLOT_UNCALIBRATED, STRIDE_QUALITY_NOT_CALIBRATED},
        {SLOT_NO_STANDING, STRIDE_QUALITY_NO_STANDING}};
    uint32_t quality = span->late ? STRIDE_QUALITY_LATE : span->complete ? 0 : STRIDE_QUALITY_GAP;
    for (size_t i = 0; i < sizeof meaning / sizeof meaning[0]; i++) {
        quality |= (span->flags & meaning[i].slot) != 0 ? meaning[i].quality : 0u;
    }
    *confidence = fminf(*confidence, pod->alignment.confidence);
    return quality;
}

static float turned_deg(const pod_track *pod, const track_span *span, const stride_view *v) {
    return span->complete
               ? pod_track_at(pod, v->last)->yaw_deg - pod_track_at(pod, v->first)->yaw_deg
               : 0.0f;
}

/* The pelvis turns with the runner; a shank's own twist is no turn. */
static int is_turning(const stride_view *v) {
    return v->pelvis != NULL && fabsf(turned_deg(v->pelvis, &v->pelvis_span, v)) > TURNING_DEG;
}

/* The pods that a stride's metrics use: this leg's and the pelvis. */
static void rate_quality(const body *b, const stride_times *t, const stride_view *v,
                         stride_record *r) {
    const struct {
        const pod_track *pod;
        const track_span *span;
        uint32_t missing;
    } used[] = {{v->shank, &v->shank_span, 0},
                {v->thigh, &v->thigh_span, STRIDE_QUALITY_NO_THIGH},
                {v->foot, &v->foot_span, 0},
                {v->pelvis, &v->pelvis_span, STRIDE_QUALITY_NO_PELVIS}};
    r->alignment_confidence = 1.0f;
    for (size_t i = 0; i < sizeof used / sizeof used[0]; i++) {
        r->quality |= used[i].pod == NULL
                          ? used[i].missing
                          : quality_of(used[i].pod, used[i].span, &r->alignment_confidence);
    }
    r->quality |= t->running ? 0u : (uint32_t)STRIDE_QUALITY_WALKING;
    r->quality |= is_turning(v) ? (uint32_t)STRIDE_QUALITY_TURNING : 0u;
    r->quality |= t->events_patched ? (uint32_t)STRIDE_QUALITY_BRIDGED : 0u;
    r->quality |= isnan(t->other_ic_s) ? (uint32_t)STRIDE_QUALITY_NO_OTHER_FOOT : 0u;
    r->quality |= t->events_from_force ? 0u : (uint32_t)STRIDE_QUALITY_KINEMATIC_EVENTS;
    r->quality |= isnan(b->thigh_m[t->side]) ? (uint32_t)STRIDE_QUALITY_NO_LEG_LENGTH : 0u;
}

void stride_measure(const body *b, const stride_times *times, stride_record *record) {
    memset(record, 0, sizeof *record);
    set_unknown(record);
    record->side = times->side;
    record->gait = times->running ? STRIDE_GAIT_RUNNING : STRIDE_GAIT_WALKING;
    const stride_view view = view_of(b, times);
    measure_times(times, record);
    measure_leg(b, times, &view, record);
    measure_impact(&view, times, record);
    if (has_angles(&view.foot_span) && (view.foot_span.flags & SLOT_NO_STANDING) == 0) {
        record->foot_strike_angle_deg = pod_track_angle_at(view.foot, times->ic_s);
    }
    measure_pelvis(&view, times, record);
    rate_quality(b, times, &view, record);
}
