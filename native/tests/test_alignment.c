#include "alignment.h"
#include "check.h"
#include "orientation.h"
#include "rotate.h"
#include "units.h"
#include "vec3.h"

static const float G = GRAVITY_MPS2;
static const double PI = 3.14159265358979;
enum { SAMPLES = 70, MOUNTS = 24 };
static const float DT_S = 0.01f;
static const float ENOUGH = 0.51f; /* confidence that strides need */

/* Where the segment's axes point in the pod's frame. */
typedef struct {
    float up[3], right[3], forward[3];
} mount;

static void turn_mount(mount *m, const float axis[3], double angle) {
    const mount before = *m;
    turned(before.up, axis, angle, m->up);
    turned(before.right, axis, angle, m->right);
    turned(before.forward, axis, angle, m->forward);
}

/* Quarter and half turns first, then angles of all sorts. */
static mount mount_number(int number) {
    const float x[3] = {1, 0, 0}, y[3] = {0, 1, 0};
    const float askew[3] = {0.48f, 0.6f, 0.64f};
    mount m = {.up = {0, 0, 1}, .right = {0, -1, 0}, .forward = {1, 0, 0}};
    turn_mount(&m, x, 0.5 * PI * (double)(number % 4));
    turn_mount(&m, y, 0.5 * PI * (double)(number / 4 % 4));
    if (number >= 16) {
        turn_mount(&m, askew, 0.77 * (double)number);
    }
    return m;
}

static double angle_between_deg(const float a[3], const float b[3]) {
    float across[3];
    vec3_cross(a, b, across);
    return 180.0 / PI * atan2((double)vec3_norm(across), (double)vec3_dot(a, b));
}

/* How a segment moves in one cycle, degrees; about the other axes out of step with the swing. */
typedef struct {
    double mean_deg; /* of the sagittal angle, distal end ahead positive */
    double swing_deg;
    double late_deg;  /* second harmonic: the swing forward is faster than the way back */
    double twist_deg; /* about the long axis */
    double side_deg;  /* sideways */
} movement;

static movement gait_of(segment_kind kind) {
    switch (kind) {
    case SEGMENT_THIGH:
        return (movement){14.0, 28.0, 0.0, 8.0, 5.0};
    case SEGMENT_FOOT:
        return (movement){-38.0, 45.0, 12.0, 8.0, 8.0};
    case SEGMENT_SHANK:
    case SEGMENT_TRUNK:
    default:
        return (movement){-33.0, 45.0, 12.0, 10.0, 6.0};
    }
}

static const segment_kind LIMBS[] = {SEGMENT_THIGH, SEGMENT_SHANK, SEGMENT_FOOT};
static const char *const LIMB_NAMES[] = {"thigh", "shank", "foot"};

static void stand(alignment *a, const mount *m, double angle_deg) {
    float acc[3];
    turned(m->up, m->right, -angle_deg * PI / 180.0, acc);
    vec3_scale(acc, G);
    alignment_standing(a, acc);
}

/* One cycle of a limb; how to close it is left to the caller. */
static void move(alignment *a, const mount *m, const movement *by) {
    const double turn = 2.0 * PI / (SAMPLES * (double)DT_S), degree = PI / 180.0;
    for (int i = 0; i < SAMPLES; i++) {
        const double phase = 2.0 * PI * (double)i / SAMPLES;
        const double angle =
            by->mean_deg - by->swing_deg * cos(phase) + by->late_deg * sin(2.0 * phase) * -0.5;
        const double rate =
            turn * (by->swing_deg * sin(phase) - by->late_deg * cos(2.0 * phase)) * degree;
        const double twist = turn * by->twist_deg * cos(phase) * degree;
        const double side = turn * by->side_deg * sin(2.0 * phase) * 2.0 * degree;
        float up[3], acc[3], rates[3] = {0, 0, 0};
        turned(m->up, m->right, -angle * degree, up);
        vec3_copy(up, acc);
        vec3_scale(acc, G);
        vec3_add_scaled(rates, m->right, (float)rate);
        vec3_add_scaled(rates, m->up, (float)twist);
        vec3_add_scaled(rates, m->forward, (float)side);
        alignment_step(a, rates, vec3_dot(rates, a->right), up, acc, G, DT_S);
    }
}

static void gait(alignment *a, const mount *m, int cycles) {
    const movement by = gait_of(a->kind);
    for (int i = 0; i < cycles; i++) {
        move(a, m, &by);
        alignment_close_cycle(a);
    }
}

static void first_steps(alignment *a, const mount *m) {
    const movement by = gait_of(a->kind);
    move(a, m, &by);
    alignment_guess_axis(a);
}

static alignment fresh(segment_kind kind) {
    alignment a;
    alignment_init(&a, kind);
    alignment_drop(&a);
    return a;
}

/* Has stood, and gait has confirmed it. */
static alignment worn(segment_kind kind, const mount *m) {
    alignment a = fresh(kind);
    stand(&a, m, 0.0);
    first_steps(&a, m);
    gait(&a, m, 8);
    return a;
}

static void check_orthonormal(const alignment *a) {
    float forward[3];
    vec3_cross(a->up, a->right, forward);
    CHECK_NEAR(vec3_norm(a->up), 1.0, 1e-3);
    CHECK_NEAR(vec3_norm(a->right), 1.0, 1e-3);
    CHECK_NEAR(vec3_dot(a->up, a->right), 0.0, 1e-3);
    CHECK_NEAR(angle_between_deg(forward, a->forward), 0.0, 0.1);
}

/* ---- limbs ---- */

static void test_limb_axes_for_any_mount(void) {
    char context[32];
    for (int limb = 0; limb < 3; limb++) {
        for (int number = 0; number < MOUNTS; number++) {
            (void)snprintf(context, sizeof context, "%s, mount %d", LIMB_NAMES[limb], number);
            check_context = context;
            const mount m = mount_number(number);
            const alignment a = worn(LIMBS[limb], &m);
            check_orthonormal(&a);
            CHECK_NEAR(angle_between_deg(a.up, m.up), 0.0, 0.1);
            CHECK_NEAR(angle_between_deg(a.right, m.right), 0.0, 3.0);
            CHECK(a.confidence > ENOUGH);
            CHECK(a.confidence <= 1.0f);
            CHECK(a.standing_verified);
        }
    }
}

static void test_confidence_grows_with_cycles(void) {
    const mount m = mount_number(17);
    alignment a = fresh(SEGMENT_SHANK);
    CHECK_NEAR(a.confidence, 0.0, 0.0);
    stand(&a, &m, 0.0);
    CHECK_NEAR(a.confidence, 0.0, 0.0);
    first_steps(&a, &m);
    float last = 0.0f;
    for (int i = 0; i < 4; i++) {
        gait(&a, &m, 1);
        CHECK(a.confidence > last);
        last = a.confidence;
    }
    CHECK(last > ENOUGH);
}

/* Turned about every axis alike, a pod shows no medio-lateral one. */
static void test_no_axis_no_confidence(void) {
    const mount m = mount_number(3);
    const movement round = {-33.0, 30.0, 0.0, 30.0, 15.0};
    alignment a = fresh(SEGMENT_SHANK);
    stand(&a, &m, 0.0);
    move(&a, &m, &round);
    alignment_guess_axis(&a);
    for (int i = 0; i < 10; i++) {
        move(&a, &m, &round);
        alignment_close_cycle(&a);
    }
    CHECK(a.confidence < ENOUGH);
}

static void test_guess_needs_lively_movement(void) {
    const mount m = mount_number(5);
    const movement shuffling = {-5.0, 3.0, 0.0, 1.0, 1.0};
    alignment a = fresh(SEGMENT_SHANK);
    stand(&a, &m, 0.0);
    move(&a, &m, &shuffling);
    alignment_guess_axis(&a);
    CHECK(!a.has_axis);
    first_steps(&a, &m);
    CHECK(a.has_axis);
    CHECK_NEAR(angle_between_deg(a.right, m.right), 0.0, 10.0);
}

static void test_shank_and_foot_without_standing(void) {
    char context[32];
    for (int limb = 1; limb < 3; limb++) {
        for (int number = 0; number < MOUNTS; number++) {
            (void)snprintf(context, sizeof context, "%s, mount %d", LIMB_NAMES[limb], number);
            check_context = context;
            const mount m = mount_number(number);
            alignment a = fresh(LIMBS[limb]);
            first_steps(&a, &m);
            gait(&a, &m, 8);
            check_orthonormal(&a);
            CHECK(!a.has_standing);
            CHECK_NEAR(angle_between_deg(a.right, m.right), 0.0, 6.0);
            CHECK_NEAR(angle_between_deg(a.up, m.up), 0.0, 6.0);
            CHECK(a.confidence > ENOUGH);
        }
    }
}

/* A thigh swings forward and back alike: before another pod tells, there is no confidence. */
static void test_thigh_without_standing_waits_for_its_sign(void) {
    for (int number = 0; number < MOUNTS; number++) {
        const mount m = mount_number(number);
        alignment a = fresh(SEGMENT_THIGH);
        first_steps(&a, &m);
        CHECK(!alignment_wants_sign(&a));
        gait(&a, &m, 5);
        CHECK(alignment_wants_sign(&a));
        CHECK_NEAR(a.confidence, 0.0, 0.0);
        const int points_right = vec3_dot(a.right, m.right) > 0.0f;
        alignment_confirm_sign(&a, points_right);
        CHECK(!alignment_wants_sign(&a));
        CHECK(vec3_dot(a.right, m.right) > 0.0f);
        gait(&a, &m, 5);
        check_orthonormal(&a);
        CHECK_NEAR(angle_between_deg(a.right, m.right), 0.0, 3.0);
        CHECK_NEAR(angle_between_deg(a.up, m.up), 0.0, 3.0);
        CHECK(a.confidence > ENOUGH);
    }
}

static void test_a_wrong_sign_costs_all_confidence(void) {
    const mount m = mount_number(9);
    alignment a = worn(SEGMENT_THIGH, &m);
    alignment_confirm_sign(&a, 0);
    CHECK_NEAR(a.confidence, 0.0, 0.0);
    CHECK(vec3_dot(a.right, m.right) < 0.0f);
}

/* ---- standing ---- */

static void test_standing_again_is_averaged_in(void) {
    const mount m = mount_number(18);
    alignment a = worn(SEGMENT_THIGH, &m);
    stand(&a, &m, 8.0);
    const double once_deg = angle_between_deg(a.up, m.up);
    CHECK(once_deg > 1.0 && once_deg < 5.0);
    for (int i = 0; i < 20; i++) {
        stand(&a, &m, 8.0);
    }
    CHECK_NEAR(angle_between_deg(a.up, m.up), 8.0, 0.5);
    check_orthonormal(&a);
}

/* A seated runner's thighs are level, the shanks not: neither becomes a zero. */
static void test_sitting_is_not_standing(void) {
    const mount m = mount_number(20);
    const double seated_deg[] = {85.0, -30.0, -25.0};
    for (int limb = 0; limb < 3; limb++) {
        check_context = LIMB_NAMES[limb];
        alignment a = worn(LIMBS[limb], &m);
        for (int i = 0; i < 10; i++) {
            stand(&a, &m, seated_deg[limb]);
        }
        CHECK_NEAR(angle_between_deg(a.up, m.up), 0.0, 0.1);
        CHECK(a.has_candidate);
        gait(&a, &m, 5);
        CHECK_NEAR(angle_between_deg(a.up, m.up), 0.0, 0.1);
        CHECK(!a.has_candidate);
        CHECK(a.confidence > ENOUGH);
    }
}

/* Before gait has confirmed any, the latest pose counts: pods are put on sitting down. */
static void test_the_last_pose_before_the_first_run_counts(void) {
    const mount m = mount_number(21);
    alignment a = fresh(SEGMENT_THIGH);
    stand(&a, &m, 85.0);
    stand(&a, &m, 0.0);
    CHECK_NEAR(angle_between_deg(a.up, m.up), 0.0, 0.1);
}

/* Sat, then ran: the zero from sitting fits no gait, so nothing is claimed with it. */
static void test_a_seated_zero_is_not_believed(void) {
    const mount m = mount_number(22);
    alignment a = fresh(SEGMENT_THIGH);
    stand(&a, &m, 85.0);
    first_steps(&a, &m);
    gait(&a, &m, 8);
    CHECK(a.confidence < ENOUGH);
    CHECK(!a.standing_verified);
    stand(&a, &m, 0.0);
    gait(&a, &m, 8);
    CHECK_NEAR(angle_between_deg(a.up, m.up), 0.0, 0.1);
    CHECK_NEAR(angle_between_deg(a.right, m.right), 0.0, 3.0);
    CHECK(a.confidence > ENOUGH);
}

/* The pod slid round the shank while the runner stood: the old zero no longer fits gait, the new
 * pose does. */
static void test_a_shifted_pod_takes_the_new_standing(void) {
    mount m = mount_number(19);
    alignment a = worn(SEGMENT_SHANK, &m);
    const float axis[3] = {m.right[0], m.right[1], m.right[2]};
    turn_mount(&m, axis, 50.0 * PI / 180.0);
    stand(&a, &m, 0.0);
    CHECK(a.has_candidate);
    gait(&a, &m, 3); /* getting up from the ground is a cycle or two: four decide */
    CHECK(a.has_candidate);
    CHECK(a.confidence < ENOUGH);
    gait(&a, &m, 1);
    CHECK(!a.has_candidate);
    CHECK_NEAR(angle_between_deg(a.up, m.up), 0.0, 0.1);
    CHECK(a.confidence > ENOUGH);
    check_orthonormal(&a);
}

static void test_standing_without_force_says_nothing(void) {
    const mount m = mount_number(8);
    const float nothing[3] = {0, 0, 0};
    alignment a = fresh(SEGMENT_SHANK);
    alignment_standing(&a, nothing);
    CHECK(!a.has_standing);
    stand(&a, &m, 0.0);
    alignment_standing(&a, nothing);
    CHECK_NEAR(angle_between_deg(a.up, m.up), 0.0, 0.1);
}

/* ---- when it no longer sits as it did ---- */

static void test_lying_down_costs_confidence(void) {
    const mount m = mount_number(23);
    alignment a = worn(SEGMENT_SHANK, &m);
    const movement lying = {-100.0, 20.0, 5.0, 4.0, 3.0};
    move(&a, &m, &lying);
    alignment_close_other(&a);
    CHECK_NEAR(a.confidence, 0.0, 0.0);
    gait(&a, &m, 1);
    CHECK(a.confidence > ENOUGH);
}

static void test_other_movement_does_not_move_the_axes(void) {
    const mount m = mount_number(12);
    alignment a = worn(SEGMENT_SHANK, &m);
    const alignment before = a;
    const movement stretching = {-20.0, 5.0, 0.0, 30.0, 20.0};
    move(&a, &m, &stretching);
    alignment_close_other(&a);
    CHECK_NEAR(angle_between_deg(a.right, before.right), 0.0, 0.01);
    CHECK_NEAR(angle_between_deg(a.up, before.up), 0.0, 0.01);
}

/* A quarter turn about the limb: the swing is about what was forward. */
static void test_a_turned_pod_is_learnt_anew(void) {
    mount m = mount_number(16);
    alignment a = worn(SEGMENT_SHANK, &m);
    const float axis[3] = {m.up[0], m.up[1], m.up[2]};
    turn_mount(&m, axis, 0.5 * PI);
    gait(&a, &m, 3);
    CHECK(!a.has_axis);
    CHECK_NEAR(a.confidence, 0.0, 0.0);
    first_steps(&a, &m);
    gait(&a, &m, 8);
    CHECK_NEAR(angle_between_deg(a.right, m.right), 0.0, 3.0);
    CHECK(a.confidence > ENOUGH);
}

static void test_a_cycle_without_samples(void) {
    const mount m = mount_number(2);
    alignment a = worn(SEGMENT_SHANK, &m);
    const alignment before = a;
    alignment_close_cycle(&a);
    alignment_close_other(&a);
    CHECK_NEAR(a.cycles, before.cycles, 0.0);
    CHECK_NEAR(a.confidence, before.confidence, 0.0);
    alignment_guess_axis(&a);
    CHECK_NEAR(angle_between_deg(a.right, before.right), 0.0, 0.01);
}

/* ---- trunk ---- */

/* Two bounces a stride; the body accelerates while it rises. */
static void trunk_cycle(alignment *a, const mount *m, double bounce_mps2, double push_mps2) {
    const double turn = 4.0 * PI / (SAMPLES * (double)DT_S);
    for (int i = 0; i < SAMPLES; i++) {
        const double phase = 4.0 * PI * (double)i / SAMPLES;
        const double vertical = (double)G - bounce_mps2 * cos(phase);
        const double forward = -push_mps2 * sin(phase); /* vertical speed: -sin */
        float acc[3] = {0, 0, 0}, rates[3] = {0, 0, 0};
        vec3_add_scaled(acc, m->up, (float)vertical);
        vec3_add_scaled(acc, m->forward, (float)forward);
        vec3_add_scaled(acc, m->right, (float)(2.0 * cos(0.5 * phase)));
        vec3_add_scaled(rates, m->up, (float)(0.02 * turn * cos(0.5 * phase)));
        alignment_step(a, rates, vec3_dot(rates, a->right), m->up, acc, (float)vertical, DT_S);
    }
    alignment_close_cycle(a);
}

static void test_trunk_axes_for_any_mount(void) {
    char context[48];
    for (int standing = 0; standing < 2; standing++) {
        for (int number = 0; number < MOUNTS; number++) {
            (void)snprintf(context, sizeof context, "standing %d, mount %d", standing, number);
            check_context = context;
            const mount m = mount_number(number);
            alignment a = fresh(SEGMENT_TRUNK);
            if (standing) {
                stand(&a, &m, 0.0);
            }
            for (int i = 0; i < 12; i++) {
                trunk_cycle(&a, &m, 14.0, 3.0);
            }
            check_orthonormal(&a);
            CHECK_NEAR(angle_between_deg(a.right, m.right), 0.0, 6.0);
            CHECK_NEAR(angle_between_deg(a.up, m.up), 0.0, standing ? 0.1 : 6.0);
            CHECK(a.confidence > ENOUGH);
        }
    }
}

/* In walking the body brakes while it rises: taken for running, forward would be back. */
static void test_walking_does_not_turn_the_trunk(void) {
    const mount m = mount_number(17);
    alignment a = fresh(SEGMENT_TRUNK);
    stand(&a, &m, 0.0);
    for (int i = 0; i < 12; i++) {
        trunk_cycle(&a, &m, 14.0, 3.0);
    }
    for (int i = 0; i < 60; i++) {
        trunk_cycle(&a, &m, 3.0, -1.5);
    }
    CHECK_NEAR(angle_between_deg(a.right, m.right), 0.0, 6.0);
}

static void test_walking_alone_leaves_the_trunk_unsure(void) {
    const mount m = mount_number(6);
    alignment a = fresh(SEGMENT_TRUNK);
    stand(&a, &m, 0.0);
    for (int i = 0; i < 12; i++) {
        trunk_cycle(&a, &m, 3.0, -1.5);
    }
    CHECK(a.confidence < ENOUGH);
}

int main(void) {
    RUN(test_limb_axes_for_any_mount);
    RUN(test_confidence_grows_with_cycles);
    RUN(test_no_axis_no_confidence);
    RUN(test_guess_needs_lively_movement);
    RUN(test_shank_and_foot_without_standing);
    RUN(test_thigh_without_standing_waits_for_its_sign);
    RUN(test_a_wrong_sign_costs_all_confidence);
    RUN(test_standing_again_is_averaged_in);
    RUN(test_sitting_is_not_standing);
    RUN(test_the_last_pose_before_the_first_run_counts);
    RUN(test_a_seated_zero_is_not_believed);
    RUN(test_a_shifted_pod_takes_the_new_standing);
    RUN(test_standing_without_force_says_nothing);
    RUN(test_lying_down_costs_confidence);
    RUN(test_other_movement_does_not_move_the_axes);
    RUN(test_a_turned_pod_is_learnt_anew);
    RUN(test_a_cycle_without_samples);
    RUN(test_trunk_axes_for_any_mount);
    RUN(test_walking_does_not_turn_the_trunk);
    RUN(test_walking_alone_leaves_the_trunk_unsure);
    return check_report();
}
