/* libFuzzer: the bytes say which calls the kernel gets. Whatever they are, what it reports is in
 * range, and its floats are finite or NaN.
 *
 * Gait of formulas lies between the oddities, so that they meet a kernel that is aligned and in the
 * middle of strides.
 */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "pod_wire.h"
#include "stride_kernel.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum {
    MOST_SAMPLES = 30000, /* an input: some tens of milliseconds */
    BATCH = 8,
    SERIES_ROOM = 520
};
static const uint32_t KNOWN_QUALITY = 2 * STRIDE_QUALITY_NO_OTHER_FOOT - 1; /* the last bit's */
static const double PI = 3.14159265358979;
static const double GRAVITY_MPS2 = 9.80665;

/* ---- the input ---- */

typedef struct {
    const uint8_t *data;
    size_t left;
} reader;

static uint8_t byte_of(reader *in) {
    if (in->left == 0) {
        return 0;
    }
    in->left--;
    return *in->data++;
}

static uint32_t word_of(reader *in) {
    const uint32_t low = byte_of(in), high = byte_of(in);
    return low | high << 8;
}

/* Now and then no number at all. */
static double odd_double(reader *in) {
    static const double odd[] = {0.0,   -1.0, 1e9,   -1e9,    1e18,
                                 1e300, 1e-9, 0.005, 4294.96, (double)INFINITY};
    const uint8_t choice = byte_of(in);
    if (choice < 10) {
        return odd[choice];
    }
    if (choice < 128) {
        return (double)NAN;
    }
    uint64_t bits = 0;
    for (int i = 0; i < 4; i++) {
        bits = bits << 16 | word_of(in);
    }
    double value;
    memcpy(&value, &bits, sizeof value);
    return value;
}

/* ---- what must hold ---- */

static void require(int holds) {
    if (!holds) {
        abort();
    }
}

static void require_floats(const void *first, const void *last) {
    const size_t bytes = (size_t)((const char *)last - (const char *)first) + sizeof(float);
    for (size_t at = 0; at < bytes; at += sizeof(float)) {
        float value;
        memcpy(&value, (const char *)first + at, sizeof value);
        require(!isinf(value));
    }
}

static void check_event(const stride_event *e) {
    require(isfinite(e->time_s) && isfinite(e->seen_s));
    require(e->kind == STRIDE_EVENT_INITIAL_CONTACT || e->kind == STRIDE_EVENT_TOE_OFF);
    require(e->stage == STRIDE_STAGE_PROVISIONAL || e->stage == STRIDE_STAGE_REFINED);
    require(e->side == STRIDE_SIDE_LEFT || e->side == STRIDE_SIDE_RIGHT);
    require_floats(&e->shank_angle_deg, &e->overstride_ratio);
}

static void check_stride(const stride_record *s) {
    require(isfinite(s->ic_s) && isfinite(s->to_s) && isfinite(s->next_ic_s));
    require(s->ic_s < s->to_s && s->to_s < s->next_ic_s);
    require(s->side == STRIDE_SIDE_LEFT || s->side == STRIDE_SIDE_RIGHT);
    require(s->gait == STRIDE_GAIT_WALKING || s->gait == STRIDE_GAIT_RUNNING);
    require((s->quality & ~KNOWN_QUALITY) == 0);
    require_floats(&s->stride_time_ms, &s->alignment_confidence);
    require(s->stride_time_ms > 0.0f && s->cadence_spm > 0.0f);
    require(!(s->alignment_confidence < 0.0f) && !(s->alignment_confidence > 1.0f));
}

/* ---- the kernel and its pods ---- */

typedef struct {
    uint8_t placement;
    double rate_hz;
    double acc_lsb, gyr_lsb; /* m/s^2, rad/s */
    uint16_t sequence;
    uint32_t clock_us;
} pod;

typedef struct {
    stride_kernel *kernel;
    int pod_count;
    pod pods[STRIDE_KERNEL_MAX_PODS];
    double now_s;
    int samples;
    long next_index[2];

    /* gait */
    double stride_s, phase, swing_deg, bounce_g, mean_deg;
    uint8_t roughness; /* LSB of pseudo-random noise, shifted */
    uint32_t noise;
} world;

static void check_output(world *w, stride_kernel_output *output) {
    for (;;) {
        require(output->event_count >= 0 && output->event_count <= STRIDE_KERNEL_MAX_EVENTS);
        require(output->stride_count >= 0 && output->stride_count <= STRIDE_KERNEL_MAX_STRIDES);
        require(output->wire_result >= POD_WIRE_OK && output->wire_result <= POD_WIRE_NO_ROOM);
        for (int i = 0; i < output->event_count; i++) {
            check_event(&output->events[i]);
        }
        for (int i = 0; i < output->stride_count; i++) {
            const stride_record *s = &output->strides[i];
            check_stride(s);
            require((long)s->index >= w->next_index[s->side]);
            w->next_index[s->side] = (long)s->index + 1;
        }
        if (!output->more) {
            return;
        }
        stride_kernel_take(w->kernel, output);
    }
}

static void check_pod(const world *w, int32_t number) {
    static double time_s[SERIES_ROOM];
    static float angle_deg[SERIES_ROOM], rate_dps[SERIES_ROOM];
    stride_kernel_pod_status status;
    if (stride_kernel_status(w->kernel, number, &status) != STRIDE_KERNEL_OK) {
        require(number < 0 || number >= w->pod_count);
        return;
    }
    require(isfinite(status.last_sample_s) && isfinite(status.rate_hz));
    require_floats(&status.skew_ppm, &status.gyro_bias_dps);
    require(status.placement == w->pods[number].placement);
    require(status.filled_samples <= status.samples);
    const size_t count =
        stride_kernel_series(w->kernel, number, SERIES_ROOM, time_s, angle_deg, rate_dps);
    require(count <= SERIES_ROOM);
    for (size_t i = 0; i < count; i++) {
        require(isfinite(time_s[i]) && (i == 0 || time_s[i] > time_s[i - 1]));
        require(!isinf(angle_deg[i]) && !isinf(rate_dps[i]));
        require(!(fabsf(angle_deg[i]) > 180.1f));
    }
}

static void check_cycle(const world *w, stride_side side) {
    stride_cycle c;
    memset(&c, 0xFF, sizeof c);
    stride_kernel_cycle(w->kernel, side, &c);
    const int known = c.strides > 0;
    require(c.strides <= STRIDE_CYCLE_STRIDES && (long)c.strides <= w->next_index[side]);
    require(known ? c.toe_off_share > 0.0f && c.toe_off_share < 1.0f : isnan(c.toe_off_share));
    for (int i = 0; i < STRIDE_CYCLE_POINTS; i++) {
        /* half a turn and the largest standing offset */
        require(known ? fabsf(c.shank_deg[i]) <= 225.1f : isnan(c.shank_deg[i]));
        require(!(fabsf(c.thigh_deg[i]) > 225.1f));
        require((isnan(c.thigh_deg[i]) != 0) == (isnan(c.thigh_deg[0]) != 0));
    }
}

static void add_pod(world *w, const uint8_t *bytes, size_t length) {
    int32_t number = -1;
    if (stride_kernel_add_pod(w->kernel, bytes, length, &number) != STRIDE_KERNEL_OK) {
        return;
    }
    pod_wire_info info;
    require(number == w->pod_count && number < STRIDE_KERNEL_MAX_PODS);
    require(pod_wire_decode_info(bytes, length, &info) == POD_WIRE_OK);
    w->pods[w->pod_count++] = (pod){.placement = info.placement,
                                    .rate_hz = info.rate_mhz / 1000.0,
                                    .acc_lsb = info.acc_nm_s2_per_lsb * 1e-9,
                                    .gyr_lsb = info.gyr_nrad_s_per_lsb * 1e-9,
                                    .clock_us = info.placement * 1000003u};
}

static void add_usual_pod(world *w, uint8_t placement, uint32_t rate_mhz, uint8_t range) {
    const pod_wire_info info = {.rate_mhz = rate_mhz,
                                .acc_nm_s2_per_lsb = 4788403u << (range & 1u),
                                .gyr_nrad_s_per_lsb = 1065264u << (range >> 1 & 1u),
                                .placement = placement,
                                .batch = BATCH};
    uint8_t bytes[POD_WIRE_INFO_BYTES];
    size_t length = 0;
    if (pod_wire_encode_info(&info, bytes, sizeof bytes, &length) == POD_WIRE_OK) {
        add_pod(w, bytes, length);
    }
}

static void push(world *w, int32_t number, const uint8_t *bytes, size_t length, double arrival_s) {
    stride_kernel_output output;
    memset(&output, 0xFF, sizeof output);
    /* exactly as long as it is: the sanitizer sees one byte read too far */
    uint8_t *copy = malloc(length > 0 ? length : 1);
    require(copy != NULL);
    memcpy(copy, bytes, length);
    (void)stride_kernel_push(w->kernel, number, copy, length, arrival_s, &output);
    free(copy);
    check_output(w, &output);
}

static void push_samples(world *w, int number, pod_wire_packet *packet, double arrival_s) {
    pod *p = &w->pods[number];
    uint8_t bytes[POD_WIRE_MAX_BYTES];
    size_t length = 0;
    packet->placement = p->placement;
    packet->pod_clock_us = p->clock_us;
    packet->sequence = p->sequence++;
    p->clock_us += (uint32_t)lround(1e6 * packet->count / p->rate_hz);
    w->samples += packet->count;
    if (pod_wire_encode(packet, bytes, sizeof bytes, &length) == POD_WIRE_OK) {
        push(w, number, bytes, length, arrival_s);
    }
}

/* ---- gait ---- */

static int16_t raw(world *w, double value, double lsb) {
    w->noise = w->noise * 1664525u + 1013904223u;
    const double noise = (double)((int32_t)w->noise >> 16) * w->roughness / 256.0;
    return (int16_t)lround(fmin(32767.0, fmax(-32768.0, value / lsb + noise)));
}

/* The first two harmonics of a runner's shank, about the pod's z axis; the sides in turn. */
static pod_wire_sample gait_sample(world *w, const pod *p, double time_s) {
    const double turn = 2.0 * PI / w->stride_s;
    const double side = (p->placement & 1) != 0 && p->placement > POD_WIRE_PELVIS ? PI : 0.0;
    const double phase = turn * time_s + side;
    const int trunk = p->placement == POD_WIRE_PELVIS || p->placement == POD_WIRE_CHEST;
    const double degree = PI / 180.0, swing = trunk ? 0.0 : w->swing_deg * degree;
    const double angle =
        (trunk ? 0.0 : w->mean_deg * degree) + swing * (cos(phase) + 0.25 * cos(2.0 * phase + 1.8));
    const double rate = -turn * swing * (sin(phase) + 0.5 * sin(2.0 * phase + 1.8));
    const double up = GRAVITY_MPS2 * (1.0 - w->bounce_g * cos(2.0 * turn * time_s));
    const double forward = -3.0 * w->bounce_g * sin(2.0 * turn * time_s);
    const double acc[3] = {forward * cos(angle) + up * sin(angle),
                           up * cos(angle) - forward * sin(angle), 0.0};
    const double gyr[3] = {0.0, 0.1 * sin(turn * time_s), rate};
    pod_wire_sample sample;
    for (int i = 0; i < 3; i++) {
        sample.acc[i] = raw(w, acc[i], p->acc_lsb);
        sample.gyr[i] = raw(w, gyr[i], p->gyr_lsb);
    }
    return sample;
}

/* The packets of a pod up to now. */
static void catch_up(world *w, int number, double *sent_s, int silent) {
    const pod *p = &w->pods[number];
    const double packet_s = BATCH / p->rate_hz;
    while (*sent_s < w->now_s) {
        if (silent) {
            w->pods[number].sequence++;
            w->pods[number].clock_us += (uint32_t)lround(1e6 * packet_s);
        } else {
            pod_wire_packet packet = {.count = BATCH};
            for (int k = 0; k < BATCH; k++) {
                packet.samples[k] = gait_sample(w, p, *sent_s + k / p->rate_hz);
            }
            push_samples(w, number, &packet, w->now_s + packet_s);
        }
        *sent_s += packet_s;
    }
}

/* All pods for a time, but for those whose bit is set. */
static void go_on(world *w, double seconds, uint8_t silent) {
    const double end_s = w->now_s + seconds;
    double sent_s[STRIDE_KERNEL_MAX_PODS];
    for (int i = 0; i < STRIDE_KERNEL_MAX_PODS; i++) {
        sent_s[i] = w->now_s;
    }
    while (w->now_s < end_s && w->samples < MOST_SAMPLES) {
        for (int i = 0; i < w->pod_count; i++) {
            catch_up(w, i, &sent_s[i], silent >> i & 1);
        }
        w->now_s += 0.04;
    }
}

static void change_gait(world *w, reader *in) {
    w->stride_s = 0.3 + byte_of(in) / 128.0;
    w->swing_deg = byte_of(in);
    w->bounce_g = byte_of(in) / 64.0;
    w->mean_deg = (double)byte_of(in) - 128.0;
    w->roughness = byte_of(in);
}

/* ---- oddities ---- */

static void push_odd_samples(world *w, reader *in) {
    const int number = w->pod_count > 0 ? byte_of(in) % w->pod_count : 0;
    pod_wire_packet packet = {.count = (uint8_t)(1 + byte_of(in) % POD_WIRE_MAX_SAMPLES),
                              .flags = byte_of(in) & 7};
    for (int i = 0; i < packet.count; i++) {
        for (int axis = 0; axis < 3; axis++) {
            packet.samples[i].acc[axis] = (int16_t)(word_of(in) - 32768);
            packet.samples[i].gyr[axis] = (int16_t)(word_of(in) - 32768);
        }
    }
    if (w->pod_count > 0) {
        push_samples(w, number, &packet, w->now_s);
    }
}

/* The same extreme over and over. */
static void push_extremes(world *w, reader *in) {
    const int number = w->pod_count > 0 ? byte_of(in) % w->pod_count : 0;
    const uint8_t signs = byte_of(in), packets = byte_of(in);
    for (int n = 0; n < packets && w->pod_count > 0 && w->samples < MOST_SAMPLES; n++) {
        pod_wire_packet packet = {.count = POD_WIRE_MAX_SAMPLES, .flags = POD_WIRE_FLAG_CLIPPED};
        for (int i = 0; i < packet.count; i++) {
            for (int axis = 0; axis < 3; axis++) {
                const int turns = (signs >> 6 & i & 1) != 0;
                packet.samples[i].acc[axis] = (signs >> axis & 1) != turns ? INT16_MIN : INT16_MAX;
                packet.samples[i].gyr[axis] =
                    (signs >> (axis + 3) & 1) != turns ? INT16_MIN : INT16_MAX;
            }
        }
        w->now_s += packet.count / w->pods[number].rate_hz;
        push_samples(w, number, &packet, w->now_s);
    }
}

static void push_odd_bytes(world *w, reader *in) {
    const int32_t number = (int32_t)byte_of(in) - 4;
    const double arrival_s = byte_of(in) < 128 ? w->now_s : odd_double(in);
    const size_t length = byte_of(in) < in->left ? in->data[0] % 250u : 0u;
    const size_t there = length < in->left ? length : in->left;
    push(w, number, in->data, there, arrival_s);
    in->data += there;
    in->left -= there;
}

static void upset_link(world *w, reader *in) {
    if (w->pod_count == 0) {
        return;
    }
    pod *p = &w->pods[byte_of(in) % w->pod_count];
    switch (byte_of(in) % 4) {
    case 0: /* the pod starts again */
        p->clock_us = word_of(in);
        p->sequence = 0;
        break;
    case 1: /* its clock jumps, forwards or back */
        p->clock_us += word_of(in) << (byte_of(in) % 17);
        break;
    case 2:
        p->sequence = (uint16_t)(p->sequence + word_of(in));
        break;
    default: /* another rate than the nominal one */
        p->rate_hz *= 0.5 + byte_of(in) / 128.0;
        p->rate_hz = fmin(1000.0, fmax(20.0, p->rate_hz));
        break;
    }
}

static void pass_time(world *w, reader *in) {
    stride_kernel_output output = {.wire_result = POD_WIRE_OK};
    switch (byte_of(in) % 5) {
    case 0:
        stride_kernel_advance(w->kernel, odd_double(in), &output);
        break;
    case 1:
        w->now_s += word_of(in) / 256.0;
        stride_kernel_advance(w->kernel, w->now_s, &output);
        break;
    case 2:
        stride_kernel_finish(w->kernel, &output);
        break;
    case 3:
        stride_kernel_expect_standing(w->kernel, odd_double(in));
        return;
    default:
        stride_kernel_take(w->kernel, &output);
        break;
    }
    check_output(w, &output);
}

static void add_odd_pod(world *w, reader *in) {
    uint8_t bytes[POD_WIRE_INFO_BYTES + 1] = {0};
    const size_t length = byte_of(in) < 8 ? byte_of(in) % sizeof bytes : POD_WIRE_INFO_BYTES;
    for (size_t i = 0; i < length; i++) {
        bytes[i] = byte_of(in);
    }
    bytes[0] = byte_of(in) < 16 ? bytes[0] : POD_WIRE_VERSION << 4 | POD_WIRE_TYPE_INFO;
    if (length > 16) { /* within what a record may hold, mostly */
        bytes[6] &= 0x0F;
        bytes[7] = bytes[11] = bytes[15] = 0;
    }
    add_pod(w, bytes, length);
}

static void call(world *w, reader *in) {
    switch (byte_of(in) % 10) {
    case 0:
        add_usual_pod(w, (uint8_t)(1 + byte_of(in) % 8), 50000u + 12u * word_of(in), byte_of(in));
        break;
    case 1:
        add_odd_pod(w, in);
        break;
    case 2:
        push_odd_bytes(w, in);
        break;
    case 3:
        push_odd_samples(w, in);
        break;
    case 4:
        push_extremes(w, in);
        break;
    case 5:
        upset_link(w, in);
        break;
    case 6:
        pass_time(w, in);
        break;
    case 7:
        change_gait(w, in);
        break;
    case 8:
        go_on(w, byte_of(in) / 64.0, byte_of(in));
        break;
    default:
        go_on(w, byte_of(in) / 64.0, 0);
        break;
    }
    for (int32_t i = -1; i <= w->pod_count; i++) {
        check_pod(w, i);
    }
    check_cycle(w, STRIDE_SIDE_LEFT);
    check_cycle(w, STRIDE_SIDE_RIGHT);
    require((int)stride_kernel_gait(w->kernel) <= STRIDE_GAIT_RUNNING);
}

static stride_kernel *create(reader *in) {
    stride_kernel_settings settings = stride_kernel_default_settings();
    const uint8_t odd = byte_of(in);
    if (odd == 1) {
        settings.height_m = odd_double(in);
        settings.leg_length_m[0] = odd_double(in);
    } else if (odd == 2) {
        settings.speed_factor = odd_double(in);
        settings.standing_shank_deg = odd_double(in);
    } else if ((odd & 8) != 0) {
        settings.height_m = 1.8;
        settings.join_wait_s = odd / 256.0;
    }
    return stride_kernel_create(&settings);
}

/* Which pods run for how long before anything odd happens. */
static void set_off(world *w, reader *in) {
    const uint8_t worn = byte_of(in), seconds = byte_of(in), rate = byte_of(in);
    for (uint8_t placement = 1; placement <= 8; placement++) {
        if ((worn >> (placement - 1) & 1) != 0) {
            add_usual_pod(w, placement, rate < 128 ? 104000 : 208000, 0);
        }
    }
    const world running = *w;
    if ((rate & 1) != 0) { /* stands before */
        w->swing_deg = w->bounce_g = w->mean_deg = 0.0;
        go_on(w, 2.2, 0);
        w->swing_deg = running.swing_deg;
        w->bounce_g = running.bounce_g;
        w->mean_deg = running.mean_deg;
    }
    go_on(w, seconds % 16, 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    reader in = {data, size};
    world w = {.stride_s = 0.72,
               .swing_deg = 45.0,
               .bounce_g = 1.3,
               .mean_deg = -33.0,
               .now_s = 100.0,
               .noise = 1};
    w.kernel = create(&in);
    if (w.kernel == NULL) {
        return 0;
    }
    set_off(&w, &in);
    while (in.left > 0 && w.samples < MOST_SAMPLES) {
        call(&w, &in);
    }
    stride_kernel_output output;
    stride_kernel_finish(w.kernel, &output);
    check_output(&w, &output);
    stride_kernel_destroy(w.kernel);
    return 0;
}
