#include "clock_sync.h"

#include <math.h>
#include <string.h>

#define WRAP_US INT64_C(4294967296)

/* Monotonic clocks count from boot: 31 years is no hub, and below it a double resolves 0.12 us. */
static const double MAX_ARRIVAL_S = 1e9;
/* A signed difference of pod clocks is unambiguous below half a wrap (2147 s). */
static const double UNAMBIGUOUS_S = 1000.0;
/* Times handed out grow by at least this, ten times what a double resolves. */
static const double MIN_STEP_S = 1e-6;

/* An IMU is off its nominal rate by up to 5 %; twice that is a hole or a broken clock. */
static const double PERIOD_TOLERANCE = 0.10;
/* A period that differs by more is odd: the rate drifts slowly, a lost sample changes 5 % or more.
 */
static const double PERIOD_ODD = 0.01;
/* The pod reads its clock in an interrupt: allowance for its latency at either end, s. */
static const double CLOCK_JITTER_S = 50e-6;
/* So many odd ones are the truth and the old period is not. */
static const uint32_t ODD_PERIODS = 8;
/* The period averages 512..1024 samples: below 0.01 us of rounding, and follows temperature. */
static const double PERIOD_SAMPLES = 1024.0;

/* Queues hold a packet for up to 100 ms; a map that is off by more than this is wrong, not early.
 */
static const double STEP_LIMIT_S = 0.15;
/* The hub may stall (swap, SD card) and read old packets; beyond this the pod's clock was reset. */
static const double LATE_LIMIT_S = 30.0;
/* A queue drains: when all packets are late by more than a step for so long, the clock has jumped.
 */
static const double LATE_FOR_S = 10.0;
/* A stray old packet is stale; so many in a row are a pod that started over. */
static const uint32_t REFUSED_IN_A_ROW = 8;

/* After a silence of half a window the skew is worth more than the remembered packets. */
static const double SILENCE_S = 30.0;
/* Skew moves by some 10 ppm when a pod warms up on the leg; with its own error, per second of
 * silence. */
static const double SKEW_DRIFT = 20e-6;
/* Buckets after which the skew is known to SKEW_DRIFT: spread 0.3 ms / 30 s = 10 ppm. */
static const uint32_t SKEW_KNOWN_BUCKETS = 15;

/* What the spread of the minima is held to be before it is measured, and the buckets this weighs.
 */
static const double PRIOR_SPREAD_S = 2e-3;
static const double PRIOR_SPREAD_BUCKETS = 2.0;
/* Rounding of pod clocks and arrivals leaves this much in the best of links. */
static const double MIN_SPREAD_S = 5e-6;

/* Corrections decay with this time constant, longer than any packet (19 samples at 50 Hz = 0.38 s).
 */
static const double SLEW_TIME_S = 0.5;
/* The lowest of N uniform delays is about D/N: what is still to be found, and so the rate at which
 * the map may move, falls as D/age, D the 100 ms of the queue. */
static const double SLEW_BUDGET_S = 0.1;

/* A running median reaches any delay of the queue within 100 ms / 0.2 ms packets. */
static const double MEDIAN_STEP_S = 0.2e-3;
static const double INTERVAL_GAIN = 1.0 / 16.0; /* of the smoothed packet interval */

typedef struct {
    int64_t pod_us; /* unwrapped, since the epoch */
    uint32_t clock_us;
    uint32_t count;
    bool contiguous;
    double arrival_s;
} reading;

static double clamp(double value, double low, double high) {
    return value < low ? low : value > high ? high : value;
}

static double larger(double a, double b) { return a > b ? a : b; }

static double smaller(double a, double b) { return a < b ? a : b; }

clock_sync_settings clock_sync_default_settings(double rate_hz) {
    const clock_sync_settings settings = {
        .rate_hz = rate_hz,
        .bucket_s = 2.0,
        /* Two crystals of +-50 ppm (BLE's sleep clock limit and a Pi's), doubled for cold and age.
         */
        .skew_limit = 200e-6,
        .skew_sigma = 50e-6,
        /* 100 ms in 2 s, and still less than a sample in a packet of 19. */
        .fast_slew = 0.05,
        /* 0.35 ms in a stride of 0.7 s: no metric sees it. */
        .slow_slew = 0.5e-3,
    };
    return settings;
}

static bool settings_valid(const clock_sync_settings *settings) {
    return settings->rate_hz >= 50.0 && settings->rate_hz <= 850.0 && settings->bucket_s >= 0.1 &&
           settings->bucket_s <= 10.0 && settings->skew_limit >= 0.0 &&
           settings->skew_limit <= 0.01 && settings->skew_sigma > 0.0 &&
           settings->skew_sigma <= 0.01 && settings->slow_slew >= 0.0 &&
           settings->slow_slew <= settings->fast_slew && settings->fast_slew <= 0.5;
}

bool clock_sync_init(clock_sync *sync, const clock_sync_settings *settings) {
    memset(sync, 0, sizeof *sync);
    if (!settings_valid(settings)) {
        return false;
    }
    sync->settings = *settings;
    sync->period_s = 1.0 / settings->rate_hz;
    return true;
}

/* ---- the sample period ---- */

static void set_period(clock_sync *sync, double span_s, double samples) {
    sync->span_s = span_s;
    sync->samples = samples;
    sync->period_s = span_s / samples;
}

typedef enum { SPAN_ODD, SPAN_AS_EXPECTED, SPAN_OF_NEW_PERIOD } span_kind;

/* Takes in the pod time from the last packet's first sample to that of the packet that follows it.
 * Spans of adjoining packets add up without their rounding errors. */
static span_kind measure_period(clock_sync *sync, double span_s) {
    const double samples = (double)sync->count;
    const double nominal_s = samples / sync->settings.rate_hz;
    const double expected_s = samples * sync->period_s;
    if (fabs(span_s - nominal_s) > PERIOD_TOLERANCE * nominal_s) {
        return SPAN_ODD;
    }
    if (sync->period_known &&
        fabs(span_s - expected_s) <= PERIOD_ODD * expected_s + CLOCK_JITTER_S) {
        const double keep = sync->samples < PERIOD_SAMPLES ? 1.0 : 0.5;
        set_period(sync, keep * sync->span_s + span_s, keep * sync->samples + samples);
        sync->odd_periods_in_a_row = 0;
        return SPAN_AS_EXPECTED;
    }
    if (sync->period_known && ++sync->odd_periods_in_a_row < ODD_PERIODS) {
        return SPAN_ODD;
    }
    set_period(sync, span_s, samples);
    sync->period_known = true;
    sync->odd_periods_in_a_row = 0;
    return SPAN_OF_NEW_PERIOD;
}

/* ---- the envelope ---- */

static double envelope_at(const clock_sync *sync, double time_s) {
    return sync->line.delay_s + sync->skew * (time_s - sync->line.time_s);
}

/* Lower convex hull by Andrew's monotone chain (1979); returns the number of vertices. */
static uint32_t lower_hull(const clock_sync_point *points, uint32_t length,
                           clock_sync_point *hull) {
    uint32_t size = 0;
    for (uint32_t i = 0; i < length; i++) {
        const clock_sync_point p = points[i];
        while (size >= 2) {
            const clock_sync_point a = hull[size - 2];
            const clock_sync_point b = hull[size - 1];
            if ((b.delay_s - a.delay_s) * (p.time_s - a.time_s) <
                (p.delay_s - a.delay_s) * (b.time_s - a.time_s)) {
                break;
            }
            size--;
        }
        hull[size++] = p;
    }
    return size;
}

static clock_sync_point mean_point(const clock_sync_point *points, uint32_t length) {
    clock_sync_point sum = {0.0, 0.0};
    for (uint32_t i = 0; i < length; i++) {
        sum.time_s += points[i].time_s;
        sum.delay_s += points[i].delay_s;
    }
    sum.time_s /= (double)length;
    sum.delay_s /= (double)length;
    return sum;
}

/* Minima exponentially distributed above the line with mean `spread`, skew ~ N(prior, sigma^2): the
 * most probable line maximises  N h(s) / spread - (s - prior)^2 / (2 sigma^2),  where h(s) is the
 * highest line of slope s under the points, taken at their mean time tm. Without the prior this is
 * the linear program of Moon, Skelly & Towsley. Vertex v carries the line for s between the slopes
 * of its two hull edges, and h' = -(t_v - tm) there, so the optimum is prior - gain (t_v - tm) at
 * some vertex or the slope of the edge between two. */
static double most_probable_skew(const clock_sync_point *hull, uint32_t size, double mean_time_s,
                                 double prior, double gain) {
    double edge = -HUGE_VAL;
    for (uint32_t v = 0;; v++) {
        const double here = prior - gain * (hull[v].time_s - mean_time_s);
        if (here <= edge) {
            return edge;
        }
        if (v + 1 == size) {
            return here;
        }
        edge = (hull[v + 1].delay_s - hull[v].delay_s) / (hull[v + 1].time_s - hull[v].time_s);
        if (here <= edge) {
            return here;
        }
    }
}

static void fit_envelope(clock_sync *sync) {
    clock_sync_point hull[CLOCK_SYNC_BUCKETS];
    const double buckets = (double)sync->length;
    const double limit = sync->settings.skew_limit;
    const uint32_t size = lower_hull(sync->minima, sync->length, hull);
    const clock_sync_point mean = mean_point(sync->minima, sync->length);
    const double gain = buckets * sync->prior_sigma * sync->prior_sigma / sync->spread_s;
    sync->skew =
        clamp(most_probable_skew(hull, size, mean.time_s, sync->prior_skew, gain), -limit, limit);

    double lowest_s = HUGE_VAL;
    for (uint32_t v = 0; v < size; v++) {
        lowest_s = smaller(lowest_s, hull[v].delay_s - sync->skew * (hull[v].time_s - mean.time_s));
    }
    sync->line.time_s = mean.time_s;
    sync->line.delay_s = lowest_s;

    const double spread_s =
        (PRIOR_SPREAD_BUCKETS * PRIOR_SPREAD_S + buckets * (mean.delay_s - lowest_s)) /
        (PRIOR_SPREAD_BUCKETS + buckets);
    sync->spread_s = larger(spread_s, MIN_SPREAD_S);
}

static void close_bucket(clock_sync *sync) {
    const double window_s = CLOCK_SYNC_BUCKETS * sync->settings.bucket_s;
    const double oldest_s = sync->lowest.time_s - window_s;
    uint32_t expired = sync->length == CLOCK_SYNC_BUCKETS ? 1 : 0;
    while (expired < sync->length && sync->minima[expired].time_s < oldest_s) {
        expired++;
    }
    sync->length -= expired;
    memmove(sync->minima, sync->minima + expired, sync->length * sizeof sync->minima[0]);
    sync->minima[sync->length++] = sync->lowest;
    sync->bucket_open = false;
    fit_envelope(sync);
}

static void envelope_clear(clock_sync *sync, clock_sync_point first) {
    sync->length = 0;
    sync->bucket_open = true;
    sync->bucket_start_s = first.time_s;
    sync->lowest = first;
    sync->line = first;
    sync->spread_s = PRIOR_SPREAD_S;
}

/* Packets below the line lower it at once; the slope is fitted when a bucket closes. */
static void envelope_add(clock_sync *sync, clock_sync_point point) {
    if (sync->bucket_open && point.time_s >= sync->bucket_start_s + sync->settings.bucket_s) {
        close_bucket(sync);
    }
    if (!sync->bucket_open) {
        sync->bucket_open = true;
        sync->bucket_start_s = point.time_s;
        sync->lowest = point;
    } else if (point.time_s >= sync->bucket_start_s &&
               point.delay_s - sync->skew * (point.time_s - sync->lowest.time_s) <
                   sync->lowest.delay_s) {
        sync->lowest = point;
    }
    if (point.delay_s < envelope_at(sync, point.time_s)) {
        sync->line = point;
    }
}

/* ---- handing times out ---- */

static double handed_out_at(const clock_sync *sync, double time_s) {
    return sync->out_delay_s + sync->skew * (time_s - sync->out_time_s);
}

static double slew_limit(const clock_sync *sync, double time_s) {
    const double age_s = time_s - sync->fast_since_s;
    if (age_s * sync->settings.fast_slew <= SLEW_BUDGET_S) {
        return sync->settings.fast_slew;
    }
    return larger(SLEW_BUDGET_S / age_s, sync->settings.slow_slew);
}

/* What is handed out is one line a packet: it begins at offset_s and heads for target_s. */
static void hand_out(clock_sync *sync, double time_s, double offset_s, double target_s,
                     clock_stamp *stamp) {
    const double limit = slew_limit(sync, time_s);
    const double slew = clamp((target_s - offset_s) / SLEW_TIME_S, -limit, limit);
    const double rate = sync->skew + slew;
    const double length_s = (double)sync->count * sync->period_s;

    stamp->first_s = larger(sync->epoch_s + time_s + offset_s, sync->last_s + MIN_STEP_S);
    stamp->period_s = sync->period_s * (1.0 + rate);
    stamp->pod_period_s = sync->period_s;

    sync->last_s = stamp->first_s + (double)(sync->count - 1) * stamp->period_s;
    sync->out_time_s = time_s + length_s;
    sync->out_delay_s = (stamp->first_s - sync->epoch_s - time_s) + length_s * rate;
    sync->correction_s = target_s - offset_s;
}

/* ---- one packet ---- */

static double seconds(int64_t us) { return (double)us * 1e-6; }

static clock_sync_point arrival_point(const clock_sync *sync, double last_sample_s,
                                      double arrival_s) {
    const clock_sync_point point = {last_sample_s, (arrival_s - sync->epoch_s) - last_sample_s};
    return point;
}

/* By the period measured so far. */
static double last_sample_s(const clock_sync *sync, int64_t pod_us, uint32_t count) {
    return seconds(pod_us) + (double)(count - 1) * sync->period_s;
}

static void remember(clock_sync *sync, const reading *packet) {
    sync->pod_us = packet->pod_us;
    sync->clock_us = packet->clock_us;
    sync->count = packet->count;
    sync->arrival_s = packet->arrival_s;
    sync->refused_in_a_row = 0;
    sync->packets++;
}

/* A new epoch, in which nothing but this packet is known. */
static void start(clock_sync *sync, const reading *packet, clock_stamp *stamp) {
    remember(sync, packet);
    sync->started = true;
    sync->epoch_s = packet->arrival_s;
    sync->pod_us = 0;
    sync->late = false;
    sync->period_known = false;
    sync->period_s = 1.0 / sync->settings.rate_hz;
    sync->odd_periods_in_a_row = 0;
    sync->skew = 0.0;
    sync->prior_skew = 0.0;
    sync->prior_sigma = sync->settings.skew_sigma;
    sync->fast_since_s = 0.0;
    sync->last_s = -HUGE_VAL;
    sync->delay_median_s = 0.0;
    envelope_clear(sync,
                   arrival_point(sync, last_sample_s(sync, 0, packet->count), packet->arrival_s));
    hand_out(sync, 0.0, sync->line.delay_s, sync->line.delay_s, stamp);
}

static clock_sync_event restart(clock_sync *sync, const reading *packet, clock_stamp *stamp) {
    sync->restarts++;
    start(sync, packet, stamp);
    return CLOCK_SYNC_RESTARTED;
}

/* Pod time nearest to what the arrivals say has passed, so that whole wraps may have gone unseen.
 */
static int64_t unwrap(const clock_sync *sync, uint32_t clock_us, double arrival_s) {
    int64_t step_us = (int64_t)(uint32_t)(clock_us - sync->clock_us);
    if (step_us >= WRAP_US / 2) {
        step_us -= WRAP_US;
    }
    const double passed_s = arrival_s - sync->arrival_s;
    if (passed_s > UNAMBIGUOUS_S) {
        step_us += WRAP_US * (int64_t)floor((passed_s - seconds(step_us)) / seconds(WRAP_US) + 0.5);
    }
    return sync->pod_us + step_us;
}

/* Sequence and clock both go on where the last packet ended: late perhaps, but the same run. */
static bool continues(const clock_sync *sync, const reading *packet) {
    const double length_s = (double)sync->count * sync->period_s;
    const double step_s = seconds(packet->pod_us - sync->pod_us);
    return packet->contiguous &&
           fabs(step_s - length_s) <= PERIOD_TOLERANCE * length_s + CLOCK_JITTER_S;
}

static bool late_for_long(clock_sync *sync, double late_s, double arrival_s) {
    if (late_s <= STEP_LIMIT_S) {
        sync->late = false;
    } else if (!sync->late) {
        sync->late = true;
        sync->late_since_s = arrival_s;
    }
    return sync->late && arrival_s - sync->late_since_s > LATE_FOR_S;
}

/* The old line, raised by what skew may have moved meanwhile, bounds the new one: a late first
 * packet cannot lift the map. */
static void reacquire(clock_sync *sync, double time_s, double silence_s) {
    const double drift = sync->length < SKEW_KNOWN_BUCKETS ? sync->settings.skew_sigma : SKEW_DRIFT;
    const clock_sync_point bound = {time_s, envelope_at(sync, time_s) + drift * silence_s};
    sync->prior_skew = sync->skew;
    sync->prior_sigma = drift;
    sync->fast_since_s = time_s;
    sync->reacquired++;
    envelope_clear(sync, bound);
}

/* A packet counts for the envelope when the next one tells exactly how long it was. A new period
 * makes all before it void. True in that case. */
static bool count_last_packet(clock_sync *sync, const reading *next) {
    const double next_s = seconds(next->pod_us);
    const span_kind span =
        next->contiguous ? measure_period(sync, seconds(next->pod_us - sync->pod_us)) : SPAN_ODD;
    const double last_s =
        span == SPAN_ODD ? last_sample_s(sync, sync->pod_us, sync->count) : next_s - sync->period_s;
    const clock_sync_point point = arrival_point(sync, last_s, sync->arrival_s);
    if (span == SPAN_OF_NEW_PERIOD) {
        envelope_clear(sync, point);
        return true;
    }
    envelope_add(sync, point);
    return false;
}

static void note_health(clock_sync *sync, double late_s, double arrival_s) {
    const double passed_s = arrival_s - sync->arrival_s;
    sync->interval_s +=
        (passed_s - sync->interval_s) * (sync->interval_s > 0.0 ? INTERVAL_GAIN : 1.0);
    sync->delay_median_s += late_s > sync->delay_median_s ? MEDIAN_STEP_S : -MEDIAN_STEP_S;
    sync->delay_median_s = larger(sync->delay_median_s, 0.0);
}

static clock_sync_event refuse_stale(clock_sync *sync, const reading *packet, clock_stamp *stamp) {
    sync->stale++;
    if (packet->pod_us < sync->pod_us && ++sync->refused_in_a_row >= REFUSED_IN_A_ROW) {
        return restart(sync, packet, stamp);
    }
    return CLOCK_SYNC_STALE;
}

static clock_sync_event accept(clock_sync *sync, const reading *packet, clock_sync_point point,
                               clock_stamp *stamp) {
    const double time_s = seconds(packet->pod_us);
    const double step_s = seconds(packet->pod_us - sync->pod_us);
    const bool new_period = count_last_packet(sync, packet);
    const bool silent = step_s > SILENCE_S;
    if (silent) {
        reacquire(sync, point.time_s, step_s);
        envelope_add(sync, point);
    }
    /* With the period the whole map is new; it then joins on behind the samples of the last packet.
     */
    const double target_s = envelope_at(sync, time_s);
    const double offset_s = new_period ? target_s : handed_out_at(sync, time_s);
    if (fabs(target_s - offset_s) > STEP_LIMIT_S) {
        return restart(sync, packet, stamp);
    }
    note_health(sync, point.delay_s - envelope_at(sync, point.time_s), packet->arrival_s);
    remember(sync, packet);
    hand_out(sync, time_s, offset_s, target_s, stamp);
    return silent ? CLOCK_SYNC_REACQUIRED : CLOCK_SYNC_OK;
}

static clock_sync_event refuse_arrival(clock_sync *sync, const reading *packet,
                                       clock_stamp *stamp) {
    sync->bad_arrivals++;
    if (fabs(packet->arrival_s) <= MAX_ARRIVAL_S && ++sync->refused_in_a_row >= REFUSED_IN_A_ROW) {
        return restart(sync, packet, stamp);
    }
    return CLOCK_SYNC_BAD_ARRIVAL;
}

clock_sync_event clock_sync_packet(clock_sync *sync, uint32_t pod_clock_us, uint32_t count,
                                   bool contiguous, double arrival_s, clock_stamp *stamp) {
    reading packet = {0, pod_clock_us, count, contiguous, arrival_s};
    if (count < 1 || count > CLOCK_SYNC_MAX_COUNT) {
        sync->bad_counts++;
        return CLOCK_SYNC_BAD_COUNT;
    }
    if (!(fabs(arrival_s) <= MAX_ARRIVAL_S) || (sync->started && arrival_s < sync->arrival_s)) {
        return refuse_arrival(sync, &packet, stamp);
    }
    if (!sync->started) {
        start(sync, &packet, stamp);
        return CLOCK_SYNC_STARTED;
    }
    packet.pod_us = unwrap(sync, pod_clock_us, arrival_s);
    const clock_sync_point point =
        arrival_point(sync, last_sample_s(sync, packet.pod_us, count), arrival_s);
    const double late_s = point.delay_s - envelope_at(sync, point.time_s);
    if (late_s < -STEP_LIMIT_S || (late_s > LATE_LIMIT_S && !continues(sync, &packet)) ||
        late_for_long(sync, late_s, arrival_s)) {
        return restart(sync, &packet, stamp);
    }
    if (packet.pod_us <= sync->pod_us) {
        return refuse_stale(sync, &packet, stamp);
    }
    return accept(sync, &packet, point, stamp);
}

void clock_sync_get_report(const clock_sync *sync, clock_sync_report *report) {
    report->skew_ppm = sync->skew * 1e6;
    report->pod_period_s = sync->period_s;
    report->interval_s = sync->interval_s;
    report->delay_median_s = sync->delay_median_s;
    report->spread_s = sync->spread_s;
    report->correction_s = sync->correction_s;
    report->packets = sync->packets;
    report->restarts = sync->restarts;
    report->reacquired = sync->reacquired;
    report->stale = sync->stale;
    report->bad_arrivals = sync->bad_arrivals;
    report->bad_counts = sync->bad_counts;
}
