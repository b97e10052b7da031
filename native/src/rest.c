#include "rest.h"

#include <math.h>
#include <string.h>

#include "units.h"
#include "vec3.h"

static const float REST_GYR_RPS =
    0.09f; /* rms over the axes; a standing person sways at 1..3 deg/s */
static const float REST_ACC_MPS2 = 0.5f;    /* rms */
static const float REST_BIAS_RPS = 0.2f;    /* a slower, steadier turn than this may be bias */
static const float REST_G_TOLERANCE = 0.1f; /* of g, for the accelerometer's own errors */
static const float ASKED_TOLERANCE = 9.0f;  /* of the squares: three times the movement */
enum { REST_WINDOWS = 3 };                  /* quiet in a row before the middle one counts */

static void begin_window(rest_watch *rest) {
    memset(rest->acc_sum, 0, sizeof rest->acc_sum);
    memset(rest->gyr_sum, 0, sizeof rest->gyr_sum);
    rest->gyr_square = rest->acc_square = 0.0f;
    rest->samples = 0;
}

void rest_init(rest_watch *rest, float rate_hz) {
    memset(rest, 0, sizeof *rest);
    rest->window_samples = (int)fmaxf(1.0f, REST_WINDOW_S * rate_hz);
}

void rest_lost(rest_watch *rest) {
    begin_window(rest);
    rest->quiet_windows = 0;
}

static int is_quiet(const rest_watch *rest, float acc_mean[3], float gyr_mean[3]) {
    const float share = 1.0f / (float)rest->samples;
    for (int i = 0; i < 3; i++) {
        acc_mean[i] = rest->acc_sum[i] * share;
        gyr_mean[i] = rest->gyr_sum[i] * share;
    }
    const float gyr_variance = rest->gyr_square * share - vec3_dot(gyr_mean, gyr_mean);
    const float acc_variance = rest->acc_square * share - vec3_dot(acc_mean, acc_mean);
    const float g_error = fabsf(vec3_norm(acc_mean) / GRAVITY_MPS2 - 1.0f);
    const float tolerance = rest->asked ? ASKED_TOLERANCE : 1.0f;
    return gyr_variance < tolerance * REST_GYR_RPS * REST_GYR_RPS &&
           acc_variance < tolerance * REST_ACC_MPS2 * REST_ACC_MPS2 &&
           vec3_norm(gyr_mean) < REST_BIAS_RPS && g_error < REST_G_TOLERANCE;
}

/* The window before the last one counts, so that the beginning of a movement never does: its means
 * are kept one window long. */
static rest_result close_window(rest_watch *rest) {
    float acc_mean[3], gyr_mean[3];
    if (!is_quiet(rest, acc_mean, gyr_mean)) {
        rest->quiet_windows = 0;
        return REST_BROKEN;
    }
    rest->quiet_windows += rest->quiet_windows < REST_WINDOWS;
    vec3_copy(rest->acc_next, rest->acc_mean);
    vec3_copy(rest->gyr_next, rest->gyr_mean);
    vec3_copy(acc_mean, rest->acc_next);
    vec3_copy(gyr_mean, rest->gyr_next);
    return rest->quiet_windows >= REST_WINDOWS ? REST_QUIET : REST_BEGUN;
}

rest_result rest_step(rest_watch *rest, const float acc_mps2[3], const float gyr_rps[3],
                      float acc_square) {
    vec3_add_scaled(rest->acc_sum, acc_mps2, 1.0f);
    vec3_add_scaled(rest->gyr_sum, gyr_rps, 1.0f);
    rest->acc_square += acc_square;
    rest->gyr_square += vec3_dot(gyr_rps, gyr_rps);
    if (++rest->samples < rest->window_samples) {
        return REST_OPEN;
    }
    const rest_result result = close_window(rest);
    begin_window(rest);
    return result;
}
