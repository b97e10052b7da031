#include "check.h"
#include "orientation.h"
#include "rotate.h"
#include "units.h"
#include "vec3.h"

static const float G = GRAVITY_MPS2;
static const double PI = 3.14159265358979;
enum { RATE_HZ = 208 };
static const float DT_S = 1.0f / RATE_HZ;
enum { STRIDE_SAMPLES = 144 };
static const float STRIDE_S = (float)STRIDE_SAMPLES / RATE_HZ;

static float degrees(double radians) { return (float)(radians * 180.0 / PI); }
static float radians(double degrees) { return (float)(degrees * PI / 180.0); }

static double angle_between_deg(const float a[3], const float b[3]) {
    float across[3];
    vec3_cross(a, b, across);
    return (double)degrees(atan2((double)vec3_norm(across), (double)vec3_dot(a, b)));
}

/* A sensor that swings about one axis of its own, under whatever the body does. */
typedef struct {
    float up[3], ahead[3], axis[3]; /* at angle zero, in the sensor's frame; axis level */
    double angle;                   /* rad, turned about the axis */
    double time_s;
    double swing_rad;   /* amplitude, once a stride */
    double bounce_mps2; /* amplitude, twice a stride */
    double push_mps2;   /* lasting forward acceleration */
    float gyr_bias_rps[3];
} swinging;

/* Mounted at any angle. */
static swinging mounted(double turn_x, double turn_y) {
    const float x[3] = {1, 0, 0}, y[3] = {0, 1, 0}, z[3] = {0, 0, 1};
    swinging s = {.angle = 0.0};
    float once[3];
    turned(z, x, turn_x, once);
    turned(once, y, turn_y, s.up);
    turned(x, x, turn_x, once);
    turned(once, y, turn_y, s.ahead);
    vec3_cross(s.up, s.ahead, s.axis);
    return s;
}

static void true_up(const swinging *s, float up[3]) { turned(s->up, s->axis, -s->angle, up); }

static void step(swinging *s, orientation *o) {
    const double turn = 2.0 * PI / (double)STRIDE_S;
    s->time_s += (double)DT_S;
    s->angle = s->swing_rad * sin(turn * s->time_s);
    const double rate = s->swing_rad * turn * cos(turn * s->time_s);
    float up[3], ahead[3], acc[3], gyr[3], rate_rps[3];
    true_up(s, up);
    turned(s->ahead, s->axis, -s->angle, ahead);
    const double bounce = s->bounce_mps2 * cos(2.0 * turn * s->time_s);
    const double sway = 0.5 * s->bounce_mps2 * sin(2.0 * turn * s->time_s);
    for (int i = 0; i < 3; i++) {
        acc[i] = up[i] * (G + (float)bounce) + ahead[i] * (float)(s->push_mps2 + sway);
        gyr[i] = s->axis[i] * (float)rate + s->gyr_bias_rps[i];
    }
    (void)orientation_step(o, acc, gyr, DT_S, rate_rps);
}

/* A whole stride, closed. */
static void stride(swinging *s, orientation *o) {
    for (int i = 0; i < STRIDE_SAMPLES; i++) {
        step(s, o);
    }
    orientation_close_cycle(o, STRIDE_S);
}

static void strides(swinging *s, orientation *o, int count) {
    for (int i = 0; i < count; i++) {
        stride(s, o);
    }
}

static double tilt_deg(const swinging *s, const orientation *o) {
    float up[3];
    true_up(s, up);
    return angle_between_deg(up, o->up);
}

static orientation fresh(void) {
    const orientation_settings settings = orientation_default_settings();
    orientation o;
    orientation_init(&o, &settings);
    return o;
}

/* A window of rest as the pod stands now. */
static void rest(const swinging *s, orientation *o) {
    float acc[3];
    true_up(s, acc);
    vec3_scale(acc, G);
    orientation_close_rest(o, acc, s->gyr_bias_rps, 0.5f);
}

static swinging runner(void) {
    swinging s = mounted(0.7, -2.1);
    s.swing_rad = 0.7;
    s.bounce_mps2 = 14.0;
    return s;
}

static void test_first_sample_is_up(void) {
    const float forces[][3] = {
        {0, 0, 9.8f}, {0, 0, -9.8f}, {9.8f, 0, 0}, {0, -9.8f, 0}, {3, -4, 5}};
    for (size_t i = 0; i < sizeof forces / sizeof forces[0]; i++) {
        orientation o = fresh();
        const float still[3] = {0, 0, 0};
        float rate[3];
        const float vertical = orientation_step(&o, forces[i], still, DT_S, rate);
        CHECK_NEAR(angle_between_deg(o.up, forces[i]), 0.0, 0.02);
        CHECK_NEAR(vertical, vec3_norm(forces[i]), 1e-3);
    }
}

static void test_no_force_at_all(void) {
    orientation o = fresh();
    const float nothing[3] = {0, 0, 0};
    float rate[3];
    CHECK_NEAR(orientation_step(&o, nothing, nothing, DT_S, rate), 0.0, 1e-6);
    CHECK_NEAR(vec3_norm(o.up), 1.0, 1e-5);
    orientation_close_rest(&o, nothing, nothing, 0.5f);
    orientation_close_cycle(&o, 0.5f);
    CHECK_NEAR(vec3_norm(o.up), 1.0, 1e-5);
}

/* A turn about a level axis shows in up; 2000 deg/s is what pods can measure. */
static void test_constant_rotation(void) {
    const double rates_dps[] = {30.0, 200.0, 1000.0, 2000.0};
    const float rates_hz[] = {104.0f, 208.0f, 833.0f};
    const float x[3] = {1, 0, 0}, z[3] = {0, 0, 1};
    for (size_t r = 0; r < 4; r++) {
        for (size_t h = 0; h < 3; h++) {
            const float rate_rps = radians(rates_dps[r]);
            const int samples = (int)rates_hz[h];
            orientation o = fresh();
            float out[3], up[3] = {0, 0, 1}, acc[3] = {0, 0, G}, gyr[3] = {0, 0, 0};
            (void)orientation_step(&o, acc, gyr, 1.0f / rates_hz[h], out);
            double angle = 0.0;
            gyr[0] = rate_rps;
            for (int i = 0; i < samples; i++) {
                angle += (i > 0 ? 1.0 : 0.5) * (double)(rate_rps / rates_hz[h]);
                turned(z, x, -angle, up);
                for (int k = 0; k < 3; k++) {
                    acc[k] = G * up[k];
                }
                (void)orientation_step(&o, acc, gyr, 1.0f / rates_hz[h], out);
            }
            CHECK_NEAR(angle_between_deg(o.up, up), 0.0, 0.1);
        }
    }
}

static void test_yaw_leaves_up_alone(void) {
    orientation o = fresh();
    const float acc[3] = {1, 2, 9}, still[3] = {0, 0, 0};
    float gyr[3] = {1, 2, 9}, rate[3];
    (void)orientation_step(&o, acc, still, DT_S, rate);
    for (int i = 0; i < 5 * RATE_HZ; i++) {
        (void)orientation_step(&o, acc, gyr, DT_S, rate);
    }
    CHECK_NEAR(angle_between_deg(o.up, acc), 0.0, 0.05);
}

/* The force of the first sample, in the middle of a landing, is far from vertical. */
static void test_gravity_is_found_by_the_first_whole_cycle(void) {
    swinging s = runner();
    orientation o = fresh();
    const float landing[3] = {30, -60, 12}, still[3] = {0, 0, 0};
    float rate[3];
    (void)orientation_step(&o, landing, still, DT_S, rate);
    CHECK(tilt_deg(&s, &o) > 20.0);
    CHECK(!orientation_is_settled(&o));
    stride(&s, &o); /* began in the middle: does not count */
    stride(&s, &o);
    CHECK_NEAR(tilt_deg(&s, &o), 0.0, 1.0);
    strides(&s, &o, 6);
    CHECK(orientation_is_settled(&o));
    strides(&s, &o, 6);
    CHECK_NEAR(tilt_deg(&s, &o), 0.0, 0.2);
}

static void test_rest_gives_bias_and_vertical(void) {
    swinging s = mounted(2.0, 0.4);
    s.gyr_bias_rps[0] = radians(1.5);
    s.gyr_bias_rps[2] = radians(-0.8);
    orientation o = fresh();
    step(&s, &o);
    rest(&s, &o);
    CHECK(orientation_is_settled(&o));
    CHECK_NEAR(tilt_deg(&s, &o), 0.0, 0.1);
    for (int i = 0; i < 3; i++) {
        CHECK_NEAR(o.bias_rps[i], s.gyr_bias_rps[i], 1e-5);
    }
    for (int i = 0; i < 10 * RATE_HZ; i++) {
        step(&s, &o);
    }
    CHECK_NEAR(tilt_deg(&s, &o), 0.0, 0.1);
}

/* Sway looks like bias in a single window, not over many. */
static void test_rest_windows_are_averaged(void) {
    swinging s = mounted(0.0, 0.0);
    orientation o = fresh();
    step(&s, &o);
    for (int i = 0; i < 20; i++) {
        s.gyr_bias_rps[1] = radians(0.5 + (i % 2 ? 1.0 : -1.0));
        rest(&s, &o);
    }
    CHECK_NEAR(degrees((double)o.bias_rps[1]), 0.5, 0.15);
}

static void test_no_bias_beyond_any_sensor(void) {
    orientation o = fresh();
    const float acc[3] = {0, 0, G}, turning[3] = {0, 0, radians(40.0)};
    orientation_close_rest(&o, acc, turning, 0.5f);
    CHECK(degrees((double)vec3_norm(o.bias_rps)) < 10.5f);
}

/* A pod picked up and laid down another way. */
static void test_rest_in_another_pose(void) {
    const float poses[][3] = {{0, 0, -G}, {G, 0, 0}, {0, 0.3f * G, -0.95f * G}};
    for (size_t i = 0; i < 3; i++) {
        swinging s = mounted(0.0, 0.0);
        orientation o = fresh();
        step(&s, &o);
        const float still[3] = {0, 0, 0};
        orientation_close_rest(&o, poses[i], still, 0.5f);
        CHECK_NEAR(angle_between_deg(o.up, poses[i]), 0.0, 0.05);
    }
}

/* Without any rest: 0.5 deg/s, the offset of a good gyroscope, would turn by a degree every two
 * seconds. */
static void test_bias_is_learnt_in_motion(void) {
    swinging s = runner();
    for (int i = 0; i < 3; i++) { /* across the vertical: about it, gravity shows nothing */
        s.gyr_bias_rps[i] = radians(0.5) * s.axis[i];
    }
    orientation o = fresh();
    strides(&s, &o, 6);
    const double early_deg = tilt_deg(&s, &o);
    strides(&s, &o, 200);
    CHECK(early_deg < 2.0);
    CHECK(tilt_deg(&s, &o) < 0.3);
    CHECK_NEAR(degrees((double)vec3_dot(o.bias_rps, s.axis)), 0.5, 0.1);
}

static void test_steady_gait_is_no_tilt(void) {
    swinging s = runner();
    orientation o = fresh();
    step(&s, &o);
    rest(&s, &o);
    strides(&s, &o, 60);
    double worst = 0.0;
    for (int i = 0; i < RATE_HZ; i++) {
        step(&s, &o);
        worst = fmax(worst, tilt_deg(&s, &o));
    }
    CHECK_NEAR(worst, 0.0, 0.25);
}

/* Has stood, or else run for long: its bias is known. */
static orientation known(swinging *s, int stood) {
    orientation o = fresh();
    if (stood) {
        step(s, &o);
        rest(s, &o);
    }
    strides(s, &o, stood ? 6 : 40);
    return o;
}

/* 2.5 m/s^2 for two seconds leans the force by 14 degrees; none of that is tilt. */
static void test_a_start_is_no_tilt(void) {
    for (int stood = 0; stood < 2; stood++) {
        swinging s = runner();
        orientation o = known(&s, stood);
        s.push_mps2 = 2.5;
        strides(&s, &o, 3);
        CHECK(tilt_deg(&s, &o) < 2.5);
        s.push_mps2 = 0.0;
        stride(&s, &o);
        CHECK(tilt_deg(&s, &o) < 2.5);
        strides(&s, &o, 12);
        CHECK(tilt_deg(&s, &o) < 0.5);
        CHECK(orientation_is_settled(&o));
    }
}

/* During a hole the sensor turned unseen. */
static void test_recovery_from_a_hole(void) {
    swinging s = runner();
    orientation o = fresh();
    strides(&s, &o, 12);
    orientation_disturbed(&o);
    turned(s.up, s.axis, 0.9, s.up);
    turned(s.ahead, s.axis, 0.9, s.ahead);
    CHECK(!orientation_is_settled(&o));
    stride(&s, &o); /* began in the middle */
    CHECK(!orientation_is_settled(&o));
    strides(&s, &o, 3);
    CHECK_NEAR(tilt_deg(&s, &o), 0.0, 0.5);
    strides(&s, &o, 3);
    CHECK(orientation_is_settled(&o));
}

/* The gyroscope clipped, or the pod was knocked: nothing told, and still found. */
static void test_a_vertical_lost_unawares_is_found(void) {
    for (int stood = 0; stood < 2; stood++) {
        swinging s = runner();
        orientation o = known(&s, stood);
        turned(s.up, s.axis, 0.7, s.up);
        turned(s.ahead, s.axis, 0.7, s.ahead);
        CHECK(tilt_deg(&s, &o) > 35.0);
        strides(&s, &o, 8);
        CHECK_NEAR(tilt_deg(&s, &o), 0.0, 1.0);
    }
}

static void test_a_dropped_cycle_changes_nothing(void) {
    swinging s = runner();
    orientation o = known(&s, 1);
    s.push_mps2 = 6.0;
    for (int i = 0; i < RATE_HZ / 2; i++) {
        step(&s, &o);
    }
    orientation_drop_cycle(&o);
    s.push_mps2 = 0.0;
    stride(&s, &o);
    CHECK(orientation_is_settled(&o));
    CHECK_NEAR(tilt_deg(&s, &o), 0.0, 0.3);
}

static void test_a_cycle_without_time_or_samples(void) {
    swinging s = runner();
    orientation o = fresh();
    strides(&s, &o, 12);
    const double before_deg = tilt_deg(&s, &o);
    orientation_close_cycle(&o, STRIDE_S);
    step(&s, &o);
    step(&s, &o);
    orientation_close_cycle(&o, 0.0f);
    orientation_close_cycle(&o, NAN);
    CHECK_NEAR(tilt_deg(&s, &o), before_deg, 0.1);
}

/* The rate between two samples is their mean, and what comes back is without the bias. */
static void test_rates_come_back_without_bias(void) {
    orientation o = fresh();
    const float acc[3] = {0, 0, G}, bias[3] = {0.01f, -0.02f, 0.03f}, gyr[3] = {1, 2, 3};
    float rate[3];
    orientation_close_rest(&o, acc, bias, 0.5f);
    (void)orientation_step(&o, acc, gyr, DT_S, rate);
    for (int i = 0; i < 3; i++) {
        CHECK_NEAR(rate[i], gyr[i] - bias[i], 1e-5);
    }
}

/* The fastest turns that packets can tell at the slowest rate (8000 deg/s about each axis at 50 Hz;
 * a bridged gap overshoots) are none that a body makes; after them, rest sets the vertical as ever.
 */
static void test_recovery_from_impossible_rates(void) {
    const float rates_rps[] = {60.0f, 140.0f, 240.0f, 600.0f};
    char context[32];
    for (size_t r = 0; r < sizeof rates_rps / sizeof rates_rps[0]; r++) {
        (void)snprintf(context, sizeof context, "%g rad/s", (double)rates_rps[r]);
        check_context = context;
        orientation o = fresh();
        const float before[3] = {0, 0, G}, after[3] = {G, 0, 0}, still[3] = {0, 0, 0};
        const float gyr[3] = {rates_rps[r], 0, 0};
        float rate[3];
        for (int i = 0; i < 100; i++) {
            (void)orientation_step(&o, before, gyr, 0.02f, rate);
        }
        for (int window = 0; window < 8; window++) {
            for (int i = 0; i < 25; i++) {
                (void)orientation_step(&o, after, still, 0.02f, rate);
            }
            orientation_close_rest(&o, after, still, 0.5f);
        }
        CHECK_NEAR(vec3_norm(o.up), 1.0, 1e-3);
        CHECK_NEAR(angle_between_deg(o.up, after), 0.0, 0.1);
    }
}

int main(void) {
    RUN(test_first_sample_is_up);
    RUN(test_no_force_at_all);
    RUN(test_constant_rotation);
    RUN(test_yaw_leaves_up_alone);
    RUN(test_gravity_is_found_by_the_first_whole_cycle);
    RUN(test_rest_gives_bias_and_vertical);
    RUN(test_rest_windows_are_averaged);
    RUN(test_no_bias_beyond_any_sensor);
    RUN(test_rest_in_another_pose);
    RUN(test_bias_is_learnt_in_motion);
    RUN(test_steady_gait_is_no_tilt);
    RUN(test_a_start_is_no_tilt);
    RUN(test_recovery_from_a_hole);
    RUN(test_a_vertical_lost_unawares_is_found);
    RUN(test_a_dropped_cycle_changes_nothing);
    RUN(test_a_cycle_without_time_or_samples);
    RUN(test_rates_come_back_without_bias);
    RUN(test_recovery_from_impossible_rates);
    return check_report();
}
