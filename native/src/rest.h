/* Is a pod at rest? Windows of half a second in which it neither turns nor is shaken. */
#ifndef REST_H
#define REST_H

#define REST_WINDOW_S 0.5f

typedef enum {
    REST_OPEN = 0,   /* the window goes on */
    REST_BROKEN = 1, /* a window with movement has ended */
    REST_BEGUN = 2,  /* a quiet window has ended, but the ones before it were not */
    REST_QUIET = 3   /* a quiet window between quiet ones: its means count */
} rest_result;

typedef struct {
    int window_samples;
    int samples; /* so far in this window */
    float acc_sum[3], gyr_sum[3];
    float acc_square, gyr_square;
    int asked;         /* the wearer was asked to stand still: some fidgeting counts as rest */
    int quiet_windows; /* in a row */
    float acc_mean[3]; /* of the quiet window that counts, m/s^2 */
    float gyr_mean[3]; /* rad/s */
    float acc_next[3], gyr_next[3]; /* of the one after it */
} rest_watch;

/* The rate is that of the samples given to rest_step. */
void rest_init(rest_watch *rest, float rate_hz);

/* One sample: specific force (m/s^2), its square, angular rate (rad/s). */
rest_result rest_step(rest_watch *rest, const float acc_mps2[3], const float gyr_rps[3],
                      float acc_square);

/* Samples were lost: rest has to be seen anew. */
void rest_lost(rest_watch *rest);

#endif
