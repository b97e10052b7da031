#include "body.h"

#include <math.h>
#include <string.h>

#include "units.h"

/* Forward roll of the ankle over the planted foot per radian of shank rotation, as a share of
 * height [D]: ankle height (0.039 H, Winter 2009) and the heel's rise over the forefoot. */
static const double ANKLE_ROLL_OF_HEIGHT = 0.06;

void body_init(body *b, const stride_kernel_settings *settings) {
    memset(b, 0, sizeof *b);
    double height_m = settings->height_m;
    for (int side = 0; side < 2; side++) {
        double leg_m = settings->leg_length_m[side];
        if (isnan(leg_m)) {
            leg_m = settings->leg_length_m[1 - side];
        }
        if (isnan(leg_m)) {
            leg_m = BODY_LEG_OF_HEIGHT * settings->height_m;
        }
        if (isnan(height_m)) {
            height_m = leg_m / BODY_LEG_OF_HEIGHT;
        }
        b->thigh_m[side] = BODY_THIGH_SHARE * leg_m;
        b->shank_m[side] = BODY_SHANK_SHARE * leg_m;
    }
    b->ankle_roll_m = ANKLE_ROLL_OF_HEIGHT * height_m;
    b->standing_thigh_deg = (float)settings->standing_thigh_deg;
    b->standing_shank_deg = (float)settings->standing_shank_deg;
    b->speed_factor = (float)settings->speed_factor;
}

const pod_track *body_thigh(const body *b, int side) {
    return b->pods[side == STRIDE_SIDE_LEFT ? POD_WIRE_THIGH_L : POD_WIRE_THIGH_R];
}

const pod_track *body_shank(const body *b, int side) {
    return b->pods[side == STRIDE_SIDE_LEFT ? POD_WIRE_SHANK_L : POD_WIRE_SHANK_R];
}

const pod_track *body_foot(const body *b, int side) {
    return b->pods[side == STRIDE_SIDE_LEFT ? POD_WIRE_FOOT_L : POD_WIRE_FOOT_R];
}

const pod_track *body_pelvis(const body *b) { return b->pods[POD_WIRE_PELVIS]; }

int body_span_is_good(const pod_track *pod, int64_t first, int64_t last, uint32_t flags) {
    if (pod == NULL) {
        return 0;
    }
    const track_span span = pod_track_span(pod, first, last);
    return span.complete && (span.flags & flags) == 0;
}

leg_pose body_leg_pose(const body *b, int side, int64_t grid) {
    return (leg_pose){
        .thigh_deg = pod_track_at(body_thigh(b, side), grid)->angle_deg + b->standing_thigh_deg,
        .shank_deg = pod_track_at(body_shank(b, side), grid)->angle_deg + b->standing_shank_deg};
}

leg_pose body_leg_pose_at(const body *b, int side, double time_s) {
    return (leg_pose){
        .thigh_deg = pod_track_angle_at(body_thigh(b, side), time_s) + b->standing_thigh_deg,
        .shank_deg = pod_track_angle_at(body_shank(b, side), time_s) + b->standing_shank_deg};
}

void body_ankle(leg_pose pose, float *forward, float *down) {
    const float thigh = pose.thigh_deg * RADIANS, shank = pose.shank_deg * RADIANS;
    const float thigh_share = (float)BODY_THIGH_SHARE, shank_share = (float)BODY_SHANK_SHARE;
    *forward = thigh_share * sinf(thigh) + shank_share * sinf(shank);
    *down = thigh_share * cosf(thigh) + shank_share * cosf(shank);
}
