/* When each sample was taken, by the pod's crystal.
 *
 * An IMU samples by its own oscillator, a few percent off and drifting with temperature. Its FIFO's
 * watermark interrupt tells when one sample, known by its number, came in; a growing-memory
 * alpha-beta filter through these marks gives phase and period, its memory bounded so that it
 * follows the drift (Brookner, Tracking and Kalman Filtering Made Easy, 1998, section 1.3).
 */
#ifndef SAMPLE_CLOCK_H
#define SAMPLE_CLOCK_H

#include <stdbool.h>
#include <stdint.h>

typedef struct {
    uint32_t nominal_q16; /* period, us * 2^16 */
    uint32_t period_q16;  /* estimate */
    uint64_t mark_q16;    /* estimated time of sample mark_sample, us * 2^16 */
    uint32_t mark_sample; /* number of the last marked sample */
    bool phase_known;
    uint16_t marks;         /* that the period comes from, up to the filter's memory */
    uint16_t strays_in_row; /* marks too far from where they were due */
} sample_clock;

/* Forgets everything; sample 0 is the next one. */
void sample_clock_start(sample_clock *clock, uint16_t rate_hz);

/* Forgets the phase and keeps the period: samples were lost, sample 0 is the next one. */
void sample_clock_restart(sample_clock *clock);

/* `sample` came in at `at_us`; samples rise from mark to mark. */
void sample_clock_mark(sample_clock *clock, uint32_t sample, uint64_t at_us);

/* Pod time of a sample near the last mark, us. Only after a mark. */
uint64_t sample_clock_at(const sample_clock *clock, uint32_t sample);

/* So many periods, at most a packet's, rounded up to us. */
uint32_t sample_clock_span_us(const sample_clock *clock, uint32_t samples);

/* Whether a mark came since the start. */
bool sample_clock_is_set(const sample_clock *clock);

/* The measured rate, mHz; 0 until enough marks came. */
uint32_t sample_clock_rate_mhz(const sample_clock *clock);

#endif
