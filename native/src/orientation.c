#include "orientation.h"

#include <stddef.h>
#include <string.h>

#include "vec3.h"

/* Windows of 0.5 s: the bias follows temperature over 10 s of rest. */
enum { MAX_RESTS = 20 };

/* After a loss the vertical can be used again after TRUSTED_CYCLES. From SETTLED_CYCLES on one cycle counts for no more
 * than MAX_ERROR: what looks like more is the runner speeding up or braking, since no gyroscope drifts that far in a
 * stride. */
enum { TRUSTED_CYCLES = 3, SETTLED_CYCLES = 5 };
static const float MAX_ERROR_RAD = 0.035f;

/* What errors have beyond that, cycle after cycle, adding up to this: the vertical is lost after all. A start to 5 m/s
 * with 2.5 m/s^2 is 3 strides of 0.25 rad. */
static const float MAX_STRAIN_RAD = 1.5f;

/* An angular rate no sensor shows as bias: 10 deg/s. */
static const float MAX_BIAS_RPS = 0.175f;

/* At rest two specific forces apart by more than this (25 degrees) are no error to be steered away. */
static const float SAME_POSE_COS = 0.9f;

orientation_settings orientation_default_settings(void) {
    /* 3 s: four strides, the choice of VQF (tau_acc); the bias changes over minutes. */
    return (orientation_settings){.tilt_time_s = 3.0f, .bias_time_s = 30.0f};
}

void orientation_init(orientation *o, const orientation_settings *settings) {
    memset(o, 0, sizeof *o);
    o->settings = *settings;
    o->up[2] = 1.0f;
    o->partial = 1;
}

static void start(orientation *o, const float acc_mps2[3], const float gyr_rps[3]) {
    float up[3];
    vec3_copy(acc_mps2, up);
    if (vec3_normalise(up)) {
        vec3_copy(up, o->up);
        vec3_copy(gyr_rps, o->previous_rps);
        o->started = 1;
    }
}

static void steer(orientation *o, const float error[3], float share, float time_s) {
    vec3_copy(error, o->steer_rps);
    vec3_scale(o->steer_rps, share / time_s);
    o->steer_left_s = time_s;
}

static void stop_steering(orientation *o) { memset(o->steer_rps, 0, sizeof o->steer_rps); }

/* Turns the vertical, fixed in the world, as seen from a frame that turns by the given angle (rad):
 * Rodrigues' formula with sine and cosine to the fourth order, 4e-6 rad at 20 degrees a sample. */
static void turn(float up[3], const float angle[3]) {
    float first[3], second[3];
    vec3_cross(up, angle, first);
    vec3_cross(first, angle, second);
    const float square = vec3_dot(angle, angle);
    vec3_add_scaled(up, first, 1.0f - square * (1.0f / 6.0f));
    vec3_add_scaled(up, second, 0.5f - square * (1.0f / 24.0f));
    vec3_scale(up, 1.5f - 0.5f * vec3_dot(up, up)); /* one Newton step towards length 1 */
}

float orientation_step(orientation *o, const float acc_mps2[3], const float gyr_rps[3], float dt_s,
                       float rate_rps[3]) {
    if (!o->started) {
        start(o, acc_mps2, gyr_rps);
    }
    float angle[3], error[3];
    for (int i = 0; i < 3; i++) {
        const float between = 0.5f * (gyr_rps[i] + o->previous_rps[i]);
        angle[i] = (between - o->bias_rps[i] + o->steer_rps[i]) * dt_s;
        rate_rps[i] = gyr_rps[i] - o->bias_rps[i];
        o->previous_rps[i] = gyr_rps[i];
    }
    turn(o->up, angle);
    o->steer_left_s -= dt_s;
    if (o->steer_left_s <= 0.0f) {
        stop_steering(o);
    }
    vec3_cross(acc_mps2, o->up, error);
    vec3_add_scaled(o->error, error, 1.0f);
    vec3_add_scaled(o->force, acc_mps2, 1.0f);
    const float vertical_mps2 = vec3_dot(acc_mps2, o->up);
    o->upward += vertical_mps2;
    o->error_samples++;
    return vertical_mps2;
}

static void clear_sums(orientation *o) {
    memset(o->error, 0, sizeof o->error);
    memset(o->force, 0, sizeof o->force);
    o->upward = 0.0f;
    o->error_samples = 0;
}

static void limit_bias(orientation *o) {
    const float norm = vec3_norm(o->bias_rps);
    if (norm > MAX_BIAS_RPS) {
        vec3_scale(o->bias_rps, MAX_BIAS_RPS / norm);
    }
}

/* Mean tilt error of the cycle as a rotation vector, rad: its sine and cosine are the two sums. Returns its size. */
static float mean_error(const orientation *o, float error[3]) {
    vec3_copy(o->error, error);
    const float sine = vec3_norm(error);
    const float angle = atan2f(sine, o->upward);
    vec3_scale(error, sine > 0.0f ? angle / sine : 0.0f);
    return angle;
}

/* A segment that swings about a known axis: the mean specific force along the axis is the vertical's part along it, and
 * the turn about it that brings the rest of the vertical to the mean specific force is given by sine and cosine. */
static void find_about_axis(orientation *o, const float axis[3]) {
    const float force_along = vec3_dot(o->force, axis), up_along = vec3_dot(o->up, axis);
    const float angle =
        atan2f(vec3_dot(o->error, axis), o->upward - force_along * up_along);
    float across[3], aside[3];
    vec3_copy(o->up, across);
    vec3_reject(across, axis);
    if (!vec3_normalise(across)) {
        return;
    }
    vec3_cross(across, axis, aside);
    vec3_scale(across, cosf(angle));
    vec3_add_scaled(across, aside, sinf(angle));
    const float mean_along = force_along / ((float)o->error_samples * ORIENTATION_GRAVITY_MPS2);
    const float along = fmaxf(-0.9f, fminf(0.9f, mean_along));
    vec3_scale(across, sqrtf(1.0f - along * along));
    vec3_add_scaled(across, axis, along);
    vec3_copy(across, o->up);
}

/* A segment that hardly turns: the mean error is the whole error. */
static void find_by_mean(orientation *o) {
    float error[3];
    const float angle = mean_error(o, error);
    const int parts = 1 + (int)(angle / 0.2f); /* turn() is for small angles */
    vec3_scale(error, 1.0f / (float)parts);
    for (int i = 0; i < parts; i++) {
        turn(o->up, error);
    }
}

static void find_again(orientation *o, const float *swing_axis) {
    stop_steering(o);
    if (swing_axis != NULL) {
        find_about_axis(o, swing_axis);
    } else {
        find_by_mean(o);
    }
}

/* What has to be steered against cycle after cycle is bias. */
static void learn_bias(orientation *o, float cycle_s) {
    vec3_add_scaled(o->bias_rps, o->steer_rps, -fminf(0.1f, cycle_s / o->settings.bias_time_s));
    limit_bias(o);
}

/* The n-th cycle after a loss weighs 1 / n, which is their mean; in steady gait the time constant rules. */
static float tilt_gain(const orientation *o, float cycle_s) {
    return fminf(1.0f, fmaxf(cycle_s / o->settings.tilt_time_s, 1.0f / (float)(o->cycles + 1)));
}

/* Steers the error away; once settled, of a large one only a part, unless it stays. */
static void follow(orientation *o, float cycle_s) {
    float error[3];
    const int settled = o->cycles >= SETTLED_CYCLES;
    const float angle = mean_error(o, error);
    const int strained = settled && angle > MAX_ERROR_RAD;
    o->strain_rad = strained ? o->strain_rad + angle - MAX_ERROR_RAD : 0.0f;
    if (strained) {
        vec3_scale(error, MAX_ERROR_RAD / angle);
    }
    steer(o, error, tilt_gain(o, cycle_s), cycle_s);
    if (settled) {
        learn_bias(o, cycle_s);
    }
}

void orientation_close_cycle(orientation *o, float cycle_s, const float *swing_axis) {
    if (o->partial || o->error_samples == 0 || !(cycle_s > 0.0f)) {
        o->partial = 0;
        clear_sums(o);
        return;
    }
    if (o->cycles == 0) {
        find_again(o, swing_axis);
    } else {
        follow(o, cycle_s);
    }
    o->cycles += o->cycles < 100;
    if (o->strain_rad > MAX_STRAIN_RAD) {
        o->cycles = 0;
        o->strain_rad = 0.0f;
    }
    clear_sums(o);
}

void orientation_close_rest(orientation *o, const float mean_acc_mps2[3],
                            const float mean_gyr_rps[3], float window_s) {
    o->rests += o->rests < MAX_RESTS;
    const float weight = 1.0f / (float)o->rests;
    for (int i = 0; i < 3; i++) {
        o->bias_rps[i] += weight * (mean_gyr_rps[i] - o->bias_rps[i]);
    }
    limit_bias(o);
    float up[3], error[3];
    vec3_copy(mean_acc_mps2, up);
    if (vec3_normalise(up)) {
        if (vec3_dot(up, o->up) < SAME_POSE_COS) {
            vec3_copy(up, o->up);
        }
        vec3_cross(up, o->up, error);
        steer(o, error, 0.5f, window_s);
        o->cycles = o->cycles < SETTLED_CYCLES ? SETTLED_CYCLES : o->cycles;
        o->strain_rad = 0.0f;
    }
    o->partial = 0;
    clear_sums(o);
}

void orientation_drop_cycle(orientation *o) {
    o->partial = 1;
    clear_sums(o);
}

void orientation_disturbed(orientation *o) {
    o->cycles = 0;
    o->strain_rad = 0.0f;
    stop_steering(o);
    orientation_drop_cycle(o);
}

int orientation_is_settled(const orientation *o) { return o->cycles >= TRUSTED_CYCLES; }
