/* How does a pod lie in the world? From gyroscope and accelerometer, without a magnetometer.
 *
 * The gyroscope carries the orientation from sample to sample into an almost inertial frame, whose
 * heading is arbitrary and drifts slowly. In steady gait the specific force averaged there over a
 * whole cycle is gravity (the idea of VQF, Laidig & Seel 2023, arXiv 2203.17024): where it points
 * is up. The tilt error is summed over exactly one cycle and steered away during the next, so that
 * the correction carries no ripple of the stride.
 */
#ifndef ORIENTATION_H
#define ORIENTATION_H

typedef struct {
    float tilt_time_s; /* time constant of the tilt correction in steady gait */
    float bias_time_s; /* time constant of the gyroscope bias learnt in motion */
} orientation_settings;

typedef struct {
    orientation_settings settings;
    float quaternion[4];   /* sensor to world: w x y z */
    float up[3];           /* the world's vertical in the sensor's frame */
    float bias_rps[3];     /* gyroscope bias, sensor frame, rad/s */
    float previous_rps[3]; /* angular rate of the sample before */
    int started;
    unsigned samples;

    float
        force_sum[3]; /* over this cycle: specific force in the world, x and y level, z up, m/s^2 */
    int force_samples;
    int partial;      /* this cycle began in the middle */
    int cycles;       /* since the vertical was last lost: the first ones correct faster */
    int wary_cycles;  /* for so many more the bias is not trusted */
    float strain_rad; /* tilt errors of the last cycles, as far as they are too large to be believed
                       */

    float steer_rps[2];   /* correction in use, turn about the world's x and y, rad/s */
    float steer_left_s;   /* for this long */
    float steered_rad[3]; /* what it added up to in the sensor's frame */

    int rests; /* rest windows the bias was averaged over */
} orientation;

orientation_settings orientation_default_settings(void);

void orientation_init(orientation *o, const orientation_settings *settings);

/* One sample: specific force (m/s^2) and angular rate (rad/s), each x y z, seconds since the last
 * one. Writes the angular rate without bias; returns the vertical part of the specific force
 * (m/s^2). */
float orientation_step(orientation *restrict o, const float *restrict acc_mps2,
                       const float *restrict gyr_rps, float dt_s, float *restrict rate_rps);

/* Closes a cycle of the given length: what it has shown corrects the next one. */
void orientation_close_cycle(orientation *o, float cycle_s);

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
