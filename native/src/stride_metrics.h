/* The metrics of one finished stride, from the series of all pods. */
#ifndef STRIDE_METRICS_H
#define STRIDE_METRICS_H

#include "body.h"

typedef struct {
    int side;
    double ic_s, to_s, next_ic_s;
    double other_ic_s; /* of the other foot within this stride; NaN: unknown */
    int running;
    int events_from_force;
    int events_patched; /* samples were missing where they decide an event */
} stride_times;

/* Fills everything of the record but its index. */
void stride_measure(const body *b, const stride_times *times, stride_record *record);

#endif
