#include "mean_cycle.h"

#include <math.h>

/* Older strides do not show how the leg moves now: five slow ones, and a bend that none is taken
 * of. */
static const double FRESH_S = 10.0;

/* Running straight on. The metrics say whether the stride's angles are known. */
static int is_good(const stride_record *r) {
    return r->gait == STRIDE_GAIT_RUNNING && (r->quality & STRIDE_QUALITY_TURNING) == 0 &&
           !isnan(r->kickback_deg);
}

static void trace(const pod_track *pod, float standing_deg, const stride_times *t, float *deg) {
    const double step_s = (t->next_ic_s - t->ic_s) / STRIDE_CYCLE_POINTS;
    for (int i = 0; i < STRIDE_CYCLE_POINTS; i++) {
        deg[i] = pod_track_angle_at(pod, t->ic_s + i * step_s) + standing_deg;
    }
}

void mean_cycle_take(mean_cycle *cycle, const body *b, const stride_times *times,
                     const stride_record *record) {
    if (!is_good(record)) {
        return;
    }
    cycle_stride *stride = &cycle->strides[cycle->taken++ % STRIDE_CYCLE_STRIDES];
    stride->end_s = times->next_ic_s;
    stride->toe_off_share = record->duty_factor;
    stride->has_thigh = !isnan(record->knee_lift_deg);
    trace(body_shank(b, times->side), b->standing_shank_deg, times, stride->shank_deg);
    if (stride->has_thigh) {
        trace(body_thigh(b, times->side), b->standing_thigh_deg, times, stride->thigh_deg);
    }
}

/* NaN where there are no curves. */
static void mean_curve(const float *const *curves, int count, float *mean_deg) {
    for (int i = 0; i < STRIDE_CYCLE_POINTS; i++) {
        float sum = 0.0f;
        for (int k = 0; k < count; k++) {
            sum += curves[k][i];
        }
        mean_deg[i] = count > 0 ? sum / (float)count : NAN;
    }
}

void mean_cycle_get(const mean_cycle *cycle, double now_s, stride_cycle *mean) {
    const float *shanks[STRIDE_CYCLE_STRIDES], *thighs[STRIDE_CYCLE_STRIDES];
    int shank_count = 0, thigh_count = 0;
    float toe_off_sum = 0.0f;
    for (uint32_t i = 0; i < STRIDE_CYCLE_STRIDES && i < cycle->taken; i++) {
        const cycle_stride *stride = &cycle->strides[i];
        if (now_s - stride->end_s > FRESH_S) {
            continue;
        }
        toe_off_sum += stride->toe_off_share;
        shanks[shank_count++] = stride->shank_deg;
        if (stride->has_thigh) {
            thighs[thigh_count++] = stride->thigh_deg;
        }
    }
    mean->strides = (uint32_t)shank_count;
    mean->thigh_of_leg = (float)BODY_THIGH_SHARE;
    mean->toe_off_share = shank_count > 0 ? toe_off_sum / (float)shank_count : NAN;
    mean_curve(shanks, shank_count, mean->shank_deg);
    mean_curve(thighs, thigh_count, mean->thigh_deg);
}
