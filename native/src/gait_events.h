/* Refined initial contact and toe-off, from the samples of all pods around a provisional event.
 *
 * The vertical force on the ground is the sum of each segment's mass times its vertical specific
 * force: zero in flight whatever the limbs do, and rising from the instant of contact. It needs no
 * landmark of a runner's style. Where it cannot be formed, or there is no flight, kinematic
 * landmarks of the leg stand in.
 */
#ifndef GAIT_EVENTS_H
#define GAIT_EVENTS_H

#include "body.h"
#include "shank_events.h"

typedef struct {
    double time_s;
    int from_force;
    int patched; /* samples of a pod were missing just there */
    int flight;  /* 1: seen, 0: not seen, -1: cannot be told */
} refined_event;

/* The last grid number that a refinement looks at. */
int64_t gait_events_needs(const shank_event *event);

refined_event gait_refine_contact(const body *b, int side, const shank_event *event);

refined_event gait_refine_toe_off(const body *b, int side, const shank_event *event, int walking);

#endif
