/* Packets of a runner of formulas through the whole kernel. */
#include "check.h"
#include "pod_wire.h"
#include "stride_kernel.h"

enum {
    HARMONICS = 5,
    POINTS = 12, /* of an angle curve, a stride long */
    BATCH = 8,
    MAX_STRIDES = 200,
    MAX_EVENTS = 1000,
    ACC_NM_S2 = 4788403, /* 16 g, 2000 deg/s */
    GYR_NRAD_S = 1065264
};
static const double PI = 3.14159265358979;
static const double RATE_HZ = 208.0;
static const double STAND_S = 3.0, BLEND_S = 1.0;
static const double GRAVITY_MPS2 = 9.80665;
static const double HEIGHT_M = 1.80;
static const double UNKNOWN = (double)NAN;

/* ---- a runner in the sagittal plane ---- */

/* Angles relative to standing from a left contact on, distal end ahead positive, as published for
 * running at 3 to 4 m/s: Novacheck 1998. */
static const double SHANK_DEG[POINTS] = {6, -3, -16, -30, -46, -64, -82, -92, -85, -55, -15, 10};
static const double THIGH_DEG[POINTS] = {30, 28, 18, 5, -8, -14, -8, 8, 26, 38, 38, 33};

typedef struct {
    double cosine[HARMONICS + 1], sine[HARMONICS + 1];
} curve;

typedef struct {
    curve shank, thigh;
    double stride_s;
    double start_s;    /* hub time of the first sample */
    double run_from_s; /* after the start; infinite: stands for ever */
    double rate_hz;    /* true */
} runner;

/* Smooth and periodic through the points. */
static curve through(const double *points) {
    curve c;
    for (int h = 0; h <= HARMONICS; h++) {
        c.cosine[h] = c.sine[h] = 0.0;
        const double weight = (h > 0 ? 2.0 : 1.0) / POINTS;
        for (int i = 0; i < POINTS; i++) {
            c.cosine[h] += weight * points[i] * cos(2.0 * PI * h * i / POINTS);
            c.sine[h] += weight * points[i] * sin(2.0 * PI * h * i / POINTS);
        }
    }
    return c;
}

static double value_of(const curve *c, double phase) {
    double value = c->cosine[0];
    for (int h = 1; h <= HARMONICS; h++) {
        value += c->cosine[h] * cos(2.0 * PI * h * phase) + c->sine[h] * sin(2.0 * PI * h * phase);
    }
    return value;
}

static runner runner_of(double stride_s) {
    return (runner){.shank = through(SHANK_DEG),
                    .thigh = through(THIGH_DEG),
                    .stride_s = stride_s,
                    .start_s = 1000.0,
                    .run_from_s = STAND_S,
                    .rate_hz = RATE_HZ};
}

/* 0 standing, 1 running. */
static double going(const runner *r, double time_s) {
    const double share = fmin(1.0, fmax(0.0, (time_s - r->run_from_s) / BLEND_S));
    return share * share * (3.0 - 2.0 * share);
}

static double phase_of(const runner *r, int side, double time_s) {
    return time_s / r->stride_s + (side == STRIDE_SIDE_RIGHT ? 0.5 : 0.0);
}

static double angle_rad(const runner *r, const curve *c, int side, double time_s) {
    return PI / 180.0 * going(r, time_s) * value_of(c, phase_of(r, side, time_s));
}

static int side_of(uint8_t placement) {
    return placement == POD_WIRE_THIGH_L || placement == POD_WIRE_SHANK_L ||
                   placement == POD_WIRE_FOOT_L
               ? STRIDE_SIDE_LEFT
               : STRIDE_SIDE_RIGHT;
}

static int is_shank(uint8_t placement) {
    return placement == POD_WIRE_SHANK_L || placement == POD_WIRE_SHANK_R;
}

static int is_thigh(uint8_t placement) {
    return placement == POD_WIRE_THIGH_L || placement == POD_WIRE_THIGH_R;
}

static double segment_rad(const runner *r, uint8_t placement, double time_s) {
    const curve *c = is_shank(placement) ? &r->shank : is_thigh(placement) ? &r->thigh : NULL;
    return c != NULL ? angle_rad(r, c, side_of(placement), time_s) : 0.0;
}

typedef struct {
    double forward, up;
} point;

/* The hips fall to mid-stance and rise from there, and go faster while they rise. */
static point hips(const runner *r, double time_s) {
    const double turn = 4.0 * PI / r->stride_s, since_s = time_s - 0.18 * r->stride_s;
    const double share = going(r, time_s) * (r->stride_s / 0.7) * (r->stride_s / 0.7);
    return (point){-0.006 * share * sin(turn * since_s), -0.045 * share * cos(turn * since_s)};
}

static point place_of(const runner *r, uint8_t placement, double time_s) {
    point p = hips(r, time_s);
    const int side = side_of(placement);
    const double thigh_m = 0.245 * HEIGHT_M, shank_m = 0.246 * HEIGHT_M;
    if (is_thigh(placement) || is_shank(placement)) {
        const double along_m = is_thigh(placement) ? 0.65 * thigh_m : thigh_m;
        const double thigh = angle_rad(r, &r->thigh, side, time_s);
        p.forward += along_m * sin(thigh);
        p.up -= along_m * cos(thigh);
    }
    if (is_shank(placement)) {
        const double shank = angle_rad(r, &r->shank, side, time_s);
        p.forward += 0.75 * shank_m * sin(shank);
        p.up -= 0.75 * shank_m * cos(shank);
    }
    return p;
}

/* Pods sit askew, each differently: turned about the limb, then tipped sideways. */
static void into_pod(uint8_t placement, double forward, double up, double right, double out[3]) {
    const double turn = 1.3 * placement, tip = 0.9 * placement;
    const double x = forward * cos(turn) - right * sin(turn);
    const double z = forward * sin(turn) + right * cos(turn);
    out[0] = x * cos(tip) - up * sin(tip);
    out[1] = x * sin(tip) + up * cos(tip);
    out[2] = z;
}

static int16_t raw(double value, double nano_per_lsb) {
    return (int16_t)lround(fmin(32767.0, fmax(-32767.0, value * 1e9 / nano_per_lsb)));
}

static pod_wire_sample sample_at(const runner *r, uint8_t placement, double time_s) {
    const double h = 1e-3;
    const point before = place_of(r, placement, time_s - h), at = place_of(r, placement, time_s),
                after = place_of(r, placement, time_s + h);
    const double forward = (after.forward - 2.0 * at.forward + before.forward) / (h * h);
    const double up = (after.up - 2.0 * at.up + before.up) / (h * h) + GRAVITY_MPS2;
    const double angle = segment_rad(r, placement, time_s);
    const double rate =
        (segment_rad(r, placement, time_s + h) - segment_rad(r, placement, time_s - h)) / (2.0 * h);
    double acc[3], gyr[3];
    into_pod(placement, forward * cos(angle) + up * sin(angle),
             up * cos(angle) - forward * sin(angle), 0.0, acc);
    into_pod(placement, 0.0, 0.0, rate, gyr);
    pod_wire_sample sample;
    for (int i = 0; i < 3; i++) {
        sample.acc[i] = raw(acc[i], ACC_NM_S2);
        sample.gyr[i] = raw(gyr[i], GYR_NRAD_S);
    }
    return sample;
}

/* ---- packets and what comes of them ---- */

typedef struct {
    int stride_count, event_count;
    stride_record strides[MAX_STRIDES];
    stride_event events[MAX_EVENTS];
} findings;

static findings found;

static void keep(stride_kernel *kernel, stride_kernel_output *output) {
    for (;;) {
        for (int i = 0; i < output->stride_count && found.stride_count < MAX_STRIDES; i++) {
            found.strides[found.stride_count++] = output->strides[i];
        }
        for (int i = 0; i < output->event_count && found.event_count < MAX_EVENTS; i++) {
            found.events[found.event_count++] = output->events[i];
        }
        if (!output->more) {
            return;
        }
        stride_kernel_take(kernel, output);
    }
}

static size_t info_bytes(uint8_t placement, uint32_t rate_mhz, uint8_t *bytes) {
    const pod_wire_info info = {.rate_mhz = rate_mhz,
                                .acc_nm_s2_per_lsb = ACC_NM_S2,
                                .gyr_nrad_s_per_lsb = GYR_NRAD_S,
                                .placement = placement,
                                .batch = BATCH};
    size_t length = 0;
    CHECK_INT(pod_wire_encode_info(&info, bytes, POD_WIRE_INFO_BYTES, &length), POD_WIRE_OK);
    return length;
}

static int32_t add(stride_kernel *kernel, uint8_t placement) {
    uint8_t bytes[POD_WIRE_INFO_BYTES];
    int32_t pod = -1;
    const size_t length = info_bytes(placement, (uint32_t)(RATE_HZ * 1000.0), bytes);
    CHECK_INT(stride_kernel_add_pod(kernel, bytes, length, &pod), STRIDE_KERNEL_OK);
    return pod;
}

static size_t packet_bytes(const runner *r, uint8_t placement, int first, int count,
                           uint8_t *bytes) {
    pod_wire_packet packet = {.pod_clock_us = (uint32_t)llround(1e6 * first / r->rate_hz),
                              .sequence = (uint16_t)(first / BATCH),
                              .placement = placement,
                              .count = (uint8_t)count};
    for (int i = 0; i < count; i++) {
        packet.samples[i] = sample_at(r, placement, (first + i) / r->rate_hz);
    }
    size_t length = 0;
    CHECK_INT(pod_wire_encode(&packet, bytes, POD_WIRE_MAX_BYTES, &length), POD_WIRE_OK);
    return length;
}

static double arrival_s(const runner *r, int first, int count) {
    return r->start_s + (first + count - 1) / r->rate_hz + 0.004;
}

/* Seconds (of the run) without packets of one pod. */
typedef struct {
    uint8_t placement;
    double from_s, to_s;
} silence;

static const silence NONE = {0, 0.0, 0.0};

/* Everything that the pods send between the two times. */
static void wear(stride_kernel *kernel, const runner *r, const uint8_t *placements, double from_s,
                 double to_s, silence quiet) {
    const int first = BATCH * (int)ceil(from_s * r->rate_hz / BATCH);
    for (int at = first; (at + BATCH) / r->rate_hz <= to_s; at += BATCH) {
        for (int32_t pod = 0; placements[pod] != 0; pod++) {
            const double time_s = at / r->rate_hz;
            if (placements[pod] == quiet.placement && time_s >= quiet.from_s &&
                time_s < quiet.to_s) {
                continue;
            }
            uint8_t bytes[POD_WIRE_MAX_BYTES];
            stride_kernel_output output;
            const size_t length = packet_bytes(r, placements[pod], at, BATCH, bytes);
            CHECK_INT(
                stride_kernel_push(kernel, pod, bytes, length, arrival_s(r, at, BATCH), &output),
                STRIDE_KERNEL_OK);
            keep(kernel, &output);
        }
    }
}

static stride_kernel *worn_with(const uint8_t *placements, const stride_kernel_settings *settings) {
    stride_kernel *kernel = stride_kernel_create(settings);
    found.stride_count = found.event_count = 0;
    if (CHECK(kernel != NULL)) {
        for (; *placements != 0; placements++) {
            (void)add(kernel, *placements);
        }
    }
    return kernel;
}

static stride_kernel *worn(const uint8_t *placements) {
    stride_kernel_settings settings = stride_kernel_default_settings();
    settings.height_m = HEIGHT_M;
    return worn_with(placements, &settings);
}

static void finish(stride_kernel *kernel) {
    stride_kernel_output output;
    stride_kernel_finish(kernel, &output);
    keep(kernel, &output);
    stride_kernel_destroy(kernel);
}

static const uint8_t FIVE[] = {POD_WIRE_PELVIS,  POD_WIRE_THIGH_L, POD_WIRE_THIGH_R,
                               POD_WIRE_SHANK_L, POD_WIRE_SHANK_R, 0};
static const uint8_t SHANKS[] = {POD_WIRE_SHANK_L, POD_WIRE_SHANK_R, 0};

/* ---- creation ---- */

static int is_refused(stride_kernel_settings settings) {
    stride_kernel *kernel = stride_kernel_create(&settings);
    stride_kernel_destroy(kernel);
    return kernel == NULL;
}

static void test_settings(void) {
    const stride_kernel_settings usual = stride_kernel_default_settings();
    CHECK(!is_refused(usual));
    const double infinite = (double)INFINITY;
    const double odd[] = {UNKNOWN, infinite, -infinite, 1e9, -1e9, -60.0};
    for (int i = 0; i < 6; i++) {
        stride_kernel_settings s[7] = {usual, usual, usual, usual, usual, usual, usual};
        s[0].height_m = s[1].mass_kg = s[2].leg_length_m[i % 2] = odd[i];
        s[3].standing_thigh_deg = s[4].standing_shank_deg = odd[i];
        s[5].speed_factor = s[6].join_wait_s = odd[i];
        for (int k = 0; k < 7; k++) {
            const int may_be_unknown = k < 3 && isnan(odd[i]);
            CHECK_INT(is_refused(s[k]), !may_be_unknown);
        }
    }
}

static void test_memory(void) {
    CHECK(stride_kernel_size() <= (size_t)256 * 1024);
    CHECK(stride_kernel_size() > (size_t)STRIDE_KERNEL_MAX_PODS * 1024);
}

static void test_destroying_nothing(void) { stride_kernel_destroy(NULL); }

/* ---- pods ---- */

static void test_every_placement_once(void) {
    static const uint8_t all[] = {1, 2, 3, 4, 5, 6, 7, 8, 0};
    stride_kernel *kernel = worn(all);
    uint8_t bytes[POD_WIRE_INFO_BYTES];
    int32_t pod = 77;
    for (uint8_t placement = 1; placement <= 8; placement++) {
        const size_t length = info_bytes(placement, 208000, bytes);
        CHECK_INT(stride_kernel_add_pod(kernel, bytes, length, &pod), STRIDE_KERNEL_BAD_POD);
    }
    CHECK_INT(pod, 77);
    stride_kernel_pod_status status;
    for (int32_t i = 0; i < 8; i++) {
        CHECK_INT(stride_kernel_status(kernel, i, &status), STRIDE_KERNEL_OK);
        CHECK_INT(status.placement, i + 1);
        CHECK_INT(status.packets, 0);
        CHECK_NEAR(status.alignment_confidence, 0.0, 0.0);
    }
    CHECK_INT(stride_kernel_status(kernel, 8, &status), STRIDE_KERNEL_BAD_POD);
    CHECK_INT(stride_kernel_status(kernel, -1, &status), STRIDE_KERNEL_BAD_POD);
    stride_kernel_destroy(kernel);
}

static void test_taken_placement(void) {
    stride_kernel *kernel = worn(SHANKS);
    uint8_t bytes[POD_WIRE_INFO_BYTES];
    int32_t pod = 77;
    const size_t length = info_bytes(POD_WIRE_SHANK_L, 104000, bytes);
    CHECK_INT(stride_kernel_add_pod(kernel, bytes, length, &pod), STRIDE_KERNEL_BAD_POD);
    CHECK_INT(pod, 77);
    CHECK_INT(add(kernel, POD_WIRE_CHEST), 2);
    stride_kernel_destroy(kernel);
}

static void test_broken_info(void) {
    stride_kernel *kernel = worn(SHANKS);
    uint8_t bytes[POD_WIRE_INFO_BYTES];
    int32_t pod = 77;
    const size_t length = info_bytes(POD_WIRE_PELVIS, 208000, bytes);
    CHECK_INT(stride_kernel_add_pod(kernel, bytes, length - 1, &pod), STRIDE_KERNEL_BAD_PACKET);
    bytes[0] = 0xFF;
    CHECK_INT(stride_kernel_add_pod(kernel, bytes, length, &pod), STRIDE_KERNEL_BAD_PACKET);
    CHECK_INT(pod, 77);
    stride_kernel_destroy(kernel);
}

/* ---- packets ---- */

static void check_nothing(const stride_kernel_output *output) {
    CHECK_INT(output->event_count, 0);
    CHECK_INT(output->stride_count, 0);
    CHECK_INT(output->more, 0);
}

static void test_bad_packets_are_counted(void) {
    const runner r = runner_of(0.7);
    stride_kernel *kernel = worn(SHANKS);
    uint8_t bytes[POD_WIRE_MAX_BYTES];
    stride_kernel_output output;
    memset(&output, 0x55, sizeof output);
    const size_t length = packet_bytes(&r, POD_WIRE_SHANK_L, 0, BATCH, bytes);
    const double at_s = arrival_s(&r, 0, BATCH);

    CHECK_INT(stride_kernel_push(kernel, 2, bytes, length, at_s, &output), STRIDE_KERNEL_BAD_POD);
    check_nothing(&output);
    CHECK_INT(stride_kernel_push(kernel, -1, bytes, length, at_s, &output), STRIDE_KERNEL_BAD_POD);
    CHECK_INT(stride_kernel_push(kernel, 0, bytes, length - 1, at_s, &output),
              STRIDE_KERNEL_BAD_PACKET);
    CHECK_INT(output.wire_result, POD_WIRE_TOO_SHORT);
    check_nothing(&output);
    CHECK_INT(stride_kernel_push(kernel, 0, bytes, 0, at_s, &output), STRIDE_KERNEL_BAD_PACKET);
    CHECK_INT(stride_kernel_push(kernel, 1, bytes, length, at_s, &output),
              STRIDE_KERNEL_WRONG_PLACEMENT);
    const double bad_s[] = {UNKNOWN, (double)INFINITY, -(double)INFINITY, 1e300};
    for (int i = 0; i < 4; i++) {
        CHECK_INT(stride_kernel_push(kernel, 0, bytes, length, bad_s[i], &output),
                  STRIDE_KERNEL_BAD_TIME);
        check_nothing(&output);
    }
    CHECK_INT(stride_kernel_push(kernel, 0, bytes, length, at_s, &output), STRIDE_KERNEL_OK);
    CHECK_INT(output.wire_result, POD_WIRE_OK);
    CHECK_INT(stride_kernel_push(kernel, 0, bytes, length, at_s, &output), STRIDE_KERNEL_STALE);

    stride_kernel_pod_status status;
    (void)stride_kernel_status(kernel, 0, &status);
    CHECK_INT(status.bad_packets, 6);
    CHECK_INT(status.stale_packets, 1);
    CHECK_INT(status.packets, 1);
    CHECK_INT(status.samples, BATCH);
    (void)stride_kernel_status(kernel, 1, &status);
    CHECK_INT(status.bad_packets, 1);
    CHECK_INT(status.packets, 0);
    stride_kernel_destroy(kernel);
}

static void test_arrivals_do_not_go_back(void) {
    const runner r = runner_of(0.7);
    stride_kernel *kernel = worn(SHANKS);
    uint8_t bytes[POD_WIRE_MAX_BYTES];
    stride_kernel_output output;
    size_t length = packet_bytes(&r, POD_WIRE_SHANK_L, 0, BATCH, bytes);
    (void)stride_kernel_push(kernel, 0, bytes, length, 1000.0, &output);
    length = packet_bytes(&r, POD_WIRE_SHANK_L, BATCH, BATCH, bytes);
    CHECK_INT(stride_kernel_push(kernel, 0, bytes, length, 999.0, &output), STRIDE_KERNEL_BAD_TIME);
    CHECK_INT(stride_kernel_push(kernel, 0, bytes, length, 1000.04, &output), STRIDE_KERNEL_OK);
    stride_kernel_destroy(kernel);
}

static void test_losses_are_counted_and_bridged(void) {
    const runner r = runner_of(0.7);
    stride_kernel *kernel = worn(SHANKS);
    const silence lost = {POD_WIRE_SHANK_L, 1.0, 1.0 + BATCH / RATE_HZ};
    wear(kernel, &r, SHANKS, 0.0, 2.0, lost);
    stride_kernel_pod_status status;
    (void)stride_kernel_status(kernel, 0, &status);
    CHECK_INT(status.lost_packets, 1);
    CHECK_INT(status.filled_samples, BATCH);
    CHECK_INT(status.long_gaps, 0);
    stride_kernel_destroy(kernel);
}

/* ---- a run ---- */

static const stride_record *stride_at(int i) { return &found.strides[i]; }

/* Consecutive, alternating, each of the true length. */
static void check_run(double stride_s, int least_strides) {
    uint32_t next_index[2] = {0, 0};
    CHECK(found.stride_count >= least_strides);
    for (int i = 0; i < found.stride_count; i++) {
        const stride_record *s = stride_at(i);
        CHECK_INT(s->index, next_index[s->side]);
        next_index[s->side] = s->index + 1;
        if (s->ic_s > 1000.0 + STAND_S + BLEND_S + 3.0) {
            CHECK_NEAR(s->stride_time_ms, 1000.0 * stride_s, 6.0);
            CHECK_NEAR(s->cadence_spm, 120.0 / stride_s, 2.0);
            CHECK_INT(s->gait, STRIDE_GAIT_RUNNING);
            CHECK(s->ic_s < s->to_s && s->to_s < s->next_ic_s);
            if (i > 0) {
                CHECK(s->side != stride_at(i - 1)->side);
            }
        }
    }
}

static double most_of(const curve *c, double sign) {
    double most = -1e9;
    for (int i = 0; i < 1000; i++) {
        most = fmax(most, sign * (value_of(c, i / 1000.0) - 6.0));
    }
    return most;
}

static void test_a_run(void) {
    const runner r = runner_of(0.7);
    stride_kernel *kernel = worn(FIVE);
    CHECK_INT(stride_kernel_gait(kernel), STRIDE_GAIT_UNKNOWN);
    wear(kernel, &r, FIVE, 0.0, STAND_S, NONE);
    CHECK_INT(stride_kernel_gait(kernel), STRIDE_GAIT_STANDING);
    CHECK_INT(found.stride_count + found.event_count, 0);
    wear(kernel, &r, FIVE, STAND_S, 18.0, NONE);
    CHECK_INT(stride_kernel_gait(kernel), STRIDE_GAIT_RUNNING);
    stride_kernel_pod_status status;
    for (int32_t pod = 0; pod < 5; pod++) {
        CHECK_INT(stride_kernel_status(kernel, pod, &status), STRIDE_KERNEL_OK);
        CHECK(status.has_standing);
        CHECK(status.alignment_confidence > 0.51f);
        CHECK_NEAR(status.rate_hz, RATE_HZ, 0.1);
        CHECK_NEAR(status.last_sample_s, 1018.0, 0.08);
        CHECK_INT(status.bad_packets + status.lost_packets + status.long_gaps, 0);
    }
    finish(kernel);
    check_run(0.7, 34);
    int good = 0;
    for (int i = 0; i < found.stride_count; i++) {
        const stride_record *s = stride_at(i);
        if (s->ic_s < 1011.0) {
            continue;
        }
        good++;
        CHECK_INT(s->quality & ~(uint32_t)STRIDE_QUALITY_KINEMATIC_EVENTS, 0);
        CHECK_NEAR(s->kickback_deg, most_of(&r.shank, -1.0), 1.5);
        CHECK_NEAR(s->knee_lift_deg, most_of(&r.thigh, 1.0), 1.5);
        CHECK_NEAR(s->hip_extension_deg, most_of(&r.thigh, -1.0), 1.5);
        CHECK_NEAR(s->lean_deg, 0.0, 1.0);
        CHECK_NEAR(s->vertical_oscillation_mm, 90.0, 5.0);
        CHECK_NEAR(s->alignment_confidence, 0.75, 0.25);
        CHECK(s->speed_mps > 1.5f && s->speed_mps < 6.0f);
    }
    CHECK(good >= 16);
}

/* A pod's status shows its angle relative to standing, whatever offsets the metrics add. */
static void test_the_angle_of_a_standing_pod(void) {
    const runner r = runner_of(0.7);
    stride_kernel_settings settings = stride_kernel_default_settings();
    settings.standing_thigh_deg = -4.0;
    settings.standing_shank_deg = -7.0;
    stride_kernel *kernel = worn_with(FIVE, &settings);
    wear(kernel, &r, FIVE, 0.0, STAND_S, NONE);
    for (int32_t pod = 0; pod < 5; pod++) {
        stride_kernel_pod_status status;
        (void)stride_kernel_status(kernel, pod, &status);
        CHECK_NEAR(status.angle_deg, 0.0, 0.2);
    }
    stride_kernel_destroy(kernel);
}

static void test_two_shanks_suffice(void) {
    const runner r = runner_of(0.7);
    stride_kernel *kernel = worn(SHANKS);
    wear(kernel, &r, SHANKS, 0.0, 15.0, NONE);
    finish(kernel);
    check_run(0.7, 26);
    const stride_record *last = stride_at(found.stride_count - 1);
    CHECK(last->quality & STRIDE_QUALITY_NO_THIGH);
    CHECK(last->quality & STRIDE_QUALITY_NO_PELVIS);
    CHECK(last->quality & STRIDE_QUALITY_KINEMATIC_EVENTS);
    CHECK_NEAR(last->kickback_deg, most_of(&r.shank, -1.0), 1.5);
    CHECK(isnan(last->knee_lift_deg) && isnan(last->lean_deg) && isnan(last->speed_mps));
}

/* Told first, refined later, each once. */
static void test_events_of_a_run(void) {
    const runner r = runner_of(0.7);
    stride_kernel *kernel = worn(FIVE);
    wear(kernel, &r, FIVE, 0.0, 18.0, NONE);
    finish(kernel);
    int told[2][3] = {{0}}, refined[2][3] = {{0}};
    for (int i = 0; i < found.event_count; i++) {
        const stride_event *e = &found.events[i];
        if (!CHECK(e->side == 0 || e->side == 1) || !CHECK(e->kind == 1 || e->kind == 2) ||
            e->time_s < 1008.0) {
            continue;
        }
        if (e->stage == STRIDE_STAGE_PROVISIONAL) {
            told[e->side][e->kind]++;
            CHECK(e->seen_s >= e->time_s);
            CHECK(e->seen_s - e->time_s <= 0.060);
        } else {
            refined[e->side][e->kind]++;
        }
        CHECK(isnan(e->shank_angle_deg) || e->stage == STRIDE_STAGE_PROVISIONAL);
    }
    for (int side = 0; side < 2; side++) {
        for (int kind = 1; kind <= 2; kind++) {
            CHECK_NEAR(told[side][kind], 10.0 / 0.7, 1.5);
            CHECK_NEAR(refined[side][kind], 10.0 / 0.7, 1.5);
        }
    }
}

static void test_without_leg_length(void) {
    const runner r = runner_of(0.7);
    const stride_kernel_settings settings = stride_kernel_default_settings();
    stride_kernel *kernel = worn_with(FIVE, &settings);
    wear(kernel, &r, FIVE, 0.0, 14.0, NONE);
    finish(kernel);
    if (CHECK(found.stride_count > 20)) {
        const stride_record *last = stride_at(found.stride_count - 1);
        CHECK(last->quality & STRIDE_QUALITY_NO_LEG_LENGTH);
        CHECK(isnan(last->speed_mps));
        CHECK(!isnan(last->heel_lift_ratio));
    }
}

static void test_standing_makes_no_strides(void) {
    runner r = runner_of(0.7);
    r.run_from_s = 1e9;
    stride_kernel *kernel = worn(FIVE);
    wear(kernel, &r, FIVE, 0.0, 10.0, NONE);
    CHECK_INT(stride_kernel_gait(kernel), STRIDE_GAIT_STANDING);
    finish(kernel);
    CHECK_INT(found.stride_count + found.event_count, 0);
}

/* ---- losses ---- */

static void test_a_hole_flags_and_invents_nothing(void) {
    const runner r = runner_of(0.7);
    const silence hole = {POD_WIRE_SHANK_L, 12.0, 12.5};
    stride_kernel *kernel = worn(FIVE);
    wear(kernel, &r, FIVE, 0.0, 20.0, hole);
    stride_kernel_pod_status status;
    (void)stride_kernel_status(kernel, 3, &status);
    CHECK_INT(status.long_gaps, 1);
    finish(kernel);
    double last_end_s[2] = {0.0, 0.0};
    for (int i = 0; i < found.stride_count; i++) {
        const stride_record *s = stride_at(i);
        if (s->ic_s < 1008.0) {
            continue;
        }
        CHECK_NEAR(s->stride_time_ms, 700.0, 25.0);
        CHECK(s->ic_s > last_end_s[s->side] - 0.1);
        last_end_s[s->side] = s->next_ic_s;
        if (s->side == STRIDE_SIDE_LEFT && s->ic_s < 1012.5 && s->next_ic_s > 1012.0) {
            CHECK(s->quality & STRIDE_QUALITY_GAP);
            CHECK(isnan(s->kickback_deg));
        }
        if (s->ic_s > 1016.5) { /* whole cycles have set the vertical again */
            CHECK((s->quality & STRIDE_QUALITY_GAP) == 0);
            CHECK(!isnan(s->kickback_deg));
        }
    }
}

/* The pelvis falls silent for good: strides wait for it at most once, then go on without. */
static void test_a_lost_pod_holds_nobody_up(void) {
    const runner r = runner_of(0.7);
    const silence lost = {POD_WIRE_PELVIS, 12.0, 1e9};
    stride_kernel *kernel = worn(FIVE);
    wear(kernel, &r, FIVE, 0.0, 20.0, lost);
    if (!CHECK(found.stride_count > 30)) {
        stride_kernel_destroy(kernel);
        return;
    }
    const stride_record *last = stride_at(found.stride_count - 1);
    CHECK(last->next_ic_s > 1020.0 - 0.7 - 0.3);
    CHECK(isnan(last->lean_deg));
    CHECK(last->quality & (STRIDE_QUALITY_LATE | STRIDE_QUALITY_GAP));
    CHECK(!isnan(last->kickback_deg) && !isnan(last->knee_lift_deg));
    finish(kernel);
}

/* Time goes on without packets: what waited is told. */
static void test_advance_ends_the_wait(void) {
    const runner r = runner_of(0.7);
    const silence late = {POD_WIRE_PELVIS, 11.8, 1e9};
    stride_kernel *kernel = worn(FIVE);
    stride_kernel_output output;
    wear(kernel, &r, FIVE, 0.0, 12.0, late);
    const int before = found.event_count;
    stride_kernel_advance(kernel, UNKNOWN, &output);
    keep(kernel, &output);
    stride_kernel_advance(kernel, 900.0, &output);
    keep(kernel, &output);
    CHECK_INT(found.event_count, before);
    stride_kernel_advance(kernel, 1013.0, &output);
    keep(kernel, &output);
    CHECK(found.event_count > before);
    CHECK_INT(output.wire_result, POD_WIRE_OK);
    stride_kernel_destroy(kernel);
}

/* A second of waiting at 286 steps a minute: more strides than one output holds. */
static void test_what_does_not_fit_waits_for_take(void) {
    const runner r = runner_of(0.42);
    stride_kernel_settings settings = stride_kernel_default_settings();
    settings.join_wait_s = 1.0;
    stride_kernel *kernel = worn_with(SHANKS, &settings);
    const int32_t pelvis = add(kernel, POD_WIRE_PELVIS);
    static const uint8_t three[] = {POD_WIRE_SHANK_L, POD_WIRE_SHANK_R, POD_WIRE_PELVIS, 0};
    CHECK_INT(pelvis, 2);
    const silence late = {POD_WIRE_PELVIS, 14.0, 1e9};
    wear(kernel, &r, three, 0.0, 15.12, late);
    const int before = found.stride_count;
    stride_kernel_output output;
    stride_kernel_finish(kernel, &output);
    CHECK_INT(output.stride_count, STRIDE_KERNEL_MAX_STRIDES);
    CHECK_INT(output.more, 1);
    keep(kernel, &output);
    CHECK_INT(output.more, 0);
    CHECK(found.stride_count > before + STRIDE_KERNEL_MAX_STRIDES);
    check_run(0.42, 40);
    stride_kernel_take(kernel, &output);
    check_nothing(&output);
    stride_kernel_destroy(kernel);
}

/* ---- the mean cycle ---- */

static stride_cycle cycle_of(const stride_kernel *kernel, stride_side side) {
    stride_cycle cycle;
    memset(&cycle, 0x55, sizeof cycle);
    stride_kernel_cycle(kernel, side, &cycle);
    return cycle;
}

/* Consecutive floats, all unknown. */
static int is_unknown(const float *values, int count) {
    int unknown = 0;
    for (int i = 0; i < count; i++) {
        unknown += isnan(values[i]) != 0;
    }
    return unknown == count;
}

static void check_no_cycle(const stride_kernel *kernel) {
    for (int side = 0; side < 2; side++) {
        const stride_cycle cycle = cycle_of(kernel, (stride_side)side);
        CHECK_INT(cycle.strides, 0);
        CHECK(isnan(cycle.toe_off_share));
        CHECK(is_unknown(cycle.thigh_deg, STRIDE_CYCLE_POINTS));
        CHECK(is_unknown(cycle.shank_deg, STRIDE_CYCLE_POINTS));
    }
}

/* The last five of a side with known angles of the shank; how many there are. */
static int last_strides(int side, const stride_record **strides) {
    int count = 0;
    for (int i = found.stride_count - 1; i >= 0 && count < STRIDE_CYCLE_STRIDES; i--) {
        if (stride_at(i)->side == side && !isnan(stride_at(i)->kickback_deg)) {
            strides[count++] = stride_at(i);
        }
    }
    return count;
}

static void test_the_mean_cycle_is_how_the_leg_moves(void) {
    const runner r = runner_of(0.7);
    stride_kernel *kernel = worn(FIVE);
    check_no_cycle(kernel);
    wear(kernel, &r, FIVE, 0.0, STAND_S, NONE);
    check_no_cycle(kernel);
    wear(kernel, &r, FIVE, STAND_S, 18.0, NONE);
    for (int side = 0; side < 2; side++) {
        const stride_record *last[STRIDE_CYCLE_STRIDES] = {NULL};
        const stride_cycle cycle = cycle_of(kernel, (stride_side)side);
        CHECK_INT(cycle.strides, STRIDE_CYCLE_STRIDES);
        CHECK_NEAR(cycle.thigh_of_leg, 0.499, 0.001);
        if (!CHECK_INT(last_strides(side, last), STRIDE_CYCLE_STRIDES)) {
            continue;
        }
        double duty = 0.0, phase = 0.0;
        for (int i = 0; i < STRIDE_CYCLE_STRIDES; i++) {
            duty += (double)last[i]->duty_factor / STRIDE_CYCLE_STRIDES;
            /* the link's constant delay is in hub time */
            const double contact = phase_of(&r, side, last[i]->ic_s - 1000.0 - 0.004);
            phase += (contact - floor(contact + 0.5)) / STRIDE_CYCLE_STRIDES;
        }
        CHECK_NEAR(cycle.toe_off_share, duty, 1e-6);
        for (int i = 0; i < STRIDE_CYCLE_POINTS; i++) {
            const double at = phase + (double)i / STRIDE_CYCLE_POINTS;
            CHECK_NEAR(cycle.thigh_deg[i], value_of(&r.thigh, at) - 6.0, 2.0);
            CHECK_NEAR(cycle.shank_deg[i], value_of(&r.shank, at) - 6.0, 2.0);
        }
    }
    stride_kernel_destroy(kernel);
}

static void test_the_mean_cycle_of_two_shanks_has_no_thigh(void) {
    const runner r = runner_of(0.7);
    stride_kernel *kernel = worn(SHANKS);
    wear(kernel, &r, SHANKS, 0.0, 15.0, NONE);
    const stride_cycle cycle = cycle_of(kernel, STRIDE_SIDE_RIGHT);
    CHECK_INT(cycle.strides, STRIDE_CYCLE_STRIDES);
    CHECK(is_unknown(cycle.thigh_deg, STRIDE_CYCLE_POINTS));
    CHECK(!isnan(cycle.toe_off_share));
    for (int i = 0; i < STRIDE_CYCLE_POINTS; i++) {
        CHECK(fabsf(cycle.shank_deg[i]) < 120.0f);
    }
    stride_kernel_destroy(kernel);
}

/* A thigh that falls silent stays in the mean of the strides it was known in, and no longer. */
static void test_the_mean_cycle_without_the_thigh_of_late(void) {
    const runner r = runner_of(0.7);
    const silence lost = {POD_WIRE_THIGH_L, 14.0, 1e9};
    stride_kernel *kernel = worn(FIVE);
    wear(kernel, &r, FIVE, 0.0, 16.0, lost);
    stride_cycle cycle = cycle_of(kernel, STRIDE_SIDE_LEFT);
    const stride_record *last[STRIDE_CYCLE_STRIDES] = {NULL};
    if (CHECK_INT(last_strides(STRIDE_SIDE_LEFT, last), STRIDE_CYCLE_STRIDES)) {
        CHECK(isnan(last[0]->knee_lift_deg));
        CHECK(!isnan(last[STRIDE_CYCLE_STRIDES - 1]->knee_lift_deg));
    }
    CHECK_INT(cycle.strides, STRIDE_CYCLE_STRIDES);
    CHECK(!is_unknown(cycle.thigh_deg, STRIDE_CYCLE_POINTS));
    wear(kernel, &r, FIVE, 16.0, 20.0, lost);
    cycle = cycle_of(kernel, STRIDE_SIDE_LEFT);
    CHECK_INT(cycle.strides, STRIDE_CYCLE_STRIDES);
    CHECK(is_unknown(cycle.thigh_deg, STRIDE_CYCLE_POINTS));
    stride_kernel_destroy(kernel);
}

static void test_the_mean_cycle_forgets(void) {
    const runner r = runner_of(0.7);
    stride_kernel *kernel = worn(FIVE);
    stride_kernel_output output;
    wear(kernel, &r, FIVE, 0.0, 18.0, NONE);
    const stride_record *last[STRIDE_CYCLE_STRIDES] = {NULL};
    CHECK_INT(last_strides(STRIDE_SIDE_LEFT, last), STRIDE_CYCLE_STRIDES);
    const double end_s = last[0] != NULL ? last[0]->next_ic_s : 0.0;
    stride_kernel_advance(kernel, end_s + 10.0 - 1.5 * 0.7, &output);
    CHECK_INT(cycle_of(kernel, STRIDE_SIDE_LEFT).strides, 2);
    stride_kernel_advance(kernel, end_s + 11.0, &output);
    check_no_cycle(kernel);
    stride_kernel_destroy(kernel);
}

static int is_same(float a, float b) { return a == b || (isnan(a) && isnan(b)); }

/* With a hole, so that all there is to remember changes. */
static void test_asking_for_the_mean_cycle_changes_nothing(void) {
    const runner r = runner_of(0.7);
    const silence hole = {POD_WIRE_SHANK_L, 9.0, 9.5};
    static findings unasked;
    stride_kernel *kernel = worn(FIVE);
    wear(kernel, &r, FIVE, 0.0, 16.0, hole);
    unasked = found;
    const stride_cycle left = cycle_of(kernel, STRIDE_SIDE_LEFT);
    stride_kernel_destroy(kernel);
    kernel = worn(FIVE);
    for (int step = 0; step < 8; step++) {
        wear(kernel, &r, FIVE, step * 2.0, step * 2.0 + 2.0, hole);
        (void)cycle_of(kernel, STRIDE_SIDE_LEFT);
        (void)cycle_of(kernel, STRIDE_SIDE_RIGHT);
    }
    const stride_cycle asked = cycle_of(kernel, STRIDE_SIDE_LEFT);
    CHECK_INT(asked.strides, left.strides);
    for (int i = 0; i < STRIDE_CYCLE_POINTS; i++) {
        CHECK(asked.thigh_deg[i] == left.thigh_deg[i]);
        CHECK(asked.shank_deg[i] == left.shank_deg[i]);
    }
    CHECK(found.stride_count > 20);
    CHECK_INT(found.event_count, unasked.event_count);
    CHECK_INT(found.stride_count, unasked.stride_count);
    for (int i = 0; i < found.stride_count; i++) {
        const stride_record *s = stride_at(i), *same = &unasked.strides[i];
        CHECK(s->ic_s == same->ic_s && s->to_s == same->to_s && s->next_ic_s == same->next_ic_s);
        CHECK_INT(s->quality, same->quality);
        CHECK(is_same(s->kickback_deg, same->kickback_deg));
        CHECK(is_same(s->knee_lift_deg, same->knee_lift_deg));
        CHECK(is_same(s->impact_g, same->impact_g));
    }
    stride_kernel_destroy(kernel);
}

/* ---- splitting ---- */

/* Samples in packets of any size give the same strides. */
static void test_packet_size_does_not_matter(void) {
    const runner r = runner_of(0.7);
    static findings by_eight;
    stride_kernel *kernel = worn(SHANKS);
    wear(kernel, &r, SHANKS, 0.0, 12.0, NONE);
    finish(kernel);
    by_eight = found;
    kernel = worn(SHANKS);
    int at[2] = {0, 0};
    for (uint16_t sequence = 0; at[1] / r.rate_hz < 12.0; sequence++) {
        for (int32_t pod = 0; pod < 2; pod++) {
            const int count = 1 + (sequence * 7 + pod * 3) % POD_WIRE_MAX_SAMPLES;
            uint8_t bytes[POD_WIRE_MAX_BYTES];
            stride_kernel_output output;
            const size_t length = packet_bytes(&r, SHANKS[pod], at[pod], count, bytes);
            bytes[2] = (uint8_t)(sequence & 0xFF);
            bytes[3] = (uint8_t)(sequence >> 8);
            CHECK_INT(stride_kernel_push(kernel, pod, bytes, length, arrival_s(&r, at[pod], count),
                                         &output),
                      STRIDE_KERNEL_OK);
            keep(kernel, &output);
            at[pod] += count;
        }
    }
    finish(kernel);
    for (int i = 0; i < found.stride_count && i < by_eight.stride_count; i++) {
        CHECK_INT(stride_at(i)->side, by_eight.strides[i].side);
        CHECK_NEAR(stride_at(i)->ic_s, by_eight.strides[i].ic_s, 1e-3);
        CHECK_NEAR(stride_at(i)->stride_time_ms, by_eight.strides[i].stride_time_ms, 1.0);
        CHECK_INT(stride_at(i)->quality, by_eight.strides[i].quality);
    }
    CHECK_NEAR(found.stride_count, by_eight.stride_count, 1.0);
}

/* ---- series ---- */

static void test_series(void) {
    const runner r = runner_of(0.7);
    enum { ROOM = 600 };
    static double time_s[ROOM];
    static float angle_deg[ROOM], rate_dps[ROOM];
    stride_kernel *kernel = worn(FIVE);
    CHECK_INT(stride_kernel_series(kernel, 3, ROOM, time_s, angle_deg, rate_dps), 0);
    wear(kernel, &r, FIVE, 0.0, 12.0, NONE);
    CHECK_INT(stride_kernel_series(kernel, -1, ROOM, time_s, angle_deg, rate_dps), 0);
    CHECK_INT(stride_kernel_series(kernel, 5, ROOM, time_s, angle_deg, rate_dps), 0);
    CHECK_INT(stride_kernel_series(kernel, 3, 0, time_s, angle_deg, rate_dps), 0);
    CHECK_INT(stride_kernel_series(kernel, 3, 10, time_s, angle_deg, rate_dps), 10);
    const double newest_s = time_s[9];
    const size_t count = stride_kernel_series(kernel, 3, ROOM, time_s, angle_deg, rate_dps);
    CHECK(count > 400 && count <= ROOM);
    CHECK_NEAR(time_s[count - 1], newest_s, 1e-9);
    CHECK_NEAR(newest_s, 1012.0, 0.1);
    for (size_t i = 1; i < count; i++) {
        CHECK_NEAR(time_s[i] - time_s[i - 1], 0.005, 1e-9);
        /* the link's constant delay is in hub time */
        const double true_s = time_s[i] - 1000.0 - 0.004;
        CHECK_NEAR(angle_deg[i], value_of(&r.shank, phase_of(&r, 0, true_s)), 2.0);
        const double h = 1e-3;
        const double rate = (value_of(&r.shank, phase_of(&r, 0, true_s + h)) -
                             value_of(&r.shank, phase_of(&r, 0, true_s - h))) /
                            (2.0 * h);
        CHECK_NEAR(rate_dps[i], rate, 15.0);
    }
    stride_kernel_destroy(kernel);
}

/* ---- hostile samples ---- */

/* Full-scale samples that no body makes, at the slowest rate and the widest range; after them a pod
 * at rest is at rest. */
static void test_recovery_from_impossible_samples(void) {
    const pod_wire_info info = {.rate_mhz = POD_WIRE_MIN_RATE_MHZ,
                                .acc_nm_s2_per_lsb = POD_WIRE_MAX_ACC_NM_S2_PER_LSB,
                                .gyr_nrad_s_per_lsb = POD_WIRE_MAX_GYR_NRAD_S_PER_LSB,
                                .placement = POD_WIRE_SHANK_L,
                                .batch = BATCH};
    stride_kernel_settings settings = stride_kernel_default_settings();
    settings.standing_shank_deg = 0.0;
    stride_kernel *kernel = stride_kernel_create(&settings);
    uint8_t bytes[POD_WIRE_MAX_BYTES];
    size_t length = 0;
    int32_t pod = -1;
    (void)pod_wire_encode_info(&info, bytes, sizeof bytes, &length);
    CHECK_INT(stride_kernel_add_pod(kernel, bytes, length, &pod), STRIDE_KERNEL_OK);
    const int16_t one_g = (int16_t)(GRAVITY_MPS2 * 1e9 / POD_WIRE_MAX_ACC_NM_S2_PER_LSB);
    for (int i = 0; i < 200; i++) {
        pod_wire_packet packet = {.pod_clock_us = (uint32_t)(i * BATCH * 20000),
                                  .sequence = (uint16_t)i,
                                  .placement = POD_WIRE_SHANK_L,
                                  .count = BATCH};
        for (int k = 0; k < BATCH; k++) {
            for (int axis = 0; axis < 3; axis++) {
                packet.samples[k].acc[axis] = INT16_MAX;
                packet.samples[k].gyr[axis] = INT16_MAX;
            }
        }
        for (int k = 0; k < BATCH && i >= 100; k++) {
            packet.samples[k] = (pod_wire_sample){.acc = {one_g, 0, 0}};
        }
        stride_kernel_output output;
        (void)pod_wire_encode(&packet, bytes, sizeof bytes, &length);
        CHECK_INT(stride_kernel_push(kernel, pod, bytes, length, 0.16 * (i + 1), &output),
                  STRIDE_KERNEL_OK);
    }
    stride_kernel_pod_status status;
    (void)stride_kernel_status(kernel, pod, &status);
    CHECK(status.has_standing);
    CHECK_NEAR(status.angle_deg, 0.0, 1.0);
    CHECK(status.gyro_bias_dps < 10.5f);
    stride_kernel_destroy(kernel);
}

int main(void) {
    RUN(test_settings);
    RUN(test_memory);
    RUN(test_destroying_nothing);
    RUN(test_every_placement_once);
    RUN(test_taken_placement);
    RUN(test_broken_info);
    RUN(test_bad_packets_are_counted);
    RUN(test_arrivals_do_not_go_back);
    RUN(test_losses_are_counted_and_bridged);
    RUN(test_a_run);
    RUN(test_the_angle_of_a_standing_pod);
    RUN(test_two_shanks_suffice);
    RUN(test_events_of_a_run);
    RUN(test_without_leg_length);
    RUN(test_standing_makes_no_strides);
    RUN(test_a_hole_flags_and_invents_nothing);
    RUN(test_a_lost_pod_holds_nobody_up);
    RUN(test_advance_ends_the_wait);
    RUN(test_what_does_not_fit_waits_for_take);
    RUN(test_the_mean_cycle_is_how_the_leg_moves);
    RUN(test_the_mean_cycle_of_two_shanks_has_no_thigh);
    RUN(test_the_mean_cycle_without_the_thigh_of_late);
    RUN(test_the_mean_cycle_forgets);
    RUN(test_asking_for_the_mean_cycle_changes_nothing);
    RUN(test_packet_size_does_not_matter);
    RUN(test_series);
    RUN(test_recovery_from_impossible_samples);
    return check_report();
}
