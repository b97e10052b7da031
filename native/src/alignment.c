#include "alignment.h"

#include <string.h>

#include "units.h"
#include "vec3.h"

/* Cycles remembered: leggings shift slowly, one stride is noisy. */
static const float MEMORY_CYCLES = 40.0f;

/* Cycles of gait that make an alignment as good as it gets. */
static const float ENOUGH_CYCLES = 4.0f;

/* Cycles after which the swing tells forward from back without a standing pose. */
static const float SIGNED_CYCLES = 2.0f;

/* A later standing pose this close to the known one is the same pose, and is averaged in. */
static const float SAME_POSE_COS = 0.978f; /* 12 degrees */
static const float SAME_POSE_WEIGHT = 0.3f;

/* Decay of the leaky vertical speed: longer than a step, shorter than drift. */
static const float RISE_TIME_S = 0.5f;

/* Mean pose over a cycle of upright gait, relative to standing: degrees about the medio-lateral
 * axis. `typical` stands in where no standing was seen [D]: eight public runners at 2..9.5 m/s had
 * trunk 1..-13, thigh 6..20, shank -26..-57, foot -22..-70; the limits leave room for walking and a
 * standing pose off by 15 degrees, and tell sitting and lying apart. */
typedef struct {
    float least_deg, typical_deg, most_deg;
} pose_range;

/* Mean horizontal acceleration x vertical speed of a runner's trunk, m^2/s^3, that tells forward
 * from back: eight public runners at 2..9.5 m/s had 0.85..2.9. */
static const float CLEAR_PUSH = 0.3f;

/* Limbs in gait turn about their medio-lateral axis, of the two that are not their long one, for
 * 0.8 and more of the sum of squares. */
static const float STRANGE_AXIS_SHARE = 0.6f;
enum { STRANGE_CYCLES = 3 };

/* Poses at any moment of running, with room; a foot goes all round. */
static pose_range human_pose(segment_kind kind) {
    switch (kind) {
    case SEGMENT_THIGH:
        return (pose_range){-75.0f, 14.0f, 125.0f};
    case SEGMENT_SHANK:
        return (pose_range){-165.0f, -33.0f, 75.0f};
    case SEGMENT_FOOT:
        return (pose_range){-181.0f, -38.0f, 100.0f};
    case SEGMENT_TRUNK:
    default:
        return (pose_range){-80.0f, -5.0f, 60.0f};
    }
}

/* Sine of 50 degrees to the side. */
static const float MAX_SIDE_TILT = 0.77f;

/* Rate of rotation that only movement from place to place has, rms over the three axes. */
static const float LIVELY_RPS = 1.0f;

static pose_range gait_pose(segment_kind kind) {
    switch (kind) {
    case SEGMENT_THIGH:
        return (pose_range){-25.0f, 14.0f, 45.0f};
    case SEGMENT_SHANK:
        return (pose_range){-75.0f, -33.0f, 5.0f};
    case SEGMENT_FOOT:
        return (pose_range){-90.0f, -38.0f, 10.0f};
    case SEGMENT_TRUNK:
    default:
        return (pose_range){-40.0f, -5.0f, 25.0f};
    }
}

/* Mean sideways tilt of a segment that is worn: beyond it the pod has come loose or the runner lies
 * down. */
static const float MAX_SIDE_TILT_DEG = 30.0f;

void alignment_init(alignment *a, segment_kind kind) {
    memset(a, 0, sizeof *a);
    a->kind = kind;
    a->up[2] = 1.0f;
    a->right[1] = -1.0f;
    a->forward[0] = 1.0f;
    a->pose_plausible = 1;
    a->has_axis = kind == SEGMENT_TRUNK;
}

static void set_right(alignment *a, const float right[3]) {
    vec3_copy(right, a->right);
    vec3_cross(a->up, a->right, a->forward);
}

static void set_up(alignment *a, const float up[3]) {
    vec3_copy(up, a->up);
    float right[3];
    vec3_copy(a->right, right);
    vec3_reject(right, a->up);
    if (!vec3_normalise(right)) {
        vec3_any_normal(a->up, right);
    }
    set_right(a, right);
}

static void step_trunk(alignment *a, const float up[3], const float acc_mps2[3],
                       float vertical_mps2, float dt_s) {
    a->rise_mps += dt_s * (vertical_mps2 - GRAVITY_MPS2 - a->rise_mps / RISE_TIME_S);
    vec3_add_scaled(a->push, acc_mps2, a->rise_mps);
    vec3_add_scaled(a->push, up, -a->rise_mps * vertical_mps2);
    a->lightest_mps2 = fminf(a->lightest_mps2, vertical_mps2);
}

void alignment_step(alignment *a, const float rate_rps[3], float about_rps, const float up[3],
                    const float acc_mps2[3], float vertical_mps2, float dt_s) {
    const float x = rate_rps[0], y = rate_rps[1], z = rate_rps[2];
    a->spread[0] += x * x;
    a->spread[1] += y * y;
    a->spread[2] += z * z;
    a->spread[3] += x * y;
    a->spread[4] += x * z;
    a->spread[5] += y * z;
    a->skew += about_rps * about_rps * about_rps;
    vec3_add_scaled(a->up_sum, up, 1.0f);
    a->samples++;
    if (a->kind == SEGMENT_TRUNK) {
        step_trunk(a, up, acc_mps2, vertical_mps2, dt_s);
    }
}

/* v' S w for the symmetric matrix S. */
static float quadratic(const float s[6], const float v[3], const float w[3]) {
    return v[0] * (s[0] * w[0] + s[3] * w[1] + s[4] * w[2]) +
           v[1] * (s[3] * w[0] + s[1] * w[1] + s[5] * w[2]) +
           v[2] * (s[4] * w[0] + s[5] * w[1] + s[2] * w[2]);
}

static float trace(const float s[6]) { return s[0] + s[1] + s[2]; }

/* Principal axis of the rotation at a right angle to the segment's long axis (a thigh pod on skin
 * turns about that one as much as the thigh swings): the 2 x 2 eigenproblem in closed form. Returns
 * how much it stands out, 0 (round) to 1. */
static float principal_axis(const float spread[6], const float along[3], float axis[3]) {
    float e1[3], e2[3];
    vec3_any_normal(along, e1);
    vec3_cross(along, e1, e2);
    const float c11 = quadratic(spread, e1, e1), c22 = quadratic(spread, e2, e2);
    const float c12 = quadratic(spread, e1, e2);
    const float angle = 0.5f * atan2f(2.0f * c12, c11 - c22);
    for (int i = 0; i < 3; i++) {
        axis[i] = cosf(angle) * e1[i] + sinf(angle) * e2[i];
    }
    const float sum = c11 + c22;
    return sum > 0.0f ? hypotf(2.0f * c12, c11 - c22) / sum : 0.0f;
}

/* Mean angle of the cycle's pose about the medio-lateral axis, degrees. */
static float pose_angle_deg(const alignment *a, const float pose[3], const float zero[3]) {
    float forward[3];
    vec3_cross(zero, a->right, forward);
    return atan2f(vec3_dot(pose, forward), vec3_dot(pose, zero)) / RADIANS;
}

static int pose_is_plausible(const alignment *a, const float pose[3], const float zero[3]) {
    const pose_range range = gait_pose(a->kind);
    const float angle = pose_angle_deg(a, pose, zero);
    const float side = asinf(fmaxf(-1.0f, fminf(1.0f, vec3_dot(pose, a->right)))) / RADIANS;
    return angle > range.least_deg && angle < range.most_deg && fabsf(side) < MAX_SIDE_TILT_DEG;
}

/* Without standing the zero of the angle is set so that the mean pose is the typical one. */
static void up_from_gait(alignment *a) {
    float pose[3], forward[3];
    vec3_copy(a->pose_mean, pose);
    vec3_reject(pose, a->right);
    if (!vec3_normalise(pose)) {
        return;
    }
    vec3_cross(pose, a->right, forward);
    const float angle = -gait_pose(a->kind).typical_deg * RADIANS;
    float up[3];
    for (int i = 0; i < 3; i++) {
        up[i] = cosf(angle) * pose[i] + sinf(angle) * forward[i];
    }
    set_up(a, up);
}

/* Running has a moment of near weightlessness. Walking has none, and there braking goes with
 * rising: its cycles do not tell forward. */
static void take_push(alignment *a, float keep, float weight) {
    if (a->kind != SEGMENT_TRUNK || a->lightest_mps2 > 0.5f * GRAVITY_MPS2) {
        return;
    }
    for (int i = 0; i < 3; i++) {
        a->push_mean[i] = keep * a->push_mean[i] + weight * a->push[i];
    }
    a->push_norm = keep * a->push_norm + weight * vec3_norm(a->push);
}

static void find_trunk_axis(alignment *a) {
    float forward[3], right[3];
    if (!a->has_standing) {
        float pose[3];
        vec3_copy(a->pose_mean, pose);
        (void)vec3_normalise(pose);
        set_up(a, pose);
    }
    vec3_copy(a->push_mean, forward);
    vec3_reject(forward, a->up);
    const float push = vec3_norm(a->push_mean);
    const float steady = a->push_norm > 0.0f ? push / a->push_norm : 0.0f;
    a->axis_quality = fminf(1.0f, steady) * fminf(1.0f, push / CLEAR_PUSH);
    if (vec3_normalise(forward)) {
        vec3_cross(forward, a->up, right);
        set_right(a, right);
    }
}

/* The pose lies on the other side of standing than the mean pose of gait does. */
static int is_behind(const alignment *a, const float pose[3]) {
    return pose_angle_deg(a, pose, a->up) * gait_pose(a->kind).typical_deg < 0.0f;
}

/* True when the axis points left. In gait the mean pose lies on a known side of standing: the thigh
 * ahead of it, shank and foot behind. Without standing the swing tells: shank and foot go forward
 * faster than back. */
static int points_left(const alignment *a) {
    if (a->sign_confirmed) {
        return 0;
    }
    if (a->has_standing) {
        return is_behind(a, a->pose_mean);
    }
    return a->kind != SEGMENT_THIGH && a->skew_mean < 0.0f;
}

static void flip(alignment *a) {
    a->axis_changes++;
    vec3_scale(a->right, -1.0f);
    vec3_scale(a->forward, -1.0f);
    a->skew_mean = -a->skew_mean;
}

/* The long axis from standing, or else the mean pose, which lies in the sagittal plane too. */
static void long_axis(const alignment *a, const float pose[3], float along[3]) {
    vec3_copy(a->has_standing ? a->up : pose, along);
    (void)vec3_normalise(along);
}

static void find_limb_axis(alignment *a) {
    float along[3], axis[3];
    long_axis(a, a->pose_mean, along);
    a->axis_quality = principal_axis(a->spread_mean, along, axis);
    if (vec3_dot(axis, a->right) < 0.0f) {
        vec3_scale(axis, -1.0f);
    }
    set_right(a, axis);
    if (points_left(a)) {
        flip(a);
    }
}

static void remember_cycle(alignment *a) {
    const float keep = 1.0f - 1.0f / fminf(MEMORY_CYCLES, a->cycles + 1.0f);
    const float weight = (1.0f - keep) / (float)a->samples;
    for (int i = 0; i < 6; i++) {
        a->spread_mean[i] = keep * a->spread_mean[i] + weight * a->spread[i];
    }
    a->skew_mean = keep * a->skew_mean + weight * a->skew;
    for (int i = 0; i < 3; i++) {
        a->pose_mean[i] = keep * a->pose_mean[i] + weight * a->up_sum[i];
    }
    take_push(a, keep, weight);
    a->cycles = fminf(MEMORY_CYCLES, a->cycles + 1.0f);
}

void alignment_drop(alignment *a) {
    memset(a->spread, 0, sizeof a->spread);
    memset(a->up_sum, 0, sizeof a->up_sum);
    memset(a->push, 0, sizeof a->push);
    a->skew = 0.0f;
    a->lightest_mps2 = INFINITY;
    a->samples = 0;
}

/* After some cycles of gait the newer standing pose replaces the one in use, if most cycles fit it
 * and not the other; getting up from the ground is one cycle, and fits what it likes. */
static void choose_standing(alignment *a, const float pose[3]) {
    if ((float)a->candidate_cycles < ENOUGH_CYCLES) {
        return;
    }
    if (2 * a->candidate_fits > a->candidate_cycles) {
        set_up(a, a->candidate);
        vec3_copy(pose, a->pose_mean);
        a->pose_plausible = 1;
    }
    a->has_candidate = 0;
}

/* Gait decides between the standing pose in use and a newer one. */
static void judge_standing(alignment *a, const float pose[3]) {
    a->pose_plausible = pose_is_plausible(a, pose, a->up);
    if (a->has_candidate) {
        a->candidate_cycles++;
        a->candidate_fits += !a->pose_plausible && pose_is_plausible(a, pose, a->candidate);
        choose_standing(a, pose);
    }
    a->standing_verified |= a->has_standing && a->pose_plausible && a->cycles >= ENOUGH_CYCLES;
}

static void rate_confidence(alignment *a) {
    const float seen = fminf(1.0f, a->cycles / ENOUGH_CYCLES);
    const float zero = a->has_standing ? 1.0f : 0.7f;
    const int signed_axis = a->kind != SEGMENT_THIGH || a->has_standing || a->sign_confirmed;
    a->confidence = a->pose_plausible && signed_axis ? seen * zero * a->axis_quality : 0.0f;
}

/* Cycle after cycle about another axis: the pod was turned, or what was learnt was no gait. Learn
 * anew. */
static void forget_strange_axis(alignment *a) {
    const float swing = quadratic(a->spread, a->right, a->right);
    const float aside = quadratic(a->spread, a->forward, a->forward);
    a->axis_share = swing > 0.0f ? swing / (swing + aside) : 0.0f;
    a->strange_cycles = a->axis_share < STRANGE_AXIS_SHARE ? a->strange_cycles + 1 : 0;
    if (a->kind != SEGMENT_TRUNK && a->strange_cycles >= STRANGE_CYCLES) {
        a->cycles = 0.0f;
        a->has_axis = 0;
        a->sign_confirmed = 0;
        a->strange_cycles = 0;
        a->confidence = 0.0f;
    }
}

void alignment_close_cycle(alignment *a) {
    if (a->samples == 0) {
        return;
    }
    float pose[3];
    vec3_copy(a->up_sum, pose);
    if (!vec3_normalise(pose)) {
        alignment_drop(a);
        return;
    }
    remember_cycle(a);
    if (a->kind == SEGMENT_TRUNK) {
        find_trunk_axis(a);
    } else {
        find_limb_axis(a);
    }
    if (!a->has_standing) {
        up_from_gait(a);
    }
    judge_standing(a, pose);
    rate_confidence(a);
    forget_strange_axis(a);
    alignment_drop(a);
}

void alignment_close_other(alignment *a) {
    float pose[3];
    vec3_copy(a->up_sum, pose);
    if (a->samples > 0 && vec3_normalise(pose)) {
        if (a->has_standing) {
            a->pose_plausible = pose_is_plausible(a, pose, a->up);
            rate_confidence(a);
        }
    }
    alignment_drop(a);
}

void alignment_guess_axis(alignment *a) {
    float pose[3], along[3], axis[3];
    vec3_copy(a->up_sum, pose);
    const float mean_square = trace(a->spread) / (float)(a->samples > 0 ? a->samples : 1);
    if (mean_square > LIVELY_RPS * LIVELY_RPS && vec3_normalise(pose)) {
        long_axis(a, pose, along);
        (void)principal_axis(a->spread, along, axis);
        set_right(a, axis);
        if (a->has_standing && is_behind(a, pose)) {
            flip(a);
        }
        a->has_axis = 1;
        a->axis_changes++;
    }
    alignment_drop(a);
}

int alignment_shows_swing(const alignment *a) {
    return a->has_axis && (a->has_standing || a->cycles >= SIGNED_CYCLES);
}

int alignment_wants_sign(const alignment *a) {
    return a->kind == SEGMENT_THIGH && !a->sign_confirmed && a->cycles >= ENOUGH_CYCLES;
}

void alignment_confirm_sign(alignment *a, int forward_is_forward) {
    a->sign_confirmed = 1;
    if (!forward_is_forward) {
        flip(a);
        a->cycles = 0.0f;
        a->confidence = 0.0f;
    }
}

int alignment_pose_is_human(const alignment *a, float angle_deg, float up_along_right) {
    const pose_range range = human_pose(a->kind);
    return angle_deg > range.least_deg && angle_deg < range.most_deg &&
           fabsf(up_along_right) < MAX_SIDE_TILT;
}

void alignment_standing(alignment *a, const float acc_mps2[3]) {
    float up[3];
    vec3_copy(acc_mps2, up);
    if (!vec3_normalise(up)) {
        return;
    }
    if (!a->standing_verified) {
        set_up(a, up);
        a->has_standing = 1;
        return;
    }
    if (vec3_dot(up, a->up) > SAME_POSE_COS) {
        float mean[3];
        vec3_copy(a->up, mean);
        vec3_scale(mean, 1.0f - SAME_POSE_WEIGHT);
        vec3_add_scaled(mean, up, SAME_POSE_WEIGHT);
        if (vec3_normalise(mean)) {
            set_up(a, mean);
        }
        return;
    }
    vec3_copy(up, a->candidate);
    a->has_candidate = 1;
    a->candidate_cycles = a->candidate_fits = 0;
}
