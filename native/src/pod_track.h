/* One pod from packets to a series on the kernel's common time grid.
 *
 * Each packet is placed in hub time, short gaps are bridged, and every sample becomes the sagittal
 * state of the pod's segment: angle and rate about the medio-lateral axis, vertical specific force,
 * acceleration magnitude, yaw. The state is interpolated onto a grid that all pods of all runners
 * share: slot g is hub time g x 5 ms.
 */
#ifndef POD_TRACK_H
#define POD_TRACK_H

#include <math.h>
#include <stdint.h>

#include "alignment.h"
#include "clock_sync.h"
#include "orientation.h"
#include "pod_wire.h"
#include "rest.h"
#include "shank_events.h"
#include "stride_kernel.h"

enum {
    TRACK_SLOTS = 512, /* 2.56 s: the longest stride, the wait for a late pod and some more */
    TRACK_GRID_HZ = 200
};

typedef enum {
    SLOT_CLIPPED = 1,
    SLOT_MOTOR = 2,
    SLOT_HOLE = 4,     /* samples lost for longer than can be bridged */
    SLOT_SETTLING = 8, /* after a hole, until whole cycles have set the vertical again */
    SLOT_UNCALIBRATED = 16,
    SLOT_NO_STANDING = 32,
    SLOT_OFF = 128,   /* lies still, or in a pose no limb takes: not on a runner */
    SLOT_BRIDGED = 64 /* samples made up across a short gap: no impact is in them */
} slot_flag;

typedef struct {
    float angle_deg; /* relative to standing, distal end ahead positive */
    float rate_dps;
    float force_g;     /* vertical specific force: 1 standing, 0 falling */
    float magnitude_g; /* largest of the acceleration since the slot before */
    float yaw_deg;  /* of the trunk: turned about the vertical since the start, without wrapping */
    uint32_t flags; /* slot_flag bits */
} track_slot;

typedef struct {
    float time_s; /* so far */
    int armed;    /* the segment has swung back since the last tick */
    float swing;  /* running mean of its size: rad/s of a limb, m/s of the trunk's rise */
} cycle_clock;

typedef struct {
    float acc_mps2[3], gyr_rps[3];
} imu_sample;

typedef struct {
    pod_wire_info info;
    segment_kind kind;
    int side; /* stride_side, or -1 for the trunk */
    float acc_scale, gyr_scale;

    clock_sync clock;
    orientation orientation;
    alignment alignment;
    cycle_clock cycle;
    rest_watch rest;
    shank_events events; /* of shank pods */

    int started;
    uint16_t sequence;
    double last_s;           /* hub time of the last sample */
    imu_sample last, before; /* the last two samples */

    uint32_t standing_flags; /* slot_flag bits of every slot for now */
    uint32_t pose_flags;     /* slot_flag bits by the pose at this moment */
    track_slot state;        /* of the last sample */
    int64_t first;           /* grid number of the oldest slot since the track began */
    int64_t next;            /* grid number of the next slot to write; first == next: none yet */
    double next_slot_s;      /* its time */
    int at_rest;
    int after_hole;          /* the vertical is being found again after a hole */
    int shows_swing;         /* the axis is good enough to see the swing of a shank */
    unsigned axis_changes;   /* of the alignment, when it was last looked at */
    float peak_g;            /* largest acceleration since the last slot */
    uint32_t flags_since;    /* all flags since the last slot */
    double standing_until_s; /* the runner was asked to stand still until then */
    track_slot slots[TRACK_SLOTS];

    uint64_t packets, samples, lost_packets, stale_packets, clipped_samples, filled_samples;
    uint32_t long_gaps, reboots;
} pod_track;

void pod_track_init(pod_track *pod, const pod_wire_info *info);

/* Takes a decoded packet in. */
stride_kernel_result pod_track_packet(pod_track *pod, const pod_wire_packet *packet,
                                      double arrival_s);

/* Another pod has shown which way this one's axis points; if the wrong way, what there is of it is
 * not to be used. */
void pod_track_confirm_sign(pod_track *pod, int forward_is_forward);

/* What is known of a span of grid numbers. */
typedef struct {
    int complete;   /* every slot is there */
    int late;       /* the last ones are not there yet */
    uint32_t flags; /* of all slots together */
} track_span;

track_span pod_track_span(const pod_track *pod, int64_t first, int64_t last);

/* The slot of a grid number that is known to be there. */
static inline const track_slot *pod_track_at(const pod_track *pod, int64_t grid) {
    return &pod->slots[(uint64_t)grid % TRACK_SLOTS];
}

/* The angle between two slots that are known to be there. */
static inline float pod_track_angle_at(const pod_track *pod, double time_s) {
    const double place = time_s * TRACK_GRID_HZ;
    const int64_t grid = (int64_t)floor(place);
    const float before = pod_track_at(pod, grid)->angle_deg;
    const float after = pod_track_at(pod, grid + 1)->angle_deg;
    return before + (float)(place - (double)grid) * (after - before);
}

static inline double grid_time_s(int64_t grid) { return (double)grid / TRACK_GRID_HZ; }

/* The first slot at that time or after it. */
static inline int64_t grid_after(double time_s) { return (int64_t)ceil(time_s * TRACK_GRID_HZ); }

#endif
