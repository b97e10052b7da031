/* The stride kernel: packets of one runner's pods in, gait events and strides out.
 *
 * One stride_kernel per runner, created once; no call after creation allocates, blocks or reads a
 * clock. Frames, signs and definitions: native/FRAMES.md. Not thread-safe: one thread per kernel.
 */
#ifndef STRIDE_KERNEL_H
#define STRIDE_KERNEL_H

#include <stddef.h>
#include <stdint.h>

enum {
    STRIDE_KERNEL_MAX_PODS = 8,
    STRIDE_KERNEL_MAX_EVENTS = 16, /* in one output */
    STRIDE_KERNEL_MAX_STRIDES = 4, /* in one output */
    STRIDE_CYCLE_POINTS = 50,      /* of a stride, evenly spaced in time */
    STRIDE_CYCLE_STRIDES = 5       /* at most in a mean cycle */
};

typedef enum {
    STRIDE_KERNEL_OK = 0,
    STRIDE_KERNEL_BAD_POD = 1,    /* no such pod, or one whose placement is taken */
    STRIDE_KERNEL_BAD_PACKET = 2, /* counted under its pod_wire_result; see output.wire_result */
    STRIDE_KERNEL_WRONG_PLACEMENT = 3, /* the packet names another placement than the pod's */
    STRIDE_KERNEL_BAD_TIME = 4,        /* arrival is not finite or lies before an earlier one */
    STRIDE_KERNEL_STALE = 5            /* a duplicate, or out of order */
} stride_kernel_result;

typedef enum { STRIDE_SIDE_LEFT = 0, STRIDE_SIDE_RIGHT = 1 } stride_side;

typedef enum { STRIDE_EVENT_INITIAL_CONTACT = 1, STRIDE_EVENT_TOE_OFF = 2 } stride_event_kind;

typedef enum {
    STRIDE_STAGE_PROVISIONAL = 1, /* at once, from the shank pod alone */
    STRIDE_STAGE_REFINED = 2 /* from all pods: contact 0.15 s, toe-off a swing's beginning later */
} stride_event_stage;

typedef enum {
    STRIDE_GAIT_UNKNOWN = 0,
    STRIDE_GAIT_STANDING = 1,
    STRIDE_GAIT_WALKING = 2,
    STRIDE_GAIT_RUNNING = 3
} stride_gait;

/* Why a value of a stride is missing or doubtful. */
typedef enum {
    /* samples of a pod are missing for longer than can be bridged */
    STRIDE_QUALITY_GAP = 1,
    /* a sensor stood at the end of its range */
    STRIDE_QUALITY_CLIPPED = 2,
    /* the alignment of a pod is not yet good enough */
    STRIDE_QUALITY_NOT_CALIBRATED = 4,
    /* zero of the angles from movement alone, not from standing */
    STRIDE_QUALITY_NO_STANDING = 8,
    STRIDE_QUALITY_WALKING = 16,
    STRIDE_QUALITY_TURNING = 32,
    STRIDE_QUALITY_NO_PELVIS = 64,
    STRIDE_QUALITY_NO_THIGH = 128,
    /* IC or TO from the leg's movement alone, force unseen */
    STRIDE_QUALITY_KINEMATIC_EVENTS = 256,
    /* a pod's data did not come in time */
    STRIDE_QUALITY_LATE = 512,
    /* a haptic motor ran: no impact */
    STRIDE_QUALITY_MOTOR = 1024,
    /* ratios from standard proportions; no speed, no step length */
    STRIDE_QUALITY_NO_LEG_LENGTH = 2048,
    /* samples were lost where they count: other pods stood in, or a value is null */
    STRIDE_QUALITY_BRIDGED = 4096,
    /* a pod lies still, or as no limb can */
    STRIDE_QUALITY_NOT_WORN = 8192,
    /* the other foot's contact is not known: no flight time */
    STRIDE_QUALITY_NO_OTHER_FOOT = 16384
} stride_quality;

/* Fixed for the life of a kernel. NaN: not known. */
typedef struct {
    double height_m;
    double mass_kg;
    double leg_length_m[2];    /* hip to ankle, left and right */
    double standing_thigh_deg; /* angle of the hip-knee line while standing */
    double standing_shank_deg; /* angle of the knee-ankle line while standing */
    double speed_factor;       /* from a run over a known distance; 1 until then */
    double join_wait_s;        /* how long a stride waits for a late pod */
} stride_kernel_settings;

typedef struct {
    double time_s;          /* when it happened, hub time */
    double seen_s;          /* hub time of the sample that revealed it */
    int32_t kind;           /* stride_event_kind */
    int32_t stage;          /* stride_event_stage */
    int32_t side;           /* stride_side */
    float shank_angle_deg;  /* at an initial contact, NaN otherwise */
    float overstride_ratio; /* at an initial contact with a thigh pod, NaN otherwise */
    int32_t reserved;
} stride_event;

/* One stride, IC to the next IC of the same foot. NaN: not known, quality says why. */
typedef struct {
    double ic_s;
    double to_s;
    double next_ic_s;
    uint32_t index;   /* counts this side's strides from 0 */
    uint32_t quality; /* stride_quality bits */
    int32_t side;     /* stride_side */
    int32_t gait;     /* stride_gait */
    float stride_time_ms;
    float contact_time_ms;
    float flight_time_ms;
    float duty_factor;
    float cadence_spm;
    float shank_angle_ic_deg;
    float overstride_ratio;
    float knee_flexion_ic_deg;
    float peak_knee_flexion_deg;
    float kickback_deg;
    float heel_lift_ratio;
    float heel_trail_ratio;
    float swing_lever_ratio;
    float knee_lift_deg;
    float hip_extension_deg;
    float hip_over_foot_ratio;
    float push_off_angle_deg;
    float lean_deg;
    float vertical_oscillation_mm;
    float impact_g;
    float speed_mps;
    float step_length_m;
    float foot_strike_angle_deg;
    float alignment_confidence; /* the least of the pods used, 0..1 */
} stride_record;

/* What one call found. */
typedef struct {
    int32_t wire_result; /* pod_wire_result of this packet */
    int32_t event_count;
    int32_t stride_count;
    int32_t more; /* 1: call stride_kernel_take for the rest */
    stride_event events[STRIDE_KERNEL_MAX_EVENTS];
    stride_record strides[STRIDE_KERNEL_MAX_STRIDES];
} stride_kernel_output;

typedef struct {
    uint64_t packets;
    uint64_t samples;
    uint64_t bad_packets;
    uint64_t lost_packets; /* by sequence number */
    uint64_t stale_packets;
    uint64_t clipped_samples;
    uint64_t filled_samples; /* bridged over short gaps */
    uint32_t long_gaps;
    uint32_t reboots;
    double last_sample_s;       /* hub time */
    double rate_hz;             /* measured */
    float skew_ppm;             /* of the pod's crystal against the hub's clock */
    float alignment_confidence; /* 0..1; strides need 0.5 */
    float angle_deg;            /* now, relative to standing */
    float gyro_bias_dps;        /* magnitude of the bias in use */
    int32_t has_standing;
    int32_t placement;
} stride_kernel_pod_status;

/* How a leg moves: the mean of its last good strides. Point i is at i / STRIDE_CYCLE_POINTS of the
 * time from initial contact to the next; angles are those of the metrics. NaN: not known. */
typedef struct {
    uint32_t strides;    /* in the mean; 0: there were none of late */
    float toe_off_share; /* of the stride's time */
    float thigh_of_leg;  /* length of the thigh, as a share of hip to ankle */
    float thigh_deg[STRIDE_CYCLE_POINTS];
    float shank_deg[STRIDE_CYCLE_POINTS];
} stride_cycle;

typedef struct stride_kernel stride_kernel;

stride_kernel_settings stride_kernel_default_settings(void);

/* Bytes of one kernel with all its pods. */
size_t stride_kernel_size(void);

/* NULL when out of memory or a setting is out of range. */
stride_kernel *stride_kernel_create(const stride_kernel_settings *settings);

void stride_kernel_destroy(stride_kernel *kernel);

/* Adds a pod from its encoded info record; *pod is its number from now on. */
stride_kernel_result stride_kernel_add_pod(stride_kernel *kernel, const uint8_t *info,
                                           size_t length, int32_t *pod);

/* The runner was asked to stand still until then (hub time): a little fidgeting counts as rest. */
void stride_kernel_expect_standing(stride_kernel *kernel, double until_s);

/* Takes one packet; everything that became known with it is in *output. */
stride_kernel_result stride_kernel_push(stride_kernel *kernel, int32_t pod, const uint8_t *packet,
                                        size_t length, double arrival_s,
                                        stride_kernel_output *output);

/* Lets time pass without a packet, so that a stride does not wait for a lost pod. */
void stride_kernel_advance(stride_kernel *kernel, double now_s, stride_kernel_output *output);

/* Finishes what can be finished: no more packets will come. */
void stride_kernel_finish(stride_kernel *kernel, stride_kernel_output *output);

/* Results that did not fit into the last output. */
void stride_kernel_take(stride_kernel *kernel, stride_kernel_output *output);

stride_gait stride_kernel_gait(const stride_kernel *kernel);

stride_kernel_result stride_kernel_status(const stride_kernel *kernel, int32_t pod,
                                          stride_kernel_pod_status *status);

/* Changes nothing. A good stride is run straight on, with angles known of the shank throughout; the
 * thigh's mean is over those that know them of the thigh too. */
void stride_kernel_cycle(const stride_kernel *kernel, stride_side side, stride_cycle *cycle);

/* The joined series of a pod on the kernel's 5 ms grid, newest last: times (s, hub), segment angle
 * (deg) and flexion-extension rate (deg/s). Returns the number written, at most capacity. For
 * calibration and tests. */
size_t stride_kernel_series(const stride_kernel *kernel, int32_t pod, size_t capacity,
                            double *time_s, float *angle_deg, float *rate_dps);

#endif
