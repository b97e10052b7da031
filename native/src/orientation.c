#include "orientation.h"

#include <string.h>

#include "vec3.h"

/* Windows of 0.5 s: the bias follows temperature over 10 s of rest. */
enum { MAX_RESTS = 20 };

/* After a loss the vertical can be used again after TRUSTED_CYCLES. From SETTLED_CYCLES on one cycle counts for no more
 * than MAX_ERROR: what looks like more is the runner speeding up or braking, since no gyroscope drifts that far in a
 * stride. */
enum { TRUSTED_CYCLES = 2, SETTLED_CYCLES = 5 };
static const float MAX_ERROR_RAD = 0.035f;

/* What errors have beyond that, cycle after cycle, adding up to this: the vertical is lost after all. A start to 5 m/s
 * with 2.5 m/s^2 is 3 strides of 0.25 rad. */
static const float MAX_STRAIN_RAD = 1.5f;

/* An angular rate no sensor shows as bias: 10 deg/s. */
static const float MAX_BIAS_RPS = 0.175f;

/* At rest two verticals apart by more than this (25 degrees) are no error to be steered away. */
static const float SAME_POSE_COS = 0.9f;

orientation_settings orientation_default_settings(void) {
    /* 3 s: four strides, the choice of VQF (tau_acc); the bias changes over minutes. */
    return (orientation_settings){.tilt_time_s = 3.0f, .bias_time_s = 30.0f};
}

/* The rows of the rotation matrix. */
static void set_axes(orientation *o) {
    const float w = o->quaternion[0], x = o->quaternion[1], y = o->quaternion[2], z = o->quaternion[3];
    const float x2 = x + x, y2 = y + y, z2 = z + z;
    const float xx = x * x2, yy = y * y2, zz = z * z2, xy = x * y2, xz = x * z2, yz = y * z2;
    const float wx = w * x2, wy = w * y2, wz = w * z2;
    o->east[0] = 1.0f - yy - zz;
    o->east[1] = xy - wz;
    o->east[2] = xz + wy;
    o->north[0] = xy + wz;
    o->north[1] = 1.0f - xx - zz;
    o->north[2] = yz - wx;
    o->up[0] = xz - wy;
    o->up[1] = yz + wx;
    o->up[2] = 1.0f - xx - yy;
}

void orientation_init(orientation *o, const orientation_settings *settings) {
    memset(o, 0, sizeof *o);
    o->settings = *settings;
    o->quaternion[0] = 1.0f;
    set_axes(o);
    o->partial = 1;
}

/* q = q x turn: a turn of the sensor by the rotation vector (rad) in its own frame. Sine and cosine of half the angle to
 * the fourth order: 1e-6 at 20 degrees a sample; one Newton step keeps the length at 1. */
static void turn(orientation *o, const float angle[3]) {
    const float square = vec3_dot(angle, angle);
    const float c = 1.0f - square * (1.0f / 8.0f - square * (1.0f / 384.0f));
    const float s = 0.5f - square * (1.0f / 48.0f);
    const float a = s * angle[0], b = s * angle[1], d = s * angle[2];
    const float w = o->quaternion[0], x = o->quaternion[1], y = o->quaternion[2], z = o->quaternion[3];
    const float nw = w * c - x * a - y * b - z * d;
    const float nx = w * a + x * c + y * d - z * b;
    const float ny = w * b + y * c + z * a - x * d;
    const float nz = w * d + z * c + x * b - y * a;
    const float scale = 1.5f - 0.5f * (nw * nw + nx * nx + ny * ny + nz * nz);
    o->quaternion[0] = nw * scale;
    o->quaternion[1] = nx * scale;
    o->quaternion[2] = ny * scale;
    o->quaternion[3] = nz * scale;
}

/* The shortest turn of the sensor that brings the world's up to where it really is: `real_up`, a unit vector along the
 * present east, north, up. */
static void set_up(orientation *o, const float real_up[3]) {
    /* half-way quaternion in the world, applied from the left */
    float h[4] = {1.0f + real_up[2], real_up[1], -real_up[0], 0.0f};
    if (h[0] < 1e-3f) { /* upside down: any half turn about a horizontal axis */
        h[0] = 0.0f;
        h[1] = 1.0f;
        h[2] = 0.0f;
    }
    const float norm = 1.0f / sqrtf(h[0] * h[0] + h[1] * h[1] + h[2] * h[2]);
    const float c = h[0] * norm, a = h[1] * norm, b = h[2] * norm;
    const float w = o->quaternion[0], x = o->quaternion[1], y = o->quaternion[2], z = o->quaternion[3];
    o->quaternion[0] = c * w - a * x - b * y;
    o->quaternion[1] = c * x + a * w + b * z;
    o->quaternion[2] = c * y - a * z + b * w;
    o->quaternion[3] = c * z + a * y - b * x;
    set_axes(o);
}

static void set_up_from_force(orientation *o, const float acc_mps2[3]) {
    float real_up[3] = {vec3_dot(acc_mps2, o->east), vec3_dot(acc_mps2, o->north),
                        vec3_dot(acc_mps2, o->up)};
    if (vec3_normalise(real_up)) {
        set_up(o, real_up);
    }
}

static void stop_steering(orientation *o) {
    o->steer_rps[0] = o->steer_rps[1] = 0.0f;
    o->steer_left_s = 0.0f;
}

/* The correction as an angular rate of the sensor in its own frame; it ends by itself. */
static void add_steering(orientation *o, float angle[3], float dt_s) {
    float part[3] = {0.0f, 0.0f, 0.0f};
    vec3_add_scaled(part, o->east, o->steer_rps[0] * dt_s);
    vec3_add_scaled(part, o->north, o->steer_rps[1] * dt_s);
    vec3_add_scaled(angle, part, 1.0f);
    vec3_add_scaled(o->steered_rad, part, 1.0f);
    o->steer_left_s -= dt_s;
    if (o->steer_left_s <= 0.0f) {
        stop_steering(o);
    }
}

float orientation_step(orientation *o, const float acc_mps2[3], const float gyr_rps[3], float dt_s,
                       float rate_rps[3]) {
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
    if (o->steer_left_s > 0.0f) {
        add_steering(o, angle, dt_s);
    }
    turn(o, angle);
    set_axes(o);
    const float vertical_mps2 = vec3_dot(acc_mps2, o->up);
    o->force_sum[0] += vec3_dot(acc_mps2, o->east);
    o->force_sum[1] += vec3_dot(acc_mps2, o->north);
    o->force_sum[2] += vertical_mps2;
    o->force_samples++;
    return vertical_mps2;
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
    const float share = fminf(0.1f, cycle_s / o->settings.bias_time_s);
    vec3_add_scaled(o->bias_rps, o->steered_rad, -share / cycle_s);
    limit_bias(o);
}

/* The n-th cycle after a loss weighs 1 / n, which is their mean; in steady gait the time constant rules. */
static float tilt_gain(const orientation *o, float cycle_s) {
    return fminf(1.0f, fmaxf(cycle_s / o->settings.tilt_time_s, 1.0f / (float)(o->cycles + 1)));
}

/* Steers the mean tilt of the cycle away; once settled, of a large one only a part, unless it stays. */
static void follow(orientation *o, float cycle_s) {
    const float east = o->force_sum[0], north = o->force_sum[1];
    const float level = sqrtf(east * east + north * north);
    const float angle = atan2f(level, o->force_sum[2]);
    const int settled = o->cycles >= SETTLED_CYCLES;
    const int strained = settled && angle > MAX_ERROR_RAD;
    o->strain_rad = strained ? o->strain_rad + angle - MAX_ERROR_RAD : 0.0f;
    if (settled) {
        learn_bias(o, cycle_s);
    }
    memset(o->steered_rad, 0, sizeof o->steered_rad);
    const float turn_rad = tilt_gain(o, cycle_s) * (strained ? MAX_ERROR_RAD : angle);
    /* up leans towards (east, north): turn the sensor in the world about (north, -east) */
    const float rate = level > 0.0f ? turn_rad / (level * cycle_s) : 0.0f;
    o->steer_rps[0] = rate * north;
    o->steer_rps[1] = -rate * east;
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

void orientation_close_cycle(orientation *o, float cycle_s) {
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
    o->force_sum[0] = vec3_dot(mean_acc_mps2, o->east);
    o->force_sum[1] = vec3_dot(mean_acc_mps2, o->north);
    o->force_sum[2] = vec3_dot(mean_acc_mps2, o->up);
    if (o->force_sum[2] < SAME_POSE_COS * vec3_norm(mean_acc_mps2)) {
        set_up_from_force(o, mean_acc_mps2);
    } else {
        o->cycles = 1; /* a gain of one half, and no limit */
        follow(o, window_s);
    }
    o->cycles = SETTLED_CYCLES;
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
