/* Provisional gait events from one shank pod, sample by sample.
 *
 * The shank swings forward once a stride: a clear positive peak of its rate. Behind the peak the
 * rate falls through zero (the shank begins to reach back for the ground): the mark of initial
 * contact, which follows it by some 15..50 ms. Late in stance the rate rises once more and then
 * falls away as the foot leaves: the mark of toe-off. A wobble in stance can look the same, so the
 * mark is taken back when the rate recovers; the last one before the swing counts. Event and mark
 * lie apart by a lag that differs between runners but hardly between strides, so it is learnt from
 * the refined events.
 */
#ifndef SHANK_EVENTS_H
#define SHANK_EVENTS_H

#include <stdint.h>

enum { SHANK_EVENTS_QUEUE = 4 };

typedef struct {
    double time_s;  /* the mark plus the lag learnt for this leg */
    double seen_s;  /* time of the sample that revealed it */
    double mark_s;  /* IC: the rate fell through zero before landing; TO: it fell by a share of its
                       usual fall */
    int32_t kind;   /* stride_event_kind */
    int32_t tell;   /* new: to be told at once */
    int32_t refine; /* certain: to be refined */
    float swing_range_deg; /* IC: from the rearmost to the foremost angle of the swing before it */
} shank_event;

typedef enum {
    SHANK_WAITING = 0, /* for a forward swing */
    SHANK_SWINGING = 1,
    SHANK_LANDING = 2,
    SHANK_STANDING = 3,
    SHANK_LEAVING = 4 /* toe-off has been marked, the swing has not begun */
} shank_phase;

typedef struct {
    shank_phase phase;
    float rate_dps; /* of the sample before */
    double time_s;

    float peak_dps;      /* of this swing */
    float mean_peak_dps; /* over the last swings */
    double swing_s;      /* end of the last one */
    int restarted;       /* since the events were last taken */
    float rearmost_deg;  /* since the last landing */
    float foremost_deg;
    double zero_s;        /* the rate fell through zero */
    float least_dps;      /* since toe-off */
    float most_dps;       /* since landing */
    float mean_depth_dps; /* mean size of the rate's minimum after toe-off */
    double contact_s;     /* provisional IC */
    double contact_lag_s; /* refined IC after its mark, learnt */
    double toe_off_lag_s; /* refined TO after its mark, learnt */
    shank_event toe_off;  /* the last one marked */

    int32_t queued;
    shank_event queue[SHANK_EVENTS_QUEUE];
} shank_events;

void shank_events_init(shank_events *e);

/* One sample: shank rate (deg/s, forward positive), angle (deg) and its time (s, increasing). */
void shank_events_step(shank_events *e, float rate_dps, float angle_deg, double time_s);

/* What refinement made of an event: its lag is learnt. */
void shank_events_learn(shank_events *e, const shank_event *event, double refined_s);

/* The axis has changed: what came before was measured another way. */
void shank_events_restart(shank_events *e);

/* Samples were lost: nothing that began before may end after. */
void shank_events_lost(shank_events *e);

#endif
