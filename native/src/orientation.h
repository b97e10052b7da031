/* Where is up? The direction of gravity in a pod's own frame, from gyroscope and accelerometer.
 *
 * Only the vertical is tracked (3 numbers, no heading): the sagittal angle of a segment needs no more.
 * The gyroscope turns the vertical from sample to sample; the accelerometer corrects it. In steady gait the
 * specific force averaged over a whole cycle is gravity (the idea behind VQF, Laidig & Seel 2023), so
 * the tilt error is summed over exactly one cycle and steered away during the next: the correction
 * carries no ripple of the stride, unlike a filter of fixed bandwidth.
 */
#ifndef ORIENTATION_H
#define ORIENTATION_H

#define ORIENTATION_GRAVITY_MPS2 9.80665f

typedef struct {
    float tilt_time_s; /* time constant of the tilt correction in steady gait */
    float bias_time_s; /* time constant of the gyroscope bias learnt in motion */
} orientation_settings;

typedef struct {
    orientation_settings settings;
    float up[3];        /* unit vector, sensor frame */
    float bias_rps[3];  /* gyroscope bias, rad/s */
    float steer_rps[3]; /* correction in use, rad/s */
    float steer_left_s; /* for this long */
    float error[3];     /* sum over this cycle of specific force x up, m/s^2 */
    float upward;       /* sum over this cycle of specific force . up, m/s^2 */
    float force[3];     /* sum over this cycle of specific force, m/s^2 */
    int error_samples;
    int cycles;         /* since the vertical was last lost: the first ones correct faster */
    int partial;        /* this cycle began in the middle */
    float strain_rad;   /* tilt errors of the last cycles, added up while they are too large to be believed */
    int started;
    int rests;          /* rest windows the bias was averaged over */
    float previous_rps[3];
} orientation;

orientation_settings orientation_default_settings(void);

void orientation_init(orientation *o, const orientation_settings *settings);

/* One sample: specific force (m/s^2), angular rate (rad/s), seconds since the last one. Writes the angular rate
 * without bias; returns the vertical part of the specific force (m/s^2). */
float orientation_step(orientation *o, const float acc_mps2[3], const float gyr_rps[3], float dt_s,
                       float rate_rps[3]);

/* Closes a cycle of the given length: what it has shown corrects the next one. A vertical that was lost is found again by
 * turning about the axis the segment swings about, where that is known (else NULL). */
void orientation_close_cycle(orientation *o, float cycle_s, const float *swing_axis);

/* What was summed says nothing; the next cycle begins in the middle. */
void orientation_drop_cycle(orientation *o);

/* A window of rest: its mean angular rate is the bias, its mean specific force the vertical. */
void orientation_close_rest(orientation *o, const float mean_acc_mps2[3],
                            const float mean_gyr_rps[3], float window_s);

/* Samples were lost for long: the next whole cycle sets the vertical anew. */
void orientation_disturbed(orientation *o);

/* False from a disturbance until whole cycles have set the vertical again. */
int orientation_is_settled(const orientation *o);

#endif
