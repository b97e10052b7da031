/* A body of synthetic series: the leg's chain, refined events, metrics. */
#include "body.h"
#include "check.h"
#include "gait_events.h"
#include "stride_metrics.h"

/* Two feet in turn, both 100 ms of flight a step long. Hub time 100 s is a left contact. */
static const double START_S = 99.0, END_S = 101.4;
static const double STRIDE_S = 0.7, CONTACT_S = 0.25;
static const double LEFT_IC_S = 100.0, RIGHT_IC_S = 100.35;
static const double PI = 3.14159265358979;
static const double UNKNOWN = (double)NAN;

static double at_phase(double time_s, double start_s) {
    return time_s - start_s - STRIDE_S * floor((time_s - start_s) / STRIDE_S);
}

/* Vertical ground force of one foot in body weights: half a sine whose mean over the stride is half
 * the weight. */
static double foot_force(double time_s, double ic_s) {
    const double phase = at_phase(time_s, ic_s);
    return phase < CONTACT_S ? 0.5 * STRIDE_S * PI / (2.0 * CONTACT_S) * sin(PI * phase / CONTACT_S)
                             : 0.0;
}

static double running_force(double time_s) {
    return foot_force(time_s, LEFT_IC_S) + foot_force(time_s, RIGHT_IC_S);
}

static double walking_force(double time_s) {
    return 1.0 + 0.3 * cos(4.0 * PI * (time_s - LEFT_IC_S) / STRIDE_S);
}

/* Shank angle relative to standing: ahead at contact, the rate zero 40 ms before it and 40 ms after
 * the largest reach back. */
static double shank_angle(double phase_s) {
    return -35.0 + 45.0 * cos(2.0 * PI * (phase_s + 0.040) / STRIDE_S);
}

static double shank_rate(double phase_s) {
    return -45.0 * 2.0 * PI / STRIDE_S * sin(2.0 * PI * (phase_s + 0.040) / STRIDE_S);
}

static double thigh_angle(double phase_s) {
    return 12.0 + 25.0 * cos(2.0 * PI * (phase_s + 0.10) / STRIDE_S);
}

static double no_turn(double phase_s) {
    (void)phase_s;
    return 0.0;
}

static pod_track tracks[BODY_PLACEMENTS];

typedef double (*series)(double time_s);

/* Slots from START_S to END_S. */
static void fill(pod_track *pod, double ic_s, series angle, series rate, series force) {
    pod->started = 1;
    pod->first = (int64_t)ceil(START_S * TRACK_GRID_HZ);
    pod->next = (int64_t)(END_S * TRACK_GRID_HZ);
    for (int64_t grid = pod->first; grid < pod->next; grid++) {
        const double time_s = grid_time_s(grid), phase_s = at_phase(time_s, ic_s);
        pod->slots[(uint64_t)grid % TRACK_SLOTS] =
            (track_slot){.angle_deg = (float)angle(phase_s),
                         .rate_dps = (float)rate(phase_s),
                         .force_g = (float)force(time_s),
                         .magnitude_g = (float)force(time_s)};
    }
}

static stride_kernel_settings settings_of(double height_m, double left_m, double right_m) {
    stride_kernel_settings settings = stride_kernel_default_settings();
    settings.height_m = height_m;
    settings.leg_length_m[0] = left_m;
    settings.leg_length_m[1] = right_m;
    return settings;
}

/* Wears the given placements, 0 ends them. */
static body wearing(const uint8_t *placements, series force) {
    const stride_kernel_settings settings = settings_of(1.80, 0.90, 0.90);
    body b;
    body_init(&b, &settings);
    for (; *placements != 0; placements++) {
        pod_track *pod = &tracks[*placements];
        const pod_wire_info info = {.rate_mhz = 208000,
                                    .acc_nm_s2_per_lsb = 4788403,
                                    .gyr_nrad_s_per_lsb = 1065264,
                                    .placement = *placements,
                                    .batch = 8};
        pod_track_init(pod, &info);
        const double ic_s = pod->side == STRIDE_SIDE_RIGHT ? RIGHT_IC_S : LEFT_IC_S;
        if (pod->kind == SEGMENT_SHANK) {
            fill(pod, ic_s, shank_angle, shank_rate, force);
        } else if (pod->kind == SEGMENT_THIGH) {
            fill(pod, ic_s, thigh_angle, no_turn, force);
        } else {
            fill(pod, ic_s, no_turn, no_turn, force);
        }
        b.pods[*placements] = pod;
    }
    return b;
}

static const uint8_t SHANKS[] = {POD_WIRE_SHANK_L, POD_WIRE_SHANK_R, 0};
static const uint8_t WITH_PELVIS[] = {POD_WIRE_SHANK_L, POD_WIRE_SHANK_R, POD_WIRE_PELVIS, 0};
static const uint8_t LEGS[] = {POD_WIRE_SHANK_L, POD_WIRE_SHANK_R, POD_WIRE_THIGH_L,
                               POD_WIRE_THIGH_R, 0};
static const uint8_t ALL[] = {
    POD_WIRE_PELVIS,  POD_WIRE_THIGH_L, POD_WIRE_THIGH_R, POD_WIRE_SHANK_L,
    POD_WIRE_SHANK_R, POD_WIRE_FOOT_L,  POD_WIRE_FOOT_R,  0};

static double ic_of(int side) { return side == STRIDE_SIDE_LEFT ? LEFT_IC_S : RIGHT_IC_S; }

static shank_event contact_mark(int side) {
    return (shank_event){.kind = STRIDE_EVENT_INITIAL_CONTACT,
                         .mark_s = ic_of(side) - 0.040,
                         .time_s = ic_of(side) - 0.015,
                         .refine = 1};
}

static shank_event toe_off_mark(int side) {
    return (shank_event){.kind = STRIDE_EVENT_TOE_OFF,
                         .mark_s = ic_of(side) + CONTACT_S + 0.010,
                         .time_s = ic_of(side) + CONTACT_S + 0.010,
                         .refine = 1};
}

/* Slots of a stretch of time get a flag. */
static void spoil(pod_track *pod, double from_s, double to_s, uint32_t flag) {
    for (int64_t grid = (int64_t)(from_s * TRACK_GRID_HZ); grid_time_s(grid) < to_s; grid++) {
        pod->slots[(uint64_t)grid % TRACK_SLOTS].flags |= flag;
    }
}

/* ---- the leg's chain ---- */

static void test_leg_lengths(void) {
    const struct {
        double height_m, left_m, right_m, want_left_m, want_right_m;
    } cases[] = {{1.80, 0.90, 0.92, 0.90, 0.92},
                 {1.80, UNKNOWN, 0.92, 0.92, 0.92},
                 {UNKNOWN, 0.90, UNKNOWN, 0.90, 0.90},
                 {1.80, UNKNOWN, UNKNOWN, 0.491 * 1.80, 0.491 * 1.80}};
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        const stride_kernel_settings settings =
            settings_of(cases[i].height_m, cases[i].left_m, cases[i].right_m);
        body b;
        body_init(&b, &settings);
        CHECK_NEAR(b.thigh_m[0] + b.shank_m[0], cases[i].want_left_m, 1e-6);
        CHECK_NEAR(b.thigh_m[1] + b.shank_m[1], cases[i].want_right_m, 1e-6);
        CHECK_NEAR(b.thigh_m[0] / b.shank_m[0], 0.245 / 0.246, 1e-6);
        CHECK(b.ankle_roll_m > 0.0);
    }
    const stride_kernel_settings nothing = stride_kernel_default_settings();
    body b;
    body_init(&b, &nothing);
    CHECK(isnan(b.thigh_m[0]) && isnan(b.shank_m[1]) && isnan(b.ankle_roll_m));
}

static void test_ankle_of_a_pose(void) {
    const struct {
        float thigh_deg, shank_deg;
        double forward, down;
    } cases[] = {{0, 0, 0.0, 1.0},
                 {90, 90, 1.0, 0.0},
                 {0, -90, -0.246 / 0.491, 0.245 / 0.491},
                 {30, -30, (0.245 - 0.246) / 0.491 * 0.5, 0.8660254}};
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        float forward, down;
        body_ankle((leg_pose){cases[i].thigh_deg, cases[i].shank_deg}, &forward, &down);
        CHECK_NEAR(forward, cases[i].forward, 1e-5);
        CHECK_NEAR(down, cases[i].down, 1e-5);
    }
}

static void test_pose_between_the_slots(void) {
    const body b = wearing(ALL, running_force);
    const double time_s = 100.1234;
    const leg_pose pose = body_leg_pose_at(&b, STRIDE_SIDE_LEFT, time_s);
    CHECK_NEAR(pose.thigh_deg, thigh_angle(time_s - LEFT_IC_S) - 6.0, 0.02);
    CHECK_NEAR(pose.shank_deg, shank_angle(time_s - LEFT_IC_S) - 6.0, 0.02);
}

static void test_spans(void) {
    const body b = wearing(SHANKS, running_force);
    const pod_track *shank = body_shank(&b, STRIDE_SIDE_LEFT);
    CHECK(!body_span_is_good(NULL, 1, 2, 0));
    CHECK(body_span_is_good(shank, shank->first, shank->next - 1, SLOT_HOLE));
    CHECK(!body_span_is_good(shank, shank->first - 1, shank->next - 1, 0));
    CHECK(!body_span_is_good(shank, shank->first, shank->next, 0));
    spoil(&tracks[POD_WIRE_SHANK_L], 100.0, 100.01, SLOT_HOLE);
    CHECK(!body_span_is_good(shank, 19990, 20010, SLOT_HOLE));
    CHECK(body_span_is_good(shank, 19990, 20010, SLOT_CLIPPED));
    CHECK(body_span_is_good(shank, 20010, 20020, SLOT_HOLE));
}

/* ---- events ---- */

static void test_events_from_force(void) {
    const uint8_t *const worn[] = {ALL, WITH_PELVIS, LEGS};
    for (size_t i = 0; i < 3; i++) {
        const body b = wearing(worn[i], running_force);
        for (int side = 0; side < 2; side++) {
            const shank_event mark = contact_mark(side);
            const refined_event contact = gait_refine_contact(&b, side, &mark);
            CHECK(contact.from_force);
            CHECK_INT(contact.flight, 1);
            CHECK_NEAR(contact.time_s, ic_of(side), 0.015);
            const shank_event off_mark = toe_off_mark(side);
            const refined_event toe_off = gait_refine_toe_off(&b, side, &off_mark, 0);
            CHECK(toe_off.from_force);
            CHECK_INT(toe_off.flight, 1);
            CHECK(toe_off.time_s > ic_of(side) + 0.15);
            CHECK(toe_off.time_s < ic_of(side) + 0.35);
        }
    }
}

/* The mark comes earlier or later in other styles of running; the force does not. */
static void test_force_does_not_depend_on_the_mark(void) {
    const body b = wearing(WITH_PELVIS, running_force);
    for (int shift = -2; shift <= 2; shift++) {
        shank_event mark = contact_mark(STRIDE_SIDE_LEFT);
        mark.mark_s += 0.01 * shift;
        const refined_event contact = gait_refine_contact(&b, STRIDE_SIDE_LEFT, &mark);
        CHECK(contact.from_force);
        CHECK_NEAR(contact.time_s, LEFT_IC_S, 0.020);
    }
}

static void test_two_shanks_have_no_force(void) {
    const body b = wearing(SHANKS, running_force);
    const shank_event mark = contact_mark(STRIDE_SIDE_LEFT);
    const refined_event contact = gait_refine_contact(&b, STRIDE_SIDE_LEFT, &mark);
    CHECK(!contact.from_force);
    CHECK_INT(contact.flight, -1);
    CHECK(contact.time_s > mark.mark_s);
    CHECK(contact.time_s < mark.mark_s + 0.11);
    const shank_event off_mark = toe_off_mark(STRIDE_SIDE_LEFT);
    const refined_event toe_off = gait_refine_toe_off(&b, STRIDE_SIDE_LEFT, &off_mark, 0);
    CHECK(!toe_off.from_force);
    CHECK_INT(toe_off.flight, -1);
    CHECK_NEAR(toe_off.time_s, off_mark.mark_s, 0.081);
}

static void test_walking_has_no_flight(void) {
    const body b = wearing(ALL, walking_force);
    const shank_event mark = contact_mark(STRIDE_SIDE_RIGHT);
    const refined_event contact = gait_refine_contact(&b, STRIDE_SIDE_RIGHT, &mark);
    CHECK_INT(contact.flight, 0);
    CHECK(!contact.from_force);
    const shank_event off_mark = toe_off_mark(STRIDE_SIDE_RIGHT);
    const refined_event toe_off = gait_refine_toe_off(&b, STRIDE_SIDE_RIGHT, &off_mark, 1);
    CHECK_INT(toe_off.flight, 0);
    CHECK(!toe_off.from_force);
}

/* A pelvis pod with lost samples is done without. */
static void test_a_hole_costs_the_force_only(void) {
    const uint32_t flags[] = {SLOT_HOLE, SLOT_SETTLING};
    for (size_t i = 0; i < 2; i++) {
        const body b = wearing(WITH_PELVIS, running_force);
        spoil(&tracks[POD_WIRE_PELVIS], LEFT_IC_S, LEFT_IC_S + 0.02, flags[i]);
        const shank_event mark = contact_mark(STRIDE_SIDE_LEFT);
        const refined_event contact = gait_refine_contact(&b, STRIDE_SIDE_LEFT, &mark);
        CHECK(!contact.from_force);
        const body alone = wearing(SHANKS, running_force);
        const refined_event without = gait_refine_contact(&alone, STRIDE_SIDE_LEFT, &mark);
        CHECK_NEAR(contact.time_s, without.time_s, 1e-9);
    }
}

/* Without the shank's own samples what was told first stands. */
static void test_a_hole_in_the_shank_keeps_the_first_guess(void) {
    const body b = wearing(SHANKS, running_force);
    spoil(&tracks[POD_WIRE_SHANK_L], LEFT_IC_S - 0.2, LEFT_IC_S + 0.5, SLOT_HOLE);
    const shank_event mark = contact_mark(STRIDE_SIDE_LEFT);
    CHECK_NEAR(gait_refine_contact(&b, STRIDE_SIDE_LEFT, &mark).time_s, mark.time_s, 1e-9);
    const shank_event off_mark = toe_off_mark(STRIDE_SIDE_LEFT);
    CHECK_NEAR(gait_refine_toe_off(&b, STRIDE_SIDE_LEFT, &off_mark, 0).time_s, off_mark.mark_s,
               1e-9);
}

/* What is asked for is enough: later slots change nothing. */
static void test_no_slot_beyond_the_needed_ones(void) {
    for (int kind = 0; kind < 2; kind++) {
        const body b = wearing(ALL, running_force);
        const shank_event mark =
            kind ? toe_off_mark(STRIDE_SIDE_LEFT) : contact_mark(STRIDE_SIDE_LEFT);
        const refined_event before = kind ? gait_refine_toe_off(&b, STRIDE_SIDE_LEFT, &mark, 0)
                                          : gait_refine_contact(&b, STRIDE_SIDE_LEFT, &mark);
        for (int i = 0; i < BODY_PLACEMENTS; i++) {
            tracks[i].next = gait_events_needs(&mark) + 1; /* reached: the slot itself is there */
        }
        const refined_event after = kind ? gait_refine_toe_off(&b, STRIDE_SIDE_LEFT, &mark, 0)
                                         : gait_refine_contact(&b, STRIDE_SIDE_LEFT, &mark);
        CHECK_INT(after.from_force, before.from_force);
        CHECK_NEAR(after.time_s, before.time_s, 1e-9);
    }
}

/* ---- metrics ---- */

static stride_times left_stride(void) {
    return (stride_times){.side = STRIDE_SIDE_LEFT,
                          .ic_s = LEFT_IC_S,
                          .to_s = LEFT_IC_S + CONTACT_S,
                          .next_ic_s = LEFT_IC_S + STRIDE_S,
                          .other_ic_s = RIGHT_IC_S,
                          .running = 1,
                          .events_from_force = 1};
}

/* Pods as after some strides of gait. */
static void set_confidence(float confidence) {
    for (int i = 0; i < BODY_PLACEMENTS; i++) {
        tracks[i].alignment.confidence = confidence;
    }
}

static stride_record measured(const body *b) {
    const stride_times times = left_stride();
    stride_record record;
    set_confidence(0.9f);
    stride_measure(b, &times, &record);
    return record;
}

static void test_times_of_a_stride(void) {
    const body b = wearing(SHANKS, running_force);
    const stride_record r = measured(&b);
    CHECK_NEAR(r.stride_time_ms, 700.0, 0.01);
    CHECK_NEAR(r.contact_time_ms, 250.0, 0.01);
    CHECK_NEAR(r.flight_time_ms, 100.0, 0.01);
    CHECK_NEAR(r.duty_factor, 0.25 / 0.70, 1e-5);
    CHECK_NEAR(r.cadence_spm, 120.0 / 0.7, 1e-3);
    CHECK_INT(r.gait, STRIDE_GAIT_RUNNING);
    CHECK_INT(r.side, STRIDE_SIDE_LEFT);
}

static void test_no_flight_without_the_other_foot(void) {
    const body b = wearing(SHANKS, running_force);
    stride_times times = left_stride();
    stride_record record;
    times.other_ic_s = UNKNOWN;
    stride_measure(&b, &times, &record);
    CHECK(isnan(record.flight_time_ms));
    times.other_ic_s = LEFT_IC_S + 0.2; /* both feet on the ground */
    stride_measure(&b, &times, &record);
    CHECK(isnan(record.flight_time_ms));
}

/* The greatest of a curve of the swing phase, with the standing offset. */
static double most_in_swing(series angle, double sign) {
    double most = -1e9;
    for (int ms = (int)(1000.0 * CONTACT_S); ms < (int)(1000.0 * STRIDE_S); ms++) {
        most = fmax(most, sign * (angle(0.001 * ms) - 6.0));
    }
    return most;
}

static double knee_flexion(double phase_s) {
    return thigh_angle(phase_s) - shank_angle(phase_s) + 6.0;
}

static void test_angles_of_a_stride(void) {
    const body b = wearing(ALL, running_force);
    const stride_record r = measured(&b);
    CHECK_INT(r.quality, 0);
    CHECK_NEAR(r.shank_angle_ic_deg, shank_angle(0.0) - 6.0, 0.1);
    CHECK_NEAR(r.knee_flexion_ic_deg, thigh_angle(0.0) - shank_angle(0.0), 0.1);
    CHECK_NEAR(r.peak_knee_flexion_deg, most_in_swing(knee_flexion, 1.0), 0.2);
    CHECK_NEAR(r.kickback_deg, most_in_swing(shank_angle, -1.0), 0.2);
    CHECK_NEAR(r.knee_lift_deg, most_in_swing(thigh_angle, 1.0), 0.2);
    CHECK_NEAR(r.hip_extension_deg, most_in_swing(thigh_angle, -1.0), 0.2);
    CHECK_NEAR(r.foot_strike_angle_deg, 0.0, 0.01);
    CHECK_NEAR(r.lean_deg, 0.0, 0.01);
    CHECK_NEAR(r.alignment_confidence, 0.9, 1e-6);
}

static void ankle_at(double phase_s, double *forward, double *down) {
    const double thigh = PI / 180.0 * (thigh_angle(phase_s) - 6.0);
    const double shank = PI / 180.0 * (shank_angle(phase_s) - 6.0);
    *forward = (0.245 * sin(thigh) + 0.246 * sin(shank)) / 0.491;
    *down = (0.245 * cos(thigh) + 0.246 * cos(shank)) / 0.491;
}

static void test_ratios_of_a_stride(void) {
    const body b = wearing(ALL, running_force);
    const stride_record r = measured(&b);
    double forward, down, least_down = 2.0, trail = 0.0;
    ankle_at(0.0, &forward, &down);
    CHECK_NEAR(r.overstride_ratio, forward, 1e-3);
    ankle_at(0.5 * CONTACT_S, &forward, &down);
    CHECK_NEAR(r.hip_over_foot_ratio, -forward, 1e-3);
    ankle_at(CONTACT_S, &forward, &down);
    CHECK_NEAR(r.push_off_angle_deg, 180.0 / PI * atan2(-forward, down), 0.1);
    for (int ms = (int)(1000.0 * CONTACT_S); ms < (int)(1000.0 * STRIDE_S); ms++) {
        ankle_at(0.001 * ms, &forward, &down);
        if (down < least_down) {
            least_down = down;
            trail = -forward;
        }
    }
    CHECK_NEAR(r.heel_lift_ratio, 1.0 - least_down, 2e-3);
    CHECK_NEAR(r.heel_trail_ratio, trail, 0.03);
    CHECK(r.swing_lever_ratio > (float)least_down && r.swing_lever_ratio < 1.0f);
}

/* Half a sine of 1.1 body weights: h = travel of the centre of the whole body, which all pods
 * share. */
static void test_vertical_oscillation(void) {
    const body b = wearing(ALL, running_force);
    double speed = 0.0, height = 0.0, mean_speed = 0.0, least = 1e9, most = -1e9;
    const double dt_s = 1e-4;
    const int samples = (int)(STRIDE_S / dt_s);
    for (int pass = 0; pass < 2; pass++) {
        double sum = 0.0;
        speed = height = 0.0;
        for (int i = 0; i < samples; i++) {
            speed += 9.80665 * (running_force(LEFT_IC_S + i * dt_s) - 1.0) * dt_s;
            sum += speed;
            height += (speed - mean_speed) * dt_s;
            least = pass ? fmin(least, height) : least;
            most = pass ? fmax(most, height) : most;
        }
        mean_speed = sum / samples;
    }
    CHECK_NEAR(measured(&b).vertical_oscillation_mm, 1000.0 * (most - least), 2.0);
}

/* Both links turn back over the planted foot. */
static void test_speed_grows_with_the_leg(void) {
    const body b = wearing(ALL, running_force);
    const stride_record r = measured(&b);
    CHECK(r.speed_mps > 1.0f && r.speed_mps < 6.0f);
    CHECK_NEAR(r.step_length_m, (double)r.speed_mps * 0.35, 1e-4);
    body longer = b;
    for (int side = 0; side < 2; side++) {
        longer.thigh_m[side] *= 1.1;
        longer.shank_m[side] *= 1.1;
    }
    longer.ankle_roll_m *= 1.1;
    CHECK_NEAR(measured(&longer).speed_mps / r.speed_mps, 1.1, 1e-3);
    body calibrated = b;
    calibrated.speed_factor = 1.05f;
    CHECK_NEAR(measured(&calibrated).speed_mps / r.speed_mps, 1.05, 1e-3);
}

static void test_missing_pods_leave_their_metrics_out(void) {
    const body b = wearing(SHANKS, running_force);
    const stride_record r = measured(&b);
    CHECK(r.quality & STRIDE_QUALITY_NO_THIGH);
    CHECK(r.quality & STRIDE_QUALITY_NO_PELVIS);
    CHECK(isnan(r.overstride_ratio) && isnan(r.peak_knee_flexion_deg) && isnan(r.knee_lift_deg));
    CHECK(isnan(r.heel_lift_ratio) && isnan(r.speed_mps) && isnan(r.lean_deg));
    CHECK(isnan(r.vertical_oscillation_mm) && isnan(r.foot_strike_angle_deg));
    CHECK(!isnan(r.shank_angle_ic_deg) && !isnan(r.kickback_deg) && !isnan(r.impact_g));
}

static void test_unknown_leg_length_leaves_speed_out(void) {
    body b = wearing(ALL, running_force);
    for (int side = 0; side < 2; side++) {
        b.thigh_m[side] = b.shank_m[side] = UNKNOWN;
    }
    const stride_record r = measured(&b);
    CHECK(r.quality & STRIDE_QUALITY_NO_LEG_LENGTH);
    CHECK(isnan(r.speed_mps) && isnan(r.step_length_m));
    CHECK(!isnan(r.overstride_ratio) && !isnan(r.heel_lift_ratio));
}

static void test_flags_become_quality(void) {
    const struct {
        uint32_t slot, quality;
        int has_angles;
    } cases[] = {{SLOT_CLIPPED, STRIDE_QUALITY_CLIPPED, 1},
                 {SLOT_MOTOR, STRIDE_QUALITY_MOTOR, 1},
                 {SLOT_HOLE, STRIDE_QUALITY_GAP, 0},
                 {SLOT_UNCALIBRATED, STRIDE_QUALITY_NOT_CALIBRATED, 0},
                 {SLOT_SETTLING, STRIDE_QUALITY_NOT_CALIBRATED, 0},
                 {SLOT_NO_STANDING, STRIDE_QUALITY_NO_STANDING, 1},
                 {SLOT_BRIDGED, 0, 1}};
    char context[32];
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        (void)snprintf(context, sizeof context, "slot flag %u", (unsigned)cases[i].slot);
        check_context = context;
        const body b = wearing(ALL, running_force);
        spoil(&tracks[POD_WIRE_SHANK_L], LEFT_IC_S + 0.3, LEFT_IC_S + 0.4, cases[i].slot);
        const stride_record r = measured(&b);
        CHECK_INT(r.quality, cases[i].quality);
        CHECK(isnan(r.shank_angle_ic_deg) == !cases[i].has_angles);
        CHECK(isnan(r.overstride_ratio) == !cases[i].has_angles);
        CHECK(!isnan(r.lean_deg)); /* the pelvis is as good as before */
    }
}

/* The other leg's troubles are its own. */
static void test_the_other_leg_does_not_matter(void) {
    const body b = wearing(ALL, running_force);
    spoil(&tracks[POD_WIRE_SHANK_R], LEFT_IC_S, LEFT_IC_S + 0.4, SLOT_HOLE);
    CHECK_INT(measured(&b).quality, 0);
}

static void test_no_impact_from_what_was_not_felt(void) {
    const struct {
        uint32_t slot, quality;
    } cases[] = {{SLOT_HOLE, STRIDE_QUALITY_GAP},
                 {SLOT_BRIDGED, STRIDE_QUALITY_BRIDGED},
                 {SLOT_MOTOR, STRIDE_QUALITY_MOTOR}};
    for (size_t i = 0; i < 3; i++) {
        const body b = wearing(ALL, running_force);
        spoil(&tracks[POD_WIRE_SHANK_L], LEFT_IC_S + 0.02, LEFT_IC_S + 0.03, cases[i].slot);
        const stride_record r = measured(&b);
        CHECK(isnan(r.impact_g));
        CHECK(r.quality & cases[i].quality);
    }
    const body b = wearing(ALL, running_force);
    CHECK_NEAR(measured(&b).impact_g, running_force(LEFT_IC_S + 0.06), 0.15);
}

static void test_no_oscillation_from_made_up_samples(void) {
    const body b = wearing(ALL, running_force);
    spoil(&tracks[POD_WIRE_PELVIS], LEFT_IC_S + 0.3, LEFT_IC_S + 0.33, SLOT_BRIDGED);
    const stride_record r = measured(&b);
    CHECK_INT(r.quality, STRIDE_QUALITY_BRIDGED);
    CHECK(isnan(r.vertical_oscillation_mm));
    CHECK(!isnan(r.lean_deg) && !isnan(r.impact_g));
}

static void test_a_late_pod_is_called_late(void) {
    const body b = wearing(ALL, running_force);
    tracks[POD_WIRE_THIGH_L].next = (int64_t)((LEFT_IC_S + 0.5) * TRACK_GRID_HZ);
    const stride_record r = measured(&b);
    CHECK(r.quality & STRIDE_QUALITY_LATE);
    CHECK(isnan(r.overstride_ratio) && isnan(r.knee_lift_deg));
    CHECK(!isnan(r.shank_angle_ic_deg));
}

static void test_turning_is_told_by_the_pelvis(void) {
    const body b = wearing(ALL, running_force);
    for (int64_t i = 0; i < TRACK_SLOTS; i++) {
        const int64_t grid = tracks[POD_WIRE_PELVIS].next - 1 - i;
        tracks[POD_WIRE_PELVIS].slots[(uint64_t)grid % TRACK_SLOTS].yaw_deg = 0.2f * (float)grid;
    }
    CHECK(measured(&b).quality & STRIDE_QUALITY_TURNING);
}

static void test_walking_and_kinematic_strides_are_marked(void) {
    const body b = wearing(ALL, running_force);
    stride_times times = left_stride();
    times.running = 0;
    times.events_from_force = 0;
    stride_record record;
    stride_measure(&b, &times, &record);
    CHECK_INT(record.gait, STRIDE_GAIT_WALKING);
    CHECK(record.quality & STRIDE_QUALITY_WALKING);
    CHECK(record.quality & STRIDE_QUALITY_KINEMATIC_EVENTS);
}

int main(void) {
    RUN(test_leg_lengths);
    RUN(test_ankle_of_a_pose);
    RUN(test_pose_between_the_slots);
    RUN(test_spans);
    RUN(test_events_from_force);
    RUN(test_force_does_not_depend_on_the_mark);
    RUN(test_two_shanks_have_no_force);
    RUN(test_walking_has_no_flight);
    RUN(test_a_hole_costs_the_force_only);
    RUN(test_a_hole_in_the_shank_keeps_the_first_guess);
    RUN(test_no_slot_beyond_the_needed_ones);
    RUN(test_times_of_a_stride);
    RUN(test_no_flight_without_the_other_foot);
    RUN(test_angles_of_a_stride);
    RUN(test_ratios_of_a_stride);
    RUN(test_vertical_oscillation);
    RUN(test_speed_grows_with_the_leg);
    RUN(test_missing_pods_leave_their_metrics_out);
    RUN(test_unknown_leg_length_leaves_speed_out);
    RUN(test_flags_become_quality);
    RUN(test_the_other_leg_does_not_matter);
    RUN(test_no_impact_from_what_was_not_felt);
    RUN(test_no_oscillation_from_made_up_samples);
    RUN(test_a_late_pod_is_called_late);
    RUN(test_turning_is_told_by_the_pelvis);
    RUN(test_walking_and_kinematic_strides_are_marked);
    return check_report();
}
