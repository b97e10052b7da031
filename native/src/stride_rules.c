#include "stride_rules.h"

#include <math.h>

/* A gait stride: 300 steps a minute to slow walking. */
static const double STRIDE_MIN_S = 0.4, STRIDE_MAX_S = 1.6;
static const double DUTY_MIN = 0.12, DUTY_MAX = 0.80;
/* A running stride where flight cannot be seen. */
static const double RUNNING_DUTY_MAX = 0.5, RUNNING_STRIDE_MAX_S = 1.0;
/* The other foot lands in the middle of a stride; two-legged hops land at its ends. */
static const double OTHER_FOOT_FROM = 0.25, OTHER_FOOT_TO = 0.75;
/* Of the shank's rotation about its cross axes, the part about the medio-lateral one; a tumbling
 * pod has half. */
static const float LEAST_AXIS_SHARE = 0.6f;
/* A stride this much longer than usual, with samples lost in it, may be two. */
static const double TWO_STRIDES = 1.4;

/* Where the other shank is worn and heard, its foot lands in the middle of the stride. */
static int feet_alternate(const body *b, const stride_times *t) {
    const int64_t first = (int64_t)(t->ic_s * TRACK_GRID_HZ);
    const int64_t last = (int64_t)(t->next_ic_s * TRACK_GRID_HZ);
    if (!body_span_is_good(body_shank(b, 1 - t->side), first, last, SLOT_HOLE | SLOT_OFF)) {
        return 1;
    }
    const double phase = (t->other_ic_s - t->ic_s) / (t->next_ic_s - t->ic_s);
    return phase > OTHER_FOOT_FROM && phase < OTHER_FOOT_TO;
}

static int is_worn_upright(const pod_track *shank) {
    return shank->alignment.pose_plausible && shank->alignment.axis_share > LEAST_AXIS_SHARE;
}

static int may_be_two_strides(const body *b, const stride_times *t, double usual_stride_s) {
    const int64_t first = (int64_t)(t->ic_s * TRACK_GRID_HZ);
    const int64_t last = (int64_t)(t->next_ic_s * TRACK_GRID_HZ);
    return usual_stride_s > 0.0 && t->next_ic_s - t->ic_s > TWO_STRIDES * usual_stride_s &&
           !body_span_is_good(body_shank(b, t->side), first, last, SLOT_HOLE);
}

int stride_is_gait(const body *b, const stride_times *t, double usual_stride_s) {
    const double stride_s = t->next_ic_s - t->ic_s;
    const double duty = (t->to_s - t->ic_s) / stride_s;
    return stride_s > STRIDE_MIN_S && stride_s < STRIDE_MAX_S && duty > DUTY_MIN &&
           duty < DUTY_MAX && feet_alternate(b, t) && is_worn_upright(body_shank(b, t->side)) &&
           !may_be_two_strides(b, t, usual_stride_s);
}

int stride_is_running(const stride_times *t, int contact_flight, int toe_off_flight) {
    if (contact_flight >= 0 || toe_off_flight >= 0) {
        return contact_flight > 0 || toe_off_flight > 0;
    }
    const double stride_s = t->next_ic_s - t->ic_s;
    return t->to_s - t->ic_s < RUNNING_DUTY_MAX * stride_s && stride_s < RUNNING_STRIDE_MAX_S;
}
