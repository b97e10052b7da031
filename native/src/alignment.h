/* How does a pod sit on its segment? Two axes of the segment in the pod's own frame, from standing
 * and movement.
 *
 * Standing gives the segment's long axis (zero of its angle). The medio-lateral axis comes from the
 * movement: for limbs it is the axis of the largest angular rate (principal component of the
 * gyroscope, at a right angle to the long axis), its sign from the swing; for the trunk, which
 * turns about every axis alike, forward is where the body accelerates while it rises (running:
 * braking goes with sinking, propulsion with rising).
 */
#ifndef ALIGNMENT_H
#define ALIGNMENT_H

#include <stdint.h>

typedef enum {
    SEGMENT_TRUNK = 0, /* pelvis and chest */
    SEGMENT_THIGH = 1,
    SEGMENT_SHANK = 2,
    SEGMENT_FOOT = 3
} segment_kind;

typedef struct {
    segment_kind kind;

    float up[3];      /* long axis, upwards while standing */
    float right[3];   /* medio-lateral axis, to the runner's right */
    float forward[3]; /* up x right */

    int has_axis;          /* right is more than arbitrary */
    int sign_confirmed;    /* by another pod */
    unsigned axis_changes; /* how often right was found anew or turned round */
    int has_standing;      /* up was seen in a standing pose */
    int standing_verified; /* and gait since then fits it */
    float candidate[3];    /* a later standing pose that gait has yet to confirm */
    int has_candidate;
    int candidate_cycles; /* of gait since it was seen */
    int candidate_fits;   /* of those, how many fit it better than the pose in use */

    /* this cycle */
    float spread[6]; /* sum of rate x rate: xx yy zz xy xz yz, rad^2/s^2 */
    float skew;      /* sum of (rate about right)^3 */
    float up_sum[3];
    float rise_mps;      /* leaky vertical speed of a trunk pod */
    float push[3];       /* sum of horizontal specific force x vertical speed */
    float lightest_mps2; /* least vertical specific force of a trunk pod */
    int samples;

    /* over the last cycles, forgetting */
    float spread_mean[6];
    float skew_mean;
    float push_mean[3];
    float push_norm;    /* sum of the lengths that push_mean adds up */
    float pose_mean[3]; /* mean vertical over cycles */
    float cycles;       /* effective number of cycles in the means */

    float axis_quality; /* 0..1 */
    float axis_share;   /* of the last cycle's rotation about the two cross axes, the medio-lateral
                           one's part */
    int strange_cycles; /* in a row, about another axis */
    int pose_plausible; /* the last cycle's mean pose is one of upright gait */
    float confidence;   /* 0..1; 0.5 is enough for strides */
} alignment;

void alignment_init(alignment *a, segment_kind kind);

/* One sample: bias-free rate (rad/s) and its part about the medio-lateral axis, vertical, specific
 * force (m/s^2) and its vertical part, all in the sensor frame; seconds since the last one given.
 */
void alignment_step(alignment *a, const float rate_rps[3], float about_rps, const float up[3],
                    const float acc_mps2[3], float vertical_mps2, float dt_s);

/* A cycle of gait has ended; what was summed counts. */
void alignment_close_cycle(alignment *a);

/* What was summed was movement, but no cycle of gait: it only shows whether the pod still sits as
 * it did. */
void alignment_close_other(alignment *a);

/* What was summed was the first lively movement: it shows about which axis, so that cycles can be
 * seen at all. */
void alignment_guess_axis(alignment *a);

/* What was summed says nothing. */
void alignment_drop(alignment *a);

/* The segment, aligned, takes a pose that a running body can take: angle about its medio-lateral
 * axis (deg) and the part of the vertical along that axis. */
int alignment_pose_is_human(const alignment *a, float angle_deg, float up_along_right);

/* A window of rest with this mean specific force (m/s^2). */
void alignment_standing(alignment *a, const float acc_mps2[3]);

/* The axis is known well enough for the swing to be seen, and its direction. */
int alignment_shows_swing(const alignment *a);

/* The axis is found, but which way it points is better told by another pod. */
int alignment_wants_sign(const alignment *a);

/* Another pod has shown that forward is forward here, or that it is not: then learn anew from
 * there. */
void alignment_confirm_sign(alignment *a, int forward_is_forward);

#endif
