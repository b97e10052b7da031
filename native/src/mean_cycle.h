/* How a leg moves: its last good strides, each as points evenly spaced in time, and their mean. */
#ifndef MEAN_CYCLE_H
#define MEAN_CYCLE_H

#include "body.h"
#include "stride_metrics.h"

typedef struct {
    double end_s;
    float toe_off_share;
    int has_thigh;
    float thigh_deg[STRIDE_CYCLE_POINTS];
    float shank_deg[STRIDE_CYCLE_POINTS];
} cycle_stride;

typedef struct {
    uint32_t taken; /* strides so far; number n is at n % STRIDE_CYCLE_STRIDES */
    cycle_stride strides[STRIDE_CYCLE_STRIDES];
} mean_cycle;

/* A stride has ended and was measured; it is taken if it is a good one. */
void mean_cycle_take(mean_cycle *cycle, const body *b, const stride_times *times,
                     const stride_record *record);

/* Of the strides that are still fresh. */
void mean_cycle_get(const mean_cycle *cycle, double now_s, stride_cycle *mean);

#endif
