#include "stride_kernel.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "body.h"
#include "gait_events.h"
#include "mean_cycle.h"
#include "stride_metrics.h"
#include "stride_rules.h"
#include "units.h"
#include "vec3.h"

enum { PENDING_EVENTS = 16, READY_EVENTS = 64, READY_STRIDES = 16 };

static const double NOT_KNOWN = (double)NAN;
/* The shank of a walker sweeps 60 degrees and more; hopping and shuffling stay below. */
static const float LEAST_SWEEP_DEG = 40.0f;
/* A pod that has not been heard for this long does not hold up the others. */
static const double ABSENT_S = 2.0;
/* Without a stride for this long, the runner no longer walks or runs. */
static const double GAIT_MEMORY_S = 2.0;
/* Before any hub time. */
static const double LONG_AGO_S = -1e300;
typedef struct {
    shank_event event;
    int side;
    int32_t pod;
} pending_event;

typedef struct {
    int has_contact, has_toe_off;
    refined_event contact, toe_off;
    double last_contact_s; /* of any stride, for the other leg */
    double usual_stride_s; /* 0: not known */
    int walking;
    uint32_t strides;
    mean_cycle cycle;
} leg;

struct stride_kernel {
    stride_kernel_settings settings;
    int32_t pod_count;
    pod_track pods[STRIDE_KERNEL_MAX_PODS];
    uint64_t bad_packets[STRIDE_KERNEL_MAX_PODS];
    body body;
    leg legs[2];
    double newest_s; /* hub time of the newest sample of any pod */
    double last_stride_s;
    stride_gait last_gait;

    int pending_count;
    pending_event pending[PENDING_EVENTS]; /* in order of time */
    int event_count;
    stride_event events[READY_EVENTS];
    int stride_count;
    stride_record strides[READY_STRIDES];
};

/* ---- creation ---- */

stride_kernel_settings stride_kernel_default_settings(void) {
    /* Standing offsets: METRICS section 1, three public runners. 0.25 s: two connection intervals
     * of 50 ms, a lost batch and its repetition. */
    return (stride_kernel_settings){.height_m = NOT_KNOWN,
                                    .mass_kg = NOT_KNOWN,
                                    .leg_length_m = {NOT_KNOWN, NOT_KNOWN},
                                    .standing_thigh_deg = -6.0,
                                    .standing_shank_deg = -6.0,
                                    .speed_factor = 1.0,
                                    .join_wait_s = 0.25};
}

size_t stride_kernel_size(void) { return sizeof(stride_kernel); }

static int unknown_or_within(double value, double least, double most) {
    return isnan(value) || (value >= least && value <= most);
}

static int within(double value, double least, double most) {
    return value >= least && value <= most;
}

static int settings_are_valid(const stride_kernel_settings *s) {
    return unknown_or_within(s->height_m, 0.8, 2.6) && unknown_or_within(s->mass_kg, 15.0, 300.0) &&
           unknown_or_within(s->leg_length_m[0], 0.3, 1.5) &&
           unknown_or_within(s->leg_length_m[1], 0.3, 1.5) &&
           within(s->standing_thigh_deg, -45.0, 45.0) &&
           within(s->standing_shank_deg, -45.0, 45.0) && within(s->speed_factor, 0.5, 2.0) &&
           within(s->join_wait_s, 0.0, 1.0);
}

stride_kernel *stride_kernel_create(const stride_kernel_settings *settings) {
    if (!settings_are_valid(settings)) {
        return NULL;
    }
    stride_kernel *kernel = calloc(1, sizeof *kernel);
    if (kernel != NULL) {
        kernel->settings = *settings;
        body_init(&kernel->body, settings);
        kernel->newest_s = kernel->last_stride_s = LONG_AGO_S;
        kernel->legs[0].last_contact_s = kernel->legs[1].last_contact_s = LONG_AGO_S;
    }
    return kernel;
}

void stride_kernel_destroy(stride_kernel *kernel) { free(kernel); }

stride_kernel_result stride_kernel_add_pod(stride_kernel *kernel, const uint8_t *info,
                                           size_t length, int32_t *pod) {
    pod_wire_info decoded;
    if (pod_wire_decode_info(info, length, &decoded) != POD_WIRE_OK) {
        return STRIDE_KERNEL_BAD_PACKET;
    }
    if (kernel->pod_count == STRIDE_KERNEL_MAX_PODS ||
        kernel->body.pods[decoded.placement] != NULL) {
        return STRIDE_KERNEL_BAD_POD;
    }
    *pod = kernel->pod_count++;
    pod_track_init(&kernel->pods[*pod], &decoded);
    kernel->body.pods[decoded.placement] = &kernel->pods[*pod];
    return STRIDE_KERNEL_OK;
}

void stride_kernel_expect_standing(stride_kernel *kernel, double until_s) {
    for (int32_t i = 0; i < STRIDE_KERNEL_MAX_PODS; i++) {
        kernel->pods[i].standing_until_s = until_s;
    }
}

/* ---- results ---- */

static void ready_event(stride_kernel *kernel, const stride_event *event) {
    if (kernel->event_count < READY_EVENTS) {
        kernel->events[kernel->event_count++] = *event;
    }
}

static void ready_stride(stride_kernel *kernel, const stride_record *stride) {
    if (kernel->stride_count < READY_STRIDES) {
        kernel->strides[kernel->stride_count++] = *stride;
    }
}

static int taken(int ready, int most) { return ready < most ? ready : most; }

void stride_kernel_take(stride_kernel *kernel, stride_kernel_output *output) {
    const int events = taken(kernel->event_count, STRIDE_KERNEL_MAX_EVENTS);
    const int strides = taken(kernel->stride_count, STRIDE_KERNEL_MAX_STRIDES);
    output->event_count = events;
    output->stride_count = strides;
    output->more = kernel->event_count > events || kernel->stride_count > strides;
    if (events > 0) {
        memcpy(output->events, kernel->events, (size_t)events * sizeof(stride_event));
        kernel->event_count -= events;
        memmove(kernel->events, kernel->events + events,
                (size_t)kernel->event_count * sizeof(stride_event));
    }
    if (strides > 0) {
        memcpy(output->strides, kernel->strides, (size_t)strides * sizeof(stride_record));
        kernel->stride_count -= strides;
        memmove(kernel->strides, kernel->strides + strides,
                (size_t)kernel->stride_count * sizeof(stride_record));
    }
}

/* ---- provisional events ---- */

static const uint32_t ANGLE_FLAWS = SLOT_HOLE | SLOT_SETTLING | SLOT_UNCALIBRATED;

/* NaN while the thigh's samples have not come. */
static float provisional_overstride(const body *b, int side, int64_t grid) {
    if (!body_span_is_good(body_thigh(b, side), grid, grid, ANGLE_FLAWS)) {
        return NAN;
    }
    float forward, down;
    body_ankle(body_leg_pose(b, side, grid), &forward, &down);
    return forward;
}

static void tell_provisional(stride_kernel *kernel, const shank_event *event, int side) {
    stride_event told = {.time_s = fmin(event->time_s, event->seen_s),
                         .seen_s = event->seen_s,
                         .kind = event->kind,
                         .stage = STRIDE_STAGE_PROVISIONAL,
                         .side = side,
                         .shank_angle_deg = NAN,
                         .overstride_ratio = NAN};
    const pod_track *shank = body_shank(&kernel->body, side);
    const int64_t grid = (int64_t)llround(told.time_s * TRACK_GRID_HZ);
    if (event->kind == STRIDE_EVENT_INITIAL_CONTACT &&
        body_span_is_good(shank, grid, grid, ANGLE_FLAWS)) {
        told.shank_angle_deg =
            pod_track_at(shank, grid)->angle_deg + kernel->body.standing_shank_deg;
        told.overstride_ratio = provisional_overstride(&kernel->body, side, grid);
    }
    ready_event(kernel, &told);
}

static void add_pending(stride_kernel *kernel, const shank_event *event, const pod_track *pod) {
    if (kernel->pending_count == PENDING_EVENTS) {
        return;
    }
    int place = kernel->pending_count++;
    while (place > 0 && kernel->pending[place - 1].event.mark_s > event->mark_s) {
        kernel->pending[place] = kernel->pending[place - 1];
        place--;
    }
    kernel->pending[place] =
        (pending_event){.event = *event, .side = pod->side, .pod = (int32_t)(pod - kernel->pods)};
}

static void collect_provisional(stride_kernel *kernel, pod_track *pod) {
    if (pod->events.restarted && pod->kind == SEGMENT_SHANK) {
        kernel->legs[pod->side].has_contact = 0;
        pod->events.restarted = 0;
    }
    for (int i = 0; i < pod->events.queued; i++) {
        const shank_event *event = &pod->events.queue[i];
        if (event->kind == STRIDE_EVENT_INITIAL_CONTACT &&
            event->swing_range_deg < LEAST_SWEEP_DEG) {
            continue;
        }
        if (event->tell) {
            tell_provisional(kernel, event, pod->side);
        }
        if (event->refine) {
            add_pending(kernel, event, pod);
        }
    }
    pod->events.queued = 0;
}

/* ---- strides ---- */

static double other_contact(const stride_kernel *kernel, int side, double from_s, double to_s) {
    const double time_s = kernel->legs[1 - side].last_contact_s;
    return time_s > from_s && time_s < to_s ? time_s : NOT_KNOWN;
}

/* A thigh pod by itself hardly tells forward from back. But where the shank swings forward fastest,
 * the thigh is ahead of its mean: their product over a stride is positive. */
static void confirm_thigh_sign(stride_kernel *kernel, const stride_times *t) {
    const pod_track *shank = body_shank(&kernel->body, t->side),
                    *worn = body_thigh(&kernel->body, t->side);
    const int64_t first = (int64_t)(t->ic_s * TRACK_GRID_HZ),
                  last = (int64_t)(t->next_ic_s * TRACK_GRID_HZ);
    if (worn == NULL || !alignment_wants_sign(&worn->alignment) ||
        !body_span_is_good(shank, first, last, SLOT_HOLE | SLOT_SETTLING) ||
        !body_span_is_good(worn, first, last, SLOT_HOLE | SLOT_SETTLING)) {
        return;
    }
    float angle_sum = 0.0f, rate_sum = 0.0f, product_sum = 0.0f;
    for (int64_t grid = first; grid <= last; grid++) {
        const float angle = pod_track_at(worn, grid)->angle_deg,
                    rate = pod_track_at(shank, grid)->rate_dps;
        angle_sum += angle;
        rate_sum += rate;
        product_sum += angle * rate;
    }
    pod_track_confirm_sign(&kernel->pods[worn - kernel->pods],
                           product_sum * (float)(last - first + 1) > angle_sum * rate_sum);
}

static void finish_stride(stride_kernel *kernel, int side, double next_ic_s) {
    leg *l = &kernel->legs[side];
    stride_times times = {.side = side,
                          .ic_s = l->contact.time_s,
                          .to_s = l->toe_off.time_s,
                          .next_ic_s = next_ic_s,
                          .other_ic_s = other_contact(kernel, side, l->contact.time_s, next_ic_s),
                          .events_from_force = l->contact.from_force && l->toe_off.from_force,
                          .events_patched = l->contact.patched || l->toe_off.patched};
    if (!stride_is_gait(&kernel->body, &times, l->usual_stride_s)) {
        return;
    }
    confirm_thigh_sign(kernel, &times);
    times.running = stride_is_running(&times, l->contact.flight, l->toe_off.flight);
    l->walking = !times.running;
    l->usual_stride_s = next_ic_s - times.ic_s;
    stride_record record;
    stride_measure(&kernel->body, &times, &record);
    record.index = l->strides++;
    mean_cycle_take(&l->cycle, &kernel->body, &times, &record);
    kernel->last_stride_s = next_ic_s;
    kernel->last_gait = times.running ? STRIDE_GAIT_RUNNING : STRIDE_GAIT_WALKING;
    ready_stride(kernel, &record);
}

static void take_contact(stride_kernel *kernel, int side, refined_event contact) {
    leg *l = &kernel->legs[side];
    if (l->has_contact && l->has_toe_off) {
        finish_stride(kernel, side, contact.time_s);
    }
    l->contact = contact;
    l->has_contact = 1;
    l->has_toe_off = 0;
    l->last_contact_s = contact.time_s;
}

static void take_toe_off(stride_kernel *kernel, int side, refined_event toe_off) {
    leg *l = &kernel->legs[side];
    if (l->has_contact && !l->has_toe_off && toe_off.time_s > l->contact.time_s) {
        l->toe_off = toe_off;
        l->has_toe_off = 1;
    }
}

static void refine(stride_kernel *kernel, const pending_event *pending) {
    const int side = pending->side;
    const int contact = pending->event.kind == STRIDE_EVENT_INITIAL_CONTACT;
    pod_track *shank = &kernel->pods[pending->pod];
    const refined_event refined =
        contact
            ? gait_refine_contact(&kernel->body, side, &pending->event)
            : gait_refine_toe_off(&kernel->body, side, &pending->event, kernel->legs[side].walking);
    const stride_event told = {.time_s = refined.time_s,
                               .seen_s = kernel->newest_s,
                               .kind = pending->event.kind,
                               .stage = STRIDE_STAGE_REFINED,
                               .side = side,
                               .shank_angle_deg = NAN,
                               .overstride_ratio = NAN};
    ready_event(kernel, &told);
    shank_events_learn(&shank->events, &pending->event, refined.time_s);
    if (contact) {
        take_contact(kernel, side, refined);
    } else {
        take_toe_off(kernel, side, refined);
    }
}

/* ---- joining ---- */

/* Every pod that is still heard has reached the grid number, or has been waited for long enough. */
static int pods_have_reached(const stride_kernel *kernel, int64_t grid) {
    if (kernel->newest_s > grid_time_s(grid) + kernel->settings.join_wait_s) {
        return 1;
    }
    for (int32_t i = 0; i < kernel->pod_count; i++) {
        const pod_track *pod = &kernel->pods[i];
        const int absent = !pod->started || kernel->newest_s - pod->last_s > ABSENT_S;
        if (!absent && pod->next <= grid) {
            return 0;
        }
    }
    return 1;
}

static void join(stride_kernel *kernel, int to_the_end) {
    while (kernel->pending_count > 0) {
        const pending_event first = kernel->pending[0];
        if (!to_the_end && !pods_have_reached(kernel, gait_events_needs(&first.event))) {
            return;
        }
        kernel->pending_count--;
        memmove(&kernel->pending[0], &kernel->pending[1],
                (size_t)kernel->pending_count * sizeof(pending_event));
        refine(kernel, &first);
    }
}

stride_kernel_result stride_kernel_push(stride_kernel *kernel, int32_t pod_number,
                                        const uint8_t *packet, size_t length, double arrival_s,
                                        stride_kernel_output *output) {
    stride_kernel_result result = STRIDE_KERNEL_OK;
    output->wire_result = POD_WIRE_OK;
    if (pod_number < 0 || pod_number >= kernel->pod_count) {
        result = STRIDE_KERNEL_BAD_POD;
    } else {
        pod_track *pod = &kernel->pods[pod_number];
        pod_wire_packet decoded;
        const pod_wire_result wire = pod_wire_decode(packet, length, &decoded);
        output->wire_result = (int32_t)wire;
        if (wire != POD_WIRE_OK) {
            result = STRIDE_KERNEL_BAD_PACKET;
        } else if (decoded.placement != pod->info.placement) {
            result = STRIDE_KERNEL_WRONG_PLACEMENT;
        } else {
            result = pod_track_packet(pod, &decoded, arrival_s);
        }
        if (result == STRIDE_KERNEL_OK) {
            kernel->newest_s = fmax(kernel->newest_s, pod->last_s);
            collect_provisional(kernel, pod);
            join(kernel, 0);
        } else {
            kernel->bad_packets[pod_number] += result != STRIDE_KERNEL_STALE;
        }
    }
    stride_kernel_take(kernel, output);
    return result;
}

void stride_kernel_advance(stride_kernel *kernel, double now_s, stride_kernel_output *output) {
    output->wire_result = POD_WIRE_OK;
    if (now_s > kernel->newest_s && now_s - kernel->newest_s < 1e6) {
        kernel->newest_s = now_s;
    }
    join(kernel, 0);
    stride_kernel_take(kernel, output);
}

void stride_kernel_finish(stride_kernel *kernel, stride_kernel_output *output) {
    output->wire_result = POD_WIRE_OK;
    join(kernel, 1);
    stride_kernel_take(kernel, output);
}

/* ---- status ---- */

stride_gait stride_kernel_gait(const stride_kernel *kernel) {
    if (kernel->newest_s - kernel->last_stride_s < GAIT_MEMORY_S) {
        return kernel->last_gait;
    }
    int resting = 0, heard = 0;
    for (int32_t i = 0; i < kernel->pod_count; i++) {
        heard += kernel->pods[i].started;
        resting += kernel->pods[i].started && kernel->pods[i].at_rest;
    }
    return heard > 0 && resting == heard ? STRIDE_GAIT_STANDING : STRIDE_GAIT_UNKNOWN;
}

stride_kernel_result stride_kernel_status(const stride_kernel *kernel, int32_t pod_number,
                                          stride_kernel_pod_status *status) {
    if (pod_number < 0 || pod_number >= kernel->pod_count) {
        return STRIDE_KERNEL_BAD_POD;
    }
    const pod_track *pod = &kernel->pods[pod_number];
    const float *bias = pod->orientation.bias_rps;
    clock_sync_report clock;
    clock_sync_get_report(&pod->clock, &clock);
    *status = (stride_kernel_pod_status){
        .packets = pod->packets,
        .samples = pod->samples,
        .bad_packets = kernel->bad_packets[pod_number],
        .lost_packets = pod->lost_packets,
        .stale_packets = pod->stale_packets,
        .clipped_samples = pod->clipped_samples,
        .filled_samples = pod->filled_samples,
        .long_gaps = pod->long_gaps,
        .reboots = pod->reboots,
        .last_sample_s = pod->last_s,
        .rate_hz = clock.pod_period_s > 0.0 ? 1.0 / clock.pod_period_s : 0.0,
        .skew_ppm = (float)clock.skew_ppm,
        .alignment_confidence = pod->alignment.confidence,
        .angle_deg = pod->state.angle_deg,
        .gyro_bias_dps = DEGREES * vec3_norm(bias),
        .has_standing = pod->alignment.has_standing,
        .placement = pod->info.placement};
    return STRIDE_KERNEL_OK;
}

void stride_kernel_cycle(const stride_kernel *kernel, stride_side side, stride_cycle *cycle) {
    mean_cycle_get(&kernel->legs[side == STRIDE_SIDE_LEFT ? 0 : 1].cycle, kernel->newest_s, cycle);
}

size_t stride_kernel_series(const stride_kernel *kernel, int32_t pod_number, size_t capacity,
                            double *time_s, float *angle_deg, float *rate_dps) {
    if (pod_number < 0 || pod_number >= kernel->pod_count) {
        return 0;
    }
    const pod_track *pod = &kernel->pods[pod_number];
    const int64_t room = capacity < TRACK_SLOTS ? (int64_t)capacity : TRACK_SLOTS;
    const int64_t held = pod->next - pod->first, count = held < room ? held : room;
    for (int64_t i = 0; i < count; i++) {
        const int64_t grid = pod->next - count + i;
        const track_slot *slot = pod_track_at(pod, grid);
        time_s[i] = grid_time_s(grid);
        angle_deg[i] = slot->angle_deg;
        rate_dps[i] = slot->rate_dps;
    }
    return (size_t)count;
}
