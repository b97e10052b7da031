#include "pod_track.h"

#include <math.h>
#include <string.h>

#include "units.h"
#include "vec3.h"

static const float PER_G = 1.0f / GRAVITY_MPS2;

/* Gaps up to here are bridged by a cubic that meets both ends: one packet of 8 samples at 208 Hz.
 */
static const double BRIDGE_S = 0.06;

static const float CYCLE_MIN_S = 0.4f;     /* a stride at 300 steps a minute */
static const float CYCLE_MAX_S = 1.6f;     /* slow walking */
static const float CYCLE_SWING_RPS = 0.6f; /* mean size of the swing rate in slow walking, thigh */

static const int16_t CLIP_LSB = 32760;

/* An alignment of this confidence gives angles: three cycles of movement and a clear axis. */
static const float ENOUGH_CONFIDENCE = 0.51f;

/* What changes slowly is summed over every fourth sample. */
enum { SLOW_EVERY = 4 };

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

/* What orientation and alignment say of every slot until they change. */
static void refresh_flags(pod_track *pod) {
    pod->after_hole = pod->after_hole && !orientation_is_settled(&pod->orientation);
    pod->standing_flags =
        (orientation_is_settled(&pod->orientation) ? 0u : (uint32_t)SLOT_SETTLING) |
        (pod->alignment.confidence < ENOUGH_CONFIDENCE ? (uint32_t)SLOT_UNCALIBRATED : 0u) |
        (pod->alignment.has_standing ? 0u : (uint32_t)SLOT_NO_STANDING);
}

void pod_track_init(pod_track *pod, const pod_wire_info *info) {
    const double standing_until_s = pod->standing_until_s;
    memset(pod, 0, sizeof *pod);
    pod->standing_until_s = standing_until_s;
    pod->info = *info;
    pod->kind = kind_of(info->placement);
    pod->side = side_of(info->placement);
    pod->acc_scale = (float)info->acc_nm_s2_per_lsb * 1e-9f;
    pod->gyr_scale = (float)info->gyr_nrad_s_per_lsb * 1e-9f;
    rest_init(&pod->rest, (float)info->rate_mhz / (1000.0f * SLOW_EVERY));
    const clock_sync_settings clock = clock_sync_default_settings((double)info->rate_mhz / 1000.0);
    (void)clock_sync_init(&pod->clock, &clock);
    const orientation_settings settings = orientation_default_settings();
    orientation_init(&pod->orientation, &settings);
    alignment_init(&pod->alignment, pod->kind);
    alignment_drop(&pod->alignment);
    shank_events_init(&pod->events);
    refresh_flags(pod);
}

/* ---- rest ---- */

/* The window that has just ended was quiet. */
static void mark_still(pod_track *pod) {
    const int64_t window = (int64_t)(REST_WINDOW_S * TRACK_GRID_HZ);
    const int64_t held = pod->next - pod->first;
    for (int64_t i = 1; i <= (held < window ? held : window); i++) {
        pod->slots[(uint64_t)(pod->next - i) % TRACK_SLOTS].flags |= SLOT_OFF;
    }
}

static void watch_rest(pod_track *pod, const imu_sample *sample, float acc_square) {
    pod->rest.asked = pod->last_s < pod->standing_until_s;
    const rest_result result = rest_step(&pod->rest, sample->acc_mps2, sample->gyr_rps, acc_square);
    if (result == REST_OPEN) {
        return;
    }
    pod->at_rest = result == REST_QUIET;
    if (result != REST_BROKEN) {
        mark_still(pod);
    }
    if (result == REST_QUIET) {
        orientation_close_rest(&pod->orientation, pod->rest.acc_mean, pod->rest.gyr_mean,
                               REST_WINDOW_S);
        alignment_standing(&pod->alignment, pod->rest.acc_mean);
        alignment_drop(&pod->alignment);
        pod->cycle.time_s = 0.0f;
    }
    refresh_flags(pod);
}

/* ---- cycles ---- */

/* The swing of a limb is its rate about the medio-lateral axis, of the trunk its rise and fall. */
static int cycle_ticks(pod_track *pod, float swing_rps, float dt_s) {
    cycle_clock *cycle = &pod->cycle;
    const int trunk = pod->kind == SEGMENT_TRUNK;
    const float swing = trunk ? pod->alignment.rise_mps : swing_rps;
    cycle->time_s += dt_s;
    cycle->swing += dt_s * (fabsf(swing) - cycle->swing);
    if (!pod->alignment.has_axis) {
        return 0;
    }
    const float threshold = 0.3f * cycle->swing;
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
    return pod->cycle.swing > least;
}

static void close_cycle(pod_track *pod, float time_s, int ticked) {
    const int was_settled = orientation_is_settled(&pod->orientation);
    orientation_close_cycle(&pod->orientation, time_s);
    if (!was_settled) {
        alignment_drop(&pod->alignment);
    } else if (ticked && cycle_is_gait(pod)) {
        alignment_close_cycle(&pod->alignment);
    } else {
        alignment_close_other(&pod->alignment);
    }
}

static void refresh_swing(pod_track *pod) {
    pod->shows_swing = alignment_shows_swing(&pod->alignment);
    if (pod->axis_changes != pod->alignment.axis_changes) {
        pod->axis_changes = pod->alignment.axis_changes;
        shank_events_restart(&pod->events);
    }
}

static void cycle_step(pod_track *pod, float swing_rps, float dt_s) {
    const int ticks = cycle_ticks(pod, swing_rps, dt_s);
    const float time_s = pod->cycle.time_s;
    if (!ticks && time_s < CYCLE_MAX_S) {
        return;
    }
    if (pod->alignment.has_axis) {
        close_cycle(pod, time_s, ticks);
    } else {
        orientation_drop_cycle(&pod->orientation);
        alignment_guess_axis(&pod->alignment);
    }
    pod->cycle.time_s = 0.0f;
    refresh_swing(pod);
    refresh_flags(pod);
}

/* ---- samples ---- */

static float lerp(float a, float b, float w) { return a + w * (b - a); }

/* The short way round. */
static float lerp_angle(float a, float b, float w) {
    const float step = b - a;
    if (fabsf(step) <= 180.0f) {
        return a + w * step;
    }
    const float between = a + w * (step > 0.0f ? step - 360.0f : step + 360.0f);
    return between > 180.0f ? between - 360.0f : between < -180.0f ? between + 360.0f : between;
}

static void begin_track(pod_track *pod, double time_s) {
    pod->first = pod->next = grid_after(time_s);
    pod->next_slot_s = grid_time_s(pod->next);
}

/* Writes the slots up to the new state. */
static void write_slots(pod_track *pod, const track_slot *next, double next_s) {
    const track_slot *last = &pod->state;
    pod->peak_g = pod->peak_g > next->magnitude_g ? pod->peak_g : next->magnitude_g;
    pod->flags_since |= next->flags;
    while (pod->next_slot_s <= next_s) {
        const double step_s = next_s - pod->last_s;
        const float w = step_s > 0.0 ? (float)((pod->next_slot_s - pod->last_s) / step_s) : 1.0f;
        track_slot *slot = &pod->slots[(uint64_t)pod->next % TRACK_SLOTS];
        slot->angle_deg = lerp_angle(last->angle_deg, next->angle_deg, w);
        slot->rate_dps = lerp(last->rate_dps, next->rate_dps, w);
        slot->force_g = lerp(last->force_g, next->force_g, w);
        slot->yaw_deg = lerp(last->yaw_deg, next->yaw_deg, w);
        slot->magnitude_g = pod->peak_g;
        slot->flags = pod->flags_since | next->flags;
        pod->peak_g = next->magnitude_g;
        pod->flags_since = next->flags;
        pod->next++;
        pod->next_slot_s = grid_time_s(pod->next);
    }
}

/* Slots for a time without samples; of a very long one only the last, since the ring holds no more.
 */
static void write_hole(pod_track *pod, double until_s) {
    const int64_t end = grid_after(until_s);
    if (end - pod->next > TRACK_SLOTS) {
        begin_track(pod, until_s);
        return;
    }
    while (pod->next < end) {
        track_slot *slot = &pod->slots[(uint64_t)pod->next++ % TRACK_SLOTS];
        *slot = pod->state;
        slot->flags |= SLOT_HOLE;
    }
    pod->next_slot_s = grid_time_s(pod->next);
}

/* Angle of a vector given by its cosine and sine: Abramowitz & Stegun 4.4.47 on the smaller half,
 * 0.0006 degrees. */
static float angle_deg(float cosine, float sine) {
    const float c = fabsf(cosine), s = fabsf(sine);
    const float low = c < s ? c : s, high = c < s ? s : c;
    const float x = high > 0.0f ? low / high : 0.0f, y = x * x;
    const float series =
        0.9998660f + y * (-0.3302995f + y * (0.1801410f + y * (-0.0851330f + y * 0.0208351f)));
    float angle = x * series * DEGREES;
    angle = c < s ? 90.0f - angle : angle;
    angle = cosine < 0.0f ? 180.0f - angle : angle;
    return sine < 0.0f ? -angle : angle;
}

static void watch_pose(pod_track *pod, float angle) {
    const alignment *axes = &pod->alignment;
    const float aside = vec3_dot(pod->orientation.up, axes->right);
    const int odd =
        axes->confidence >= ENOUGH_CONFIDENCE && !alignment_pose_is_human(axes, angle, aside);
    pod->pose_flags = odd ? (uint32_t)SLOT_OFF : 0u;
}

static void take_sample(pod_track *pod, const imu_sample *sample, double time_s, float dt_s,
                        uint32_t flags) {
    const alignment *axes = &pod->alignment;
    const float *up = pod->orientation.up;
    float rate_rps[3];
    const float vertical_mps2 =
        orientation_step(&pod->orientation, sample->acc_mps2, sample->gyr_rps, dt_s, rate_rps);
    const float about_rps = vec3_dot(rate_rps, axes->right);
    const float acc_square = vec3_dot(sample->acc_mps2, sample->acc_mps2);

    const float angle = angle_deg(vec3_dot(up, axes->up), vec3_dot(up, axes->forward));
    const track_slot next = {
        .angle_deg = angle,
        .rate_dps = DEGREES * about_rps,
        .force_g = vertical_mps2 * PER_G,
        .magnitude_g = sqrtf(acc_square) * PER_G,
        .yaw_deg = pod->kind == SEGMENT_TRUNK
                       ? pod->state.yaw_deg + DEGREES * dt_s * vec3_dot(rate_rps, up)
                       : 0.0f,
        .flags = pod->standing_flags | pod->pose_flags | flags,
    };
    if (pod->kind == SEGMENT_SHANK && pod->shows_swing) {
        shank_events_step(&pod->events, next.rate_dps, next.angle_deg, time_s);
    }
    write_slots(pod, &next, time_s);
    pod->state = next;
    pod->last_s = time_s;
    if (pod->samples % SLOW_EVERY == 0) {
        alignment_step(&pod->alignment, rate_rps, about_rps, up, sample->acc_mps2, vertical_mps2,
                       SLOW_EVERY * dt_s);
        watch_rest(pod, sample, acc_square);
        watch_pose(pod, angle);
    }
    pod->samples++;
    cycle_step(pod, axes->has_axis ? about_rps : vec3_norm(rate_rps), dt_s);
}

static int is_clipped(const pod_wire_sample *raw) {
    int clipped = 0;
    for (int i = 0; i < 3; i++) {
        clipped |= raw->acc[i] >= CLIP_LSB || raw->acc[i] <= -CLIP_LSB;
        clipped |= raw->gyr[i] >= CLIP_LSB || raw->gyr[i] <= -CLIP_LSB;
    }
    return clipped;
}

/* One bit a sample. */
static uint32_t clipped_samples(const pod_wire_packet *packet) {
    uint32_t bits = 0;
    for (int i = 0; i < packet->count; i++) {
        bits |= (uint32_t)is_clipped(&packet->samples[i]) << i;
    }
    return bits;
}

static imu_sample scaled(const pod_track *pod, const pod_wire_sample *raw) {
    imu_sample sample;
    for (int i = 0; i < 3; i++) {
        sample.acc_mps2[i] = (float)raw->acc[i] * pod->acc_scale;
        sample.gyr_rps[i] = (float)raw->gyr[i] * pod->gyr_scale;
    }
    return sample;
}

/* Cubic through the two samples before and after a gap of `steps` steps (Catmull-Rom), kept within
 * what the four and half of their range allow: a spike next to a gap must not grow in it. */
static float bridge(float before, float last, float next, float after, float steps, float w) {
    const float m0 = (last - before) * steps, m1 = (after - next) * steps;
    const float w2 = w * w, w3 = w2 * w;
    const float value = (2.0f * w3 - 3.0f * w2 + 1.0f) * last + (w3 - 2.0f * w2 + w) * m0 +
                        (3.0f * w2 - 2.0f * w3) * next + (w3 - w2) * m1;
    const float least = fminf(fminf(before, last), fminf(next, after));
    const float most = fmaxf(fmaxf(before, last), fmaxf(next, after));
    const float room = 0.5f * (most - least);
    return fmaxf(least - room, fminf(most + room, value));
}

static void fill_gap(pod_track *pod, const pod_wire_packet *packet, int missing, double next_s,
                     float dt_s) {
    const imu_sample before = pod->before, last = pod->last;
    const imu_sample next = scaled(pod, &packet->samples[0]);
    const imu_sample after = packet->count > 1 ? scaled(pod, &packet->samples[1]) : next;
    const double start_s = pod->last_s;
    const float steps = (float)(missing + 1);
    for (int k = 1; k <= missing; k++) {
        const float w = (float)k / steps;
        imu_sample made;
        for (int i = 0; i < 3; i++) {
            made.acc_mps2[i] = bridge(before.acc_mps2[i], last.acc_mps2[i], next.acc_mps2[i],
                                      after.acc_mps2[i], steps, w);
            made.gyr_rps[i] = bridge(before.gyr_rps[i], last.gyr_rps[i], next.gyr_rps[i],
                                     after.gyr_rps[i], steps, w);
        }
        take_sample(pod, &made, start_s + (next_s - start_s) * (double)w, dt_s, SLOT_BRIDGED);
        pod->filled_samples++;
    }
}

static void lose_track(pod_track *pod) {
    pod->long_gaps++;
    orientation_disturbed(&pod->orientation);
    alignment_drop(&pod->alignment);
    pod->alignment.rise_mps = 0.0f;
    shank_events_lost(&pod->events);
    rest_lost(&pod->rest);
    pod->cycle.armed = 0;
    pod->cycle.time_s = 0.0f;
    pod->at_rest = 0;
    pod->after_hole = 1;
    refresh_flags(pod);
}

/* Brings the track to just before the first sample of a packet. */
static void meet_packet(pod_track *pod, const pod_wire_packet *packet, const clock_stamp *stamp) {
    const double gap_s = stamp->first_s - pod->last_s;
    const double steps = gap_s / stamp->period_s;
    if (steps < 1.5) {
        return;
    }
    if (gap_s <= BRIDGE_S) {
        fill_gap(pod, packet, (int)(steps - 0.5), stamp->first_s, (float)stamp->pod_period_s);
        return;
    }
    write_hole(pod, stamp->first_s);
    pod->last_s = stamp->first_s;
    lose_track(pod);
}

static void begin(pod_track *pod, const pod_wire_packet *packet, const clock_stamp *stamp) {
    pod->started = 1;
    pod->last_s = stamp->first_s;
    pod->last = pod->before = scaled(pod, &packet->samples[0]);
    begin_track(pod, stamp->first_s);
}

/* The last two samples, from which a gap would have to be bridged. */
static void remember_end(pod_track *pod, const pod_wire_packet *packet) {
    const int last = packet->count - 1;
    pod->before = last > 0 ? scaled(pod, &packet->samples[last - 1]) : pod->last;
    pod->last = scaled(pod, &packet->samples[last]);
}

static void take_packet(pod_track *pod, const pod_wire_packet *packet, const clock_stamp *stamp) {
    if (pod->started) {
        meet_packet(pod, packet, stamp);
    } else {
        begin(pod, packet, stamp);
    }
    const uint32_t clipped = packet->flags & POD_WIRE_FLAG_CLIPPED ? clipped_samples(packet) : 0u;
    const uint32_t motor = packet->flags & POD_WIRE_FLAG_MOTOR ? (uint32_t)SLOT_MOTOR : 0u;
    for (int i = 0; i < packet->count; i++) {
        const imu_sample sample = scaled(pod, &packet->samples[i]);
        const uint32_t clip = (clipped >> i) & 1u;
        pod->clipped_samples += clip;
        take_sample(pod, &sample, stamp->first_s + (double)i * stamp->period_s,
                    (float)stamp->pod_period_s, motor | clip * (uint32_t)SLOT_CLIPPED);
    }
    remember_end(pod, packet);
}

stride_kernel_result pod_track_packet(pod_track *pod, const pod_wire_packet *packet,
                                      double arrival_s) {
    const uint16_t step = (uint16_t)(packet->sequence - pod->sequence);
    const int contiguous =
        pod->packets > 0 && step == 1 && !(packet->flags & POD_WIRE_FLAG_FIFO_OVERFLOW);
    clock_stamp stamp;
    const clock_sync_event event = clock_sync_packet(&pod->clock, packet->pod_clock_us,
                                                     packet->count, contiguous, arrival_s, &stamp);
    if (event >= CLOCK_SYNC_STALE) {
        pod->stale_packets += event == CLOCK_SYNC_STALE;
        return event == CLOCK_SYNC_STALE ? STRIDE_KERNEL_STALE : STRIDE_KERNEL_BAD_TIME;
    }
    if (event == CLOCK_SYNC_RESTARTED) {
        pod->reboots++;
        pod->started = 0;
        lose_track(pod);
    } else if (pod->packets > 0 && step > 1 && step < 0x8000) {
        pod->lost_packets += (uint64_t)(step - 1);
    }
    pod->sequence = packet->sequence;
    pod->packets++;
    take_packet(pod, packet, &stamp);
    return STRIDE_KERNEL_OK;
}

void pod_track_confirm_sign(pod_track *pod, int forward_is_forward) {
    alignment_confirm_sign(&pod->alignment, forward_is_forward);
    if (forward_is_forward) {
        return;
    }
    refresh_flags(pod);
    for (int64_t i = 0; i < TRACK_SLOTS; i++) {
        pod->slots[i].flags |= SLOT_UNCALIBRATED;
    }
}

track_span pod_track_span(const pod_track *pod, int64_t first, int64_t last) {
    const int64_t oldest =
        pod->next - TRACK_SLOTS > pod->first ? pod->next - TRACK_SLOTS : pod->first;
    track_span span = {.late = last >= pod->next, .flags = 0};
    span.complete = first >= oldest && !span.late;
    const int64_t from = first > oldest ? first : oldest, end = span.late ? pod->next - 1 : last;
    for (int64_t grid = from; grid <= end; grid++) {
        span.flags |= pod_track_at(pod, grid)->flags;
    }
    return span;
}
