#include "sample_clock.h"

enum {
    MEMORY_MARKS = 64,     /* 2.5 s of 8-sample marks at 208 Hz: 30 us of jitter become 8 */
    TRUSTED_MARKS = 8,     /* from here on a mark that strays is passed over */
    MEASURED_MARKS = 32,   /* from here on the rate is worth telling */
    STRAYS_BELIEVED = 8,   /* so many in a row are right, and the clock was wrong */
    STRAY_DIVISOR = 8,     /* a stray is this part of a period away */
    TOLERANCE_DIVISOR = 10 /* the IMU's oscillator is within this part of nominal */
};

#define Q16_PER_S (1000000ULL << 16)

static uint32_t clamp_u32(uint32_t value, uint32_t low, uint32_t high) {
    return value < low ? low : value > high ? high : value;
}

static int32_t clamp_i64(int64_t value, int32_t limit) {
    return value > limit ? limit : value < -limit ? -limit : (int32_t)value;
}

void sample_clock_start(sample_clock *clock, uint16_t rate_hz) {
    *clock = (sample_clock){.nominal_q16 = (uint32_t)(Q16_PER_S / rate_hz)};
    clock->period_q16 = clock->nominal_q16;
}

void sample_clock_restart(sample_clock *clock) {
    clock->phase_known = false;
    clock->strays_in_row = 0;
    if (clock->marks > TRUSTED_MARKS) {
        clock->marks = TRUSTED_MARKS;
    }
}

bool sample_clock_is_set(const sample_clock *clock) { return clock->phase_known; }

static void set_phase(sample_clock *clock, uint32_t sample, uint64_t at_q16) {
    clock->mark_q16 = at_q16;
    clock->mark_sample = sample;
    clock->phase_known = true;
    clock->strays_in_row = 0;
    if (clock->marks < TRUSTED_MARKS) {
        clock->marks = 1;
    }
}

/* Gains of the n-th mark, n = 0 the first, of the polynomial filter of degree 1. */
static void correct(sample_clock *clock, int32_t residual_q8, uint32_t samples) {
    const int32_t n = clock->marks;
    const int32_t scale = (n + 1) * (n + 2);
    clock->mark_q16 += (uint64_t)((int64_t)(residual_q8 * (2 * (2 * n + 1)) / scale) * 256);
    const int32_t slope_q8 = residual_q8 * 6 / scale;
    const int32_t step_q16 = slope_q8 * 256 / (int32_t)samples;
    const uint32_t slack = clock->nominal_q16 / TOLERANCE_DIVISOR;
    clock->period_q16 = clamp_u32(clock->period_q16 + (uint32_t)step_q16,
                                  clock->nominal_q16 - slack, clock->nominal_q16 + slack);
    if (clock->marks < MEMORY_MARKS) {
        clock->marks++;
    }
}

void sample_clock_mark(sample_clock *clock, uint32_t sample, uint64_t at_us) {
    const uint64_t at_q16 = at_us << 16;
    const uint32_t samples = sample - clock->mark_sample;
    if (!clock->phase_known || samples == 0 || samples > UINT16_MAX) {
        set_phase(clock, sample, at_q16);
        return;
    }
    const uint64_t due_q16 = clock->mark_q16 + (uint64_t)samples * clock->period_q16;
    const int64_t residual_q8 = (int64_t)(at_q16 - due_q16) / 256;
    const int32_t limit_q8 = (int32_t)(clock->period_q16 / STRAY_DIVISOR / 256);
    clock->mark_q16 = due_q16;
    clock->mark_sample = sample;
    if (clock->marks < TRUSTED_MARKS) {
        correct(clock, clamp_i64(residual_q8, limit_q8 * STRAY_DIVISOR), samples);
        return;
    }
    if (residual_q8 <= limit_q8 && residual_q8 >= -limit_q8) {
        clock->strays_in_row = 0;
        correct(clock, (int32_t)residual_q8, samples);
    } else if (++clock->strays_in_row >= STRAYS_BELIEVED) {
        clock->marks = 0; /* the period may be as wrong as the phase */
        set_phase(clock, sample, at_q16);
    }
}

uint64_t sample_clock_at(const sample_clock *clock, uint32_t sample) {
    const int64_t samples = (int32_t)(sample - clock->mark_sample);
    return (clock->mark_q16 + (uint64_t)(samples * clock->period_q16) + (1U << 15)) >> 16;
}

uint32_t sample_clock_span_us(const sample_clock *clock, uint32_t samples) {
    return samples * ((clock->period_q16 >> 16) + 1);
}

uint32_t sample_clock_rate_mhz(const sample_clock *clock) {
    if (clock->marks < MEASURED_MARKS) {
        return 0;
    }
    return (uint32_t)((Q16_PER_S * 1000 + clock->period_q16 / 2) / clock->period_q16);
}
