#include "pod_track.h"

#include <math.h>
#include <string.h>

#include "vec3.h"

static const float DEGREES = 57.29577951f; /* per radian */

/* Gaps up to here are bridged by a cubic that meets both ends: two packets of 8 samples at 208 Hz. */
static const double BRIDGE_S = 0.1;
/* Gaps up to here are walked across, so that orientation goes on from a rough guess. */
static const double WALK_S = 0.6;

static const float REST_WINDOW_S = 0.5f;
static const float REST_GYR_RPS = 0.09f;  /* rms over the three axes; a standing person sways at 1..3 deg/s */
static const float REST_ACC_MPS2 = 0.5f;  /* rms */
static const float REST_BIAS_RPS = 0.2f;  /* a slower, steadier turn than this may be bias */
static const float REST_G_TOLERANCE = 0.1f; /* of g, for the accelerometer's own errors */
enum { REST_WINDOWS = 3 }; /* quiet in a row before the middle one counts */

static const float CYCLE_MIN_S = 0.4f; /* a stride at 300 steps a minute */
static const float CYCLE_MAX_S = 1.6f; /* slow walking */
static const float CYCLE_SWING_RPS = 0.6f; /* mean size of the swing rate in slow walking, thigh */

static const int16_t CLIP_LSB = 32760;

static segment_kind kind_of(uint8_t placement) {
    switch (placement) {
    case POD_WIRE_THIGH_L:
    case POD_WIRE_THIGH_R:
        return SEGMENT_THIGH;
    case POD_WIRE_SHANK_L:
    case POD_WIRE_SHANK_R:
        return SEGMENT_SHANK;
    case POD_WIRE_FOOT_L:
    case POD_WIRE_FOOT_R:
        return SEGMENT_FOOT;
    default:
        return SEGMENT_TRUNK;
    }
}

static int side_of(uint8_t placement) {
    switch (placement) {
    case POD_WIRE_THIGH_L:
    case POD_WIRE_SHANK_L:
    case POD_WIRE_FOOT_L:
        return STRIDE_SIDE_LEFT;
    case POD_WIRE_THIGH_R:
    case POD_WIRE_SHANK_R:
    case POD_WIRE_FOOT_R:
        return STRIDE_SIDE_RIGHT;
    default:
        return -1;
    }
}

void pod_track_init(pod_track *pod, const pod_wire_info *info) {
    memset(pod, 0, sizeof *pod);
    pod->info = *info;
    pod->kind = kind_of(info->placement);
    pod->side = side_of(info->placement);
    pod->acc_scale = (float)info->acc_nm_s2_per_lsb * 1e-9f;
    pod->gyr_scale = (float)info->gyr_nrad_s_per_lsb * 1e-9f;
    const clock_sync_settings clock = clock_sync_default_settings((double)info->rate_mhz / 1000.0);
    (void)clock_sync_init(&pod->clock, &clock);
    const orientation_settings settings = orientation_default_settings();
    orientation_init(&pod->orientation, &settings);
    alignment_init(&pod->alignment, pod->kind);
    alignment_drop(&pod->alignment);
    shank_events_init(&pod->events);
}

/* ---- rest ---- */

static void rest_clear(rest_watch *rest) {
    memset(rest->acc_sum, 0, sizeof rest->acc_sum);
    memset(rest->gyr_sum, 0, sizeof rest->gyr_sum);
    rest->gyr_square = rest->acc_square = 0.0f;
    rest->samples = 0;
    rest->time_s = 0.0f;
}

static int rest_window_is_quiet(const rest_watch *rest, float acc_mean[3], float gyr_mean[3]) {
    const float share = 1.0f / (float)rest->samples;
    for (int i = 0; i < 3; i++) {
        acc_mean[i] = rest->acc_sum[i] * share;
        gyr_mean[i] = rest->gyr_sum[i] * share;
    }
    const float gyr_variance = rest->gyr_square * share - vec3_dot(gyr_mean, gyr_mean);
    const float acc_variance = rest->acc_square * share - vec3_dot(acc_mean, acc_mean);
    const float g_error = fabsf(vec3_norm(acc_mean) / ORIENTATION_GRAVITY_MPS2 - 1.0f);
    return gyr_variance < REST_GYR_RPS * REST_GYR_RPS &&
           acc_variance < REST_ACC_MPS2 * REST_ACC_MPS2 && vec3_norm(gyr_mean) < REST_BIAS_RPS &&
           g_error < REST_G_TOLERANCE;
}

/* The window before the last one counts, so that the beginning of a movement never does. */
static void rest_close_window(pod_track *pod) {
    rest_watch *rest = &pod->rest;
    float acc_mean[3], gyr_mean[3];
    if (!rest_window_is_quiet(rest, acc_mean, gyr_mean)) {
        rest->quiet_windows = 0;
        pod->at_rest = 0;
        return;
    }
    rest->quiet_windows += rest->quiet_windows < 100;
    if (rest->quiet_windows >= REST_WINDOWS) {
        orientation_close_rest(&pod->orientation, rest->acc_mean, rest->gyr_mean, rest->time_s);
        alignment_standing(&pod->alignment, rest->acc_mean);
        alignment_drop(&pod->alignment);
        pod->cycle.time_s = 0.0f;
        pod->at_rest = 1;
    }
    vec3_copy(acc_mean, rest->acc_mean);
    vec3_copy(gyr_mean, rest->gyr_mean);
}

static void rest_step(pod_track *pod, const imu_sample *sample, float dt_s) {
    rest_watch *rest = &pod->rest;
    vec3_add_scaled(rest->acc_sum, sample->acc_mps2, 1.0f);
    vec3_add_scaled(rest->gyr_sum, sample->gyr_rps, 1.0f);
    rest->acc_square += vec3_dot(sample->acc_mps2, sample->acc_mps2);
    rest->gyr_square += vec3_dot(sample->gyr_rps, sample->gyr_rps);
    rest->samples++;
    rest->time_s += dt_s;
    if (rest->time_s >= REST_WINDOW_S) {
        rest_close_window(pod);
        rest_clear(rest);
    }
}

/* ---- cycles ---- */

/* The swing of a limb is its rate about the medio-lateral axis, of the trunk its rise and fall. */
static int cycle_ticks(pod_track *pod, float about_rps, float dt_s) {
    cycle_clock *cycle = &pod->cycle;
    const int trunk = pod->kind == SEGMENT_TRUNK;
    const float swing = trunk ? pod->alignment.rise_mps : about_rps;
    cycle->time_s += dt_s;
    cycle->swing_rps += dt_s * (fabsf(swing) - cycle->swing_rps);
    const float threshold = 0.3f * cycle->swing_rps;
    if (swing < -threshold) {
        cycle->armed = 1;
        return 0;
    }
    if (!cycle->armed || swing < threshold) {
        return 0;
    }
    cycle->armed = 0;
    /* The trunk rises twice a stride: take every other tick, by the time between them. */
    return cycle->time_s >= CYCLE_MIN_S;
}

static int cycle_is_gait(const pod_track *pod) {
    const float least = pod->kind == SEGMENT_TRUNK ? 0.05f : CYCLE_SWING_RPS;
    return pod->cycle.swing_rps > least;
}

static void cycle_step(pod_track *pod, float about_rps, float dt_s) {
    const int ticks = cycle_ticks(pod, about_rps, dt_s);
    const float time_s = pod->cycle.time_s;
    if (!ticks && time_s < CYCLE_MAX_S) {
        return;
    }
    orientation_close_cycle(&pod->orientation, time_s);
    if (ticks && cycle_is_gait(pod)) {
        alignment_close_cycle(&pod->alignment);
    } else {
        alignment_close_other(&pod->alignment);
    }
    pod->cycle.time_s = 0.0f;
}

/* ---- samples ---- */

static uint32_t state_flags(const pod_track *pod, uint32_t sample_flags) {
    uint32_t flags = sample_flags;
    if (!orientation_is_settled(&pod->orientation)) {
        flags |= SLOT_SETTLING;
    }
    if (pod->alignment.confidence < 0.5f) {
        flags |= SLOT_UNCALIBRATED;
    }
    if (!pod->alignment.has_standing) {
        flags |= SLOT_NO_STANDING;
    }
    return flags;
}

static float lerp(float a, float b, float w) { return a + w * (b - a); }

/* The first grid number that is neither written nor before the last sample. */
static int64_t next_grid(const pod_track *pod) {
    const int64_t after_last = (int64_t)ceil(pod->last_s * TRACK_GRID_HZ);
    return pod->has_head && pod->head >= after_last ? pod->head + 1 : after_last;
}

/* Writes the grid slots between the last state and the new one. */
static void write_slots(pod_track *pod, const track_slot *next, double next_s) {
    const track_slot *last = &pod->state;
    const double step_s = next_s - pod->last_s;
    for (int64_t grid = next_grid(pod); grid_time_s(grid) <= next_s; grid++) {
        const float w = step_s > 0.0 ? (float)((grid_time_s(grid) - pod->last_s) / step_s) : 1.0f;
        track_slot *slot = &pod->slots[(uint64_t)grid % TRACK_SLOTS];
        slot->angle_deg = lerp(last->angle_deg, next->angle_deg, w);
        slot->rate_dps = lerp(last->rate_dps, next->rate_dps, w);
        slot->force_g = lerp(last->force_g, next->force_g, w);
        slot->yaw_deg = lerp(last->yaw_deg, next->yaw_deg, w);
        slot->magnitude_g = fmaxf(last->magnitude_g, next->magnitude_g);
        slot->flags = last->flags | next->flags;
        slot->grid = (uint32_t)grid;
        pod->head = grid;
        pod->has_head = 1;
    }
}

static void take_sample(pod_track *pod, const imu_sample *sample, double time_s, float dt_s,
                        uint32_t flags) {
    float rate_rps[3];
    const float *up = pod->orientation.up;
    orientation_step(&pod->orientation, sample->acc_mps2, sample->gyr_rps, dt_s, rate_rps);
    alignment_step(&pod->alignment, rate_rps, up, sample->acc_mps2, dt_s);
    const float about_rps = vec3_dot(rate_rps, pod->alignment.right);

    const track_slot next = {
        .angle_deg = DEGREES * atan2f(vec3_dot(up, pod->alignment.forward),
                                      vec3_dot(up, pod->alignment.up)),
        .rate_dps = DEGREES * about_rps,
        .force_g = vec3_dot(sample->acc_mps2, up) / ORIENTATION_GRAVITY_MPS2,
        .magnitude_g = vec3_norm(sample->acc_mps2) / ORIENTATION_GRAVITY_MPS2,
        .yaw_deg = pod->state.yaw_deg + DEGREES * dt_s * vec3_dot(rate_rps, up),
        .flags = state_flags(pod, flags),
    };
    if (pod->kind == SEGMENT_SHANK) {
        shank_events_step(&pod->events, next.rate_dps, next.angle_deg, time_s);
    }
    write_slots(pod, &next, time_s);
    pod->state = next;
    pod->before = pod->last;
    pod->last = *sample;
    pod->last_s = time_s;
    pod->samples++;
    cycle_step(pod, about_rps, dt_s);
    rest_step(pod, sample, dt_s);
}

/* Cubic through the two samples before and after a gap of `steps` steps (Catmull-Rom). */
static float bridge(float before, float last, float next, float after, float steps, float w) {
    const float m0 = (last - before) * steps, m1 = (after - next) * steps;
    const float w2 = w * w, w3 = w2 * w;
    return (2.0f * w3 - 3.0f * w2 + 1.0f) * last + (w3 - 2.0f * w2 + w) * m0 +
           (3.0f * w2 - 2.0f * w3) * next + (w3 - w2) * m1;
}

static void fill_gap(pod_track *pod, const imu_sample *next, const imu_sample *after, int missing,
                     double next_s, float dt_s, int smooth) {
    const imu_sample before = smooth ? pod->before : pod->last, last = pod->last;
    const imu_sample *beyond = smooth ? after : next;
    const double start_s = pod->last_s;
    const float steps = (float)(missing + 1);
    for (int k = 1; k <= missing; k++) {
        const float w = (float)k / steps;
        imu_sample made;
        for (int i = 0; i < 3; i++) {
            made.acc_mps2[i] = bridge(before.acc_mps2[i], last.acc_mps2[i], next->acc_mps2[i],
                                      beyond->acc_mps2[i], steps, w);
            made.gyr_rps[i] = bridge(before.gyr_rps[i], last.gyr_rps[i], next->gyr_rps[i],
                                     beyond->gyr_rps[i], steps, w);
        }
        take_sample(pod, &made, start_s + (next_s - start_s) * (double)w, dt_s,
                    smooth ? 0u : (uint32_t)SLOT_HOLE);
        pod->filled_samples++;
    }
}

static void lose_track(pod_track *pod) {
    pod->long_gaps++;
    orientation_disturbed(&pod->orientation);
    alignment_drop(&pod->alignment);
    shank_events_lost(&pod->events);
    rest_clear(&pod->rest);
    pod->rest.quiet_windows = 0;
    pod->cycle.armed = 0;
    pod->cycle.time_s = 0.0f;
}

/* Brings the track to just before the first sample of a packet. */
static void meet_packet(pod_track *pod, const imu_sample *next, const imu_sample *after,
                        const clock_stamp *stamp) {
    const double gap_s = stamp->first_s - pod->last_s;
    const double steps = gap_s / stamp->period_s;
    if (steps < 1.5) {
        return;
    }
    const float dt_s = (float)stamp->pod_period_s;
    const int missing = (int)fmin(steps - 0.5, WALK_S / stamp->period_s);
    if (gap_s <= BRIDGE_S) {
        fill_gap(pod, next, after, missing, stamp->first_s, dt_s, 1);
        return;
    }
    if (gap_s <= WALK_S) {
        fill_gap(pod, next, after, missing, stamp->first_s, dt_s, 0);
    } else {
        pod->has_head = 0;
    }
    lose_track(pod);
}

static int is_clipped(const pod_wire_sample *raw) {
    int clipped = 0;
    for (int i = 0; i < 3; i++) {
        clipped |= raw->acc[i] >= CLIP_LSB || raw->acc[i] <= -CLIP_LSB;
        clipped |= raw->gyr[i] >= CLIP_LSB || raw->gyr[i] <= -CLIP_LSB;
    }
    return clipped;
}

static imu_sample scaled(const pod_track *pod, const pod_wire_sample *raw) {
    imu_sample sample;
    for (int i = 0; i < 3; i++) {
        sample.acc_mps2[i] = (float)raw->acc[i] * pod->acc_scale;
        sample.gyr_rps[i] = (float)raw->gyr[i] * pod->gyr_scale;
    }
    return sample;
}

static void take_packet(pod_track *pod, const pod_wire_packet *packet, const clock_stamp *stamp) {
    const float dt_s = (float)stamp->pod_period_s;
    imu_sample sample = scaled(pod, &packet->samples[0]);
    if (pod->started) {
        const imu_sample after = packet->count > 1 ? scaled(pod, &packet->samples[1]) : sample;
        meet_packet(pod, &sample, &after, stamp);
    } else {
        pod->last_s = stamp->first_s;
        pod->last = pod->before = sample;
    }
    for (int i = 0; i < packet->count; i++) {
        uint32_t flags = packet->flags & POD_WIRE_FLAG_MOTOR ? (uint32_t)SLOT_MOTOR : 0u;
        if (is_clipped(&packet->samples[i])) {
            flags |= SLOT_CLIPPED;
            pod->clipped_samples++;
        }
        sample = scaled(pod, &packet->samples[i]);
        take_sample(pod, &sample, stamp->first_s + (double)i * stamp->period_s, dt_s, flags);
    }
    pod->started = 1;
}

stride_kernel_result pod_track_packet(pod_track *pod, const pod_wire_packet *packet,
                                      double arrival_s) {
    const uint16_t step = (uint16_t)(packet->sequence - pod->sequence);
    const int contiguous = pod->packets > 0 && step == 1;
    clock_stamp stamp;
    const clock_sync_event event = clock_sync_packet(&pod->clock, packet->pod_clock_us, packet->count,
                                                     contiguous, arrival_s, &stamp);
    if (event >= CLOCK_SYNC_STALE) {
        pod->stale_packets += event == CLOCK_SYNC_STALE;
        return event == CLOCK_SYNC_STALE ? STRIDE_KERNEL_STALE : STRIDE_KERNEL_BAD_TIME;
    }
    if (event == CLOCK_SYNC_RESTARTED) {
        pod->reboots++;
        pod->started = 0;
        pod->has_head = pod->has_head && grid_time_s(pod->head) < stamp.first_s;
        lose_track(pod);
    } else if (pod->packets > 0 && step > 1 && step < 0x8000) {
        pod->lost_packets += (uint64_t)(step - 1);
    }
    pod->sequence = packet->sequence;
    pod->packets++;
    take_packet(pod, packet, &stamp);
    return STRIDE_KERNEL_OK;
}

const track_slot *pod_track_slot(const pod_track *pod, int64_t grid) {
    if (!pod->has_head || grid > pod->head || grid <= pod->head - TRACK_SLOTS) {
        return NULL;
    }
    const track_slot *slot = &pod->slots[(uint64_t)grid % TRACK_SLOTS];
    return slot->grid == (uint32_t)grid && slot->flags != UINT32_MAX ? slot : NULL;
}
