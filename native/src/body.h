/* A runner's pods as one body: which segment each is, its series, and the leg as a chain of two
 * links. */
#ifndef BODY_H
#define BODY_H

#include "pod_track.h"
#include "stride_kernel.h"

enum { BODY_PLACEMENTS = POD_WIRE_CHEST + 1 };

typedef struct {
    const pod_track *pods[BODY_PLACEMENTS]; /* by pod_wire_placement, NULL where none is worn */
    double thigh_m[2], shank_m[2];          /* NaN: not known */
    double ankle_roll_m;                    /* NaN: not known */
    float standing_thigh_deg, standing_shank_deg;
    float speed_factor;
} body;

/* Thigh and shank as shares of the hip-ankle length, and both as shares of height (Winter 2009,
 * table 4.1). */
#define BODY_THIGH_SHARE (0.245 / 0.491)
#define BODY_SHANK_SHARE (0.246 / 0.491)
#define BODY_LEG_OF_HEIGHT 0.491

void body_init(body *b, const stride_kernel_settings *settings);

const pod_track *body_thigh(const body *b, int side);
const pod_track *body_shank(const body *b, int side);
const pod_track *body_foot(const body *b, int side);
const pod_track *body_pelvis(const body *b);

/* A pod is worn, its slots first..last are all there and none has one of the flags. */
int body_span_is_good(const pod_track *pod, int64_t first, int64_t last, uint32_t flags);

typedef struct {
    float thigh_deg, shank_deg; /* with the standing offsets */
} leg_pose;

/* Of a leg whose thigh and shank pods have the slots. */
leg_pose body_leg_pose(const body *b, int side, int64_t grid);

/* The same between the slots. */
leg_pose body_leg_pose_at(const body *b, int side, double time_s);

/* Ankle relative to the hip in leg lengths: forward, and down. */
void body_ankle(leg_pose pose, float *forward, float *down);

#endif
