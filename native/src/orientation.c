#include "orientation.h"

#include <string.h>

#include "units.h"
#include "vec3.h"

/* Windows of 0.5 s: the bias follows temperature over 10 s of rest. */
enum { MAX_RESTS = 20 };

/* After a loss the vertical can be used again after TRUSTED_CYCLES. From SETTLED_CYCLES on one
 * cycle counts for no more than MAX_ERROR: what looks like more is the runner speeding up or
 * braking, since no gyroscope drifts that far in a stride. */
enum { TRUSTED_CYCLES = 4, SETTLED_CYCLES = 5 };
static const float MAX_ERROR_RAD = 0.035f;

/* What errors have beyond that, cycle after cycle, adding up to this: the vertical is lost after
 * all. A start to 5 m/s with 2.5 m/s^2 is 3 strides of 0.25 rad. */
static const float MAX_STRAIN_RAD = 1.5f;

/* Of gravity: the accelerometer's own errors, and a shock clipped or missed. */
static const float FORCE_TOLERANCE = 0.15f;

/* The specific force is summed every second sample; the correction, less than 0.01 degrees a
 * sample, is applied less often, and rounding kept from changing the quaternion's length. */
enum { SUM_EVERY = 2, STEER_EVERY = 8 };

/* Without rest the bias is learnt in motion: fast for so many cycles, while errors of any size
 * count, and then slowly. */
enum { WARY_CYCLES = 15 };
static const float WARY_BIAS_TIME_S = 6.0f; /* twice the tilt's: damped by 0.7 */

/* An angular rate no sensor shows as bias: 10 deg/s. */
static const float MAX_BIAS_RPS = 0.175f;

/* At rest two verticals apart by more than this (25 degrees) are no error to be steered away. */
static const float SAME_POSE_COS = 0.9f;

orientation_settings orientation_default_settings(void) {
    /* 3 s: four strides, the choice of VQF (tau_acc); the bias changes over minutes. */
    return (orientation_settings){.tilt_time_s = 3.0f, .bias_time_s = 30.0f};
}

/* The row of the rotation matrix that shows up. */
static void refresh_up(orientation *o) {
    const float w = o->quaternion[0], x = o->quaternion[1], y = o->quaternion[2],
                z = o->quaternion[3];
    o->up[0] = 2.0f * (x * z - w * y);
    o->up[1] = 2.0f * (y * z + w * x);
    o->up[2] = 1.0f - 2.0f * (x * x + y * y);
}

/* From the sensor's frame into the world. */
static void to_world(const orientation *o, const float in[3], float out[3]) {
    const float w = o->quaternion[0], *axis = &o->quaternion[1];
    float once[3], twice[3];
    vec3_cross(axis, in, once);
    vec3_scale(once, 2.0f);
    vec3_cross(axis, once, twice);
    for (int i = 0; i < 3; i++) {
        out[i] = in[i] + w * once[i] + twice[i];
    }
}

/* From the world into the sensor's frame. */
static void to_sensor(const orientation *o, const float in[3], float out[3]) {
    orientation back;
    back.quaternion[0] = -o->quaternion[0];
    back.quaternion[1] = o->quaternion[1];
    back.quaternion[2] = o->quaternion[2];
    back.quaternion[3] = o->quaternion[3];
    to_world(&back, in, out);
}

void orientation_init(orientation *o, const orientation_settings *settings) {
    memset(o, 0, sizeof *o);
    o->settings = *settings;
    o->quaternion[0] = 1.0f;
    refresh_up(o);
    o->partial = 1;
    o->wary_cycles = WARY_CYCLES;
}

/* q = q x turn: a turn of the sensor by the rotation vector (rad) in its own frame. Sine and cosine
 * of half the angle to the fourth order: 1e-6 at 20 degrees a sample. */
static void turn(orientation *o, const float angle[3]) {
    const float square = vec3_dot(angle, angle);
    const float c = 1.0f - square * (1.0f / 8.0f - square * (1.0f / 384.0f));
    const float s = 0.5f - square * (1.0f / 48.0f);
    const float a = s * angle[0], b = s * angle[1], d = s * angle[2];
    const float w = o->quaternion[0], x = o->quaternion[1], y = o->quaternion[2],
                z = o->quaternion[3];
    const float nw = w * c - x * a - y * b - z * d;
    const float nx = w * a + x * c + y * d - z * b;
    const float ny = w * b + y * c + z * a - x * d;
    const float nz = w * d + z * c + x * b - y * a;
    o->quaternion[0] = nw;
    o->quaternion[1] = nx;
    o->quaternion[2] = ny;
    o->quaternion[3] = nz;
}

/* One Newton step towards length 1. Rates beyond any sensor's range can break the series of turn():
 * then the orientation begins anew. */
static void normalise(orientation *o) {
    float *q = o->quaternion;
    const float square = q[0] * q[0] + q[1] * q[1] + q[2] * q[2] + q[3] * q[3];
    if (!(square > 0.5f && square < 2.0f)) {
        const float none[4] = {1.0f, 0.0f, 0.0f, 0.0f};
        memcpy(q, none, sizeof none);
        o->started = 0;
        orientation_disturbed(o);
        return;
    }
    const float scale = 1.5f - 0.5f * square;
    for (int i = 0; i < 4; i++) {
        q[i] *= scale;
    }
}

/* q = turn x q: a turn of the sensor in the world about a level axis; cosine of half the angle, and
 * sine of half the angle times the axis' x and y. */
static void turn_in_world(orientation *o, float c, float a, float b) {
    const float w = o->quaternion[0], x = o->quaternion[1], y = o->quaternion[2],
                z = o->quaternion[3];
    o->quaternion[0] = c * w - a * x - b * y;
    o->quaternion[1] = c * x + a * w + b * z;
    o->quaternion[2] = c * y - a * z + b * w;
    o->quaternion[3] = c * z + a * y - b * x;
    refresh_up(o);
}

/* Turns the sensor in the world, the shortest way, so that the given unit vector of the world
 * becomes its up. */
static void set_up(orientation *o, const float real_up[3]) {
    float half[3] = {1.0f + real_up[2], real_up[1], -real_up[0]};
    if (half[0] < 1e-6f) { /* upside down: half a turn about any level axis */
        half[0] = 0.0f;
        half[1] = 1.0f;
        half[2] = 0.0f;
    }
    (void)vec3_normalise(half);
    turn_in_world(o, half[0], half[1], half[2]);
}

static void set_up_from_force(orientation *o, const float acc_mps2[3]) {
    float real_up[3];
    to_world(o, acc_mps2, real_up);
    if (vec3_normalise(real_up)) {
        set_up(o, real_up);
    }
}

static void stop_steering(orientation *o) {
    o->steer_rps[0] = o->steer_rps[1] = 0.0f;
    o->steer_left_s = 0.0f;
}

/* Applies the correction for the time since it last was; it ends by itself. */
static void apply_steering(orientation *o, float since_s) {
    const float time_s = fminf(since_s, o->steer_left_s);
    const float world[3] = {o->steer_rps[0] * time_s, o->steer_rps[1] * time_s, 0.0f};
    float sensor[3];
    to_sensor(o, world, sensor);
    turn_in_world(o, 1.0f, 0.5f * world[0], 0.5f * world[1]);
    vec3_add_scaled(o->steered_rad, sensor, 1.0f);
    o->steer_left_s -= time_s;
    if (o->steer_left_s <= 0.0f) {
        stop_steering(o);
    }
}

static void sum_force(orientation *o, const float acc_mps2[3]) {
    float force[3];
    to_world(o, acc_mps2, force);
    vec3_add_scaled(o->force_sum, force, 1.0f);
    o->force_samples++;
}

float orientation_step(orientation *restrict o, const float *restrict acc_mps2,
                       const float *restrict gyr_rps, float dt_s, float *restrict rate_rps) {
    if (!o->started) {
        set_up_from_force(o, acc_mps2);
        vec3_copy(gyr_rps, o->previous_rps);
        o->started = 1;
    }
    float angle[3];
    for (int i = 0; i < 3; i++) {
        rate_rps[i] = gyr_rps[i] - o->bias_rps[i];
        angle[i] = dt_s * (0.5f * (gyr_rps[i] + o->previous_rps[i]) - o->bias_rps[i]);
        o->previous_rps[i] = gyr_rps[i];
    }
    turn(o, angle);
    refresh_up(o);
    if (++o->samples % SUM_EVERY == 0) {
        sum_force(o, acc_mps2);
        if (o->samples % STEER_EVERY == 0) {
            normalise(o);
            apply_steering(o, STEER_EVERY * dt_s);
        }
    }
    return vec3_dot(acc_mps2, o->up);
}

static void clear_sums(orientation *o) {
    memset(o->force_sum, 0, sizeof o->force_sum);
    o->force_samples = 0;
}

static void limit_bias(orientation *o) {
    const float norm = vec3_norm(o->bias_rps);
    if (norm > MAX_BIAS_RPS) {
        vec3_scale(o->bias_rps, MAX_BIAS_RPS / norm);
    }
}

/* What has to be steered against cycle after cycle is bias. */
static void learn_bias(orientation *o, float cycle_s) {
    const float time_s = o->wary_cycles > 0 ? WARY_BIAS_TIME_S : o->settings.bias_time_s;
    const float share = fminf(0.3f, cycle_s / time_s);
    vec3_add_scaled(o->bias_rps, o->steered_rad, -share / cycle_s);
    limit_bias(o);
}

/* The n-th cycle after a loss weighs 1 / n, which is their mean; in steady gait the time constant
 * rules. */
static float tilt_gain(const orientation *o, float cycle_s) {
    return fminf(1.0f, fmaxf(cycle_s / o->settings.tilt_time_s, 1.0f / (float)(o->cycles + 1)));
}

/* Steers the mean tilt of the cycle away; once settled, of a large one only a part, unless it
 * stays. */
static void follow(orientation *o, float cycle_s) {
    const float x = o->force_sum[0], y = o->force_sum[1];
    const float level = sqrtf(x * x + y * y);
    const float angle = atan2f(level, o->force_sum[2]);
    const int strained =
        o->cycles >= SETTLED_CYCLES && o->wary_cycles == 0 && angle > MAX_ERROR_RAD;
    o->strain_rad = strained ? o->strain_rad + angle - MAX_ERROR_RAD : 0.0f;
    if (o->cycles >= TRUSTED_CYCLES) {
        learn_bias(o, cycle_s);
        o->wary_cycles -= o->wary_cycles > 0;
    }
    memset(o->steered_rad, 0, sizeof o->steered_rad);
    const float turn_rad = tilt_gain(o, cycle_s) * (strained ? MAX_ERROR_RAD : angle);
    /* the true up leans towards (x, y): turn the sensor in the world about (y, -x) */
    const float rate = level > 0.0f ? turn_rad / (level * cycle_s) : 0.0f;
    o->steer_rps[0] = rate * y;
    o->steer_rps[1] = -rate * x;
    o->steer_left_s = cycle_s;
}

static void find_again(orientation *o) {
    float real_up[3];
    vec3_copy(o->force_sum, real_up);
    stop_steering(o);
    if (vec3_normalise(real_up)) {
        set_up(o, real_up);
    }
}

/* Over whole cycles the mean specific force is as large as gravity; over a part it is not. */
static int is_whole_cycle(const orientation *o) {
    const float mean_g = vec3_norm(o->force_sum) / ((float)o->force_samples * GRAVITY_MPS2);
    return fabsf(mean_g - 1.0f) < FORCE_TOLERANCE;
}

void orientation_close_cycle(orientation *o, float cycle_s) {
    if (o->cycles >= SETTLED_CYCLES && o->force_samples > 0 && !is_whole_cycle(o)) {
        memset(o->steered_rad, 0, sizeof o->steered_rad);
        clear_sums(o);
        return;
    }
    if (o->partial || o->force_samples == 0 || !(cycle_s > 0.0f)) {
        o->partial = 0;
        clear_sums(o);
        return;
    }
    if (o->cycles == 0) {
        find_again(o);
    } else {
        follow(o, cycle_s);
    }
    o->cycles += o->cycles < 100;
    if (o->strain_rad > MAX_STRAIN_RAD) {
        o->cycles = 0;
        o->strain_rad = 0.0f;
        o->wary_cycles = WARY_CYCLES;
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
    clear_sums(o);
    to_world(o, mean_acc_mps2, o->force_sum);
    if (o->force_sum[2] < SAME_POSE_COS * vec3_norm(mean_acc_mps2)) {
        set_up_from_force(o, mean_acc_mps2);
    } else {
        o->cycles = 1; /* a gain of one half, and no limit */
        follow(o, window_s);
    }
    o->cycles = SETTLED_CYCLES;
    o->wary_cycles = 0;
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
