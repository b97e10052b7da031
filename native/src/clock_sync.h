/* The clock of one pod: pod time to hub time from the lower envelope of the arrival delays.
 *
 * A packet arrives at  hub(last sample) + constant latency + queueing,  queueing >= 0, so the line
 * pod time -> arrival that lies under all packets and close to the earliest ones is the map; late
 * packets say nothing (Moon, Skelly & Towsley, INFOCOM 1999). The constant latency cannot be seen
 * and stays in the map; it is the same for pods of one make. Times are handed out strictly
 * increasing until the map restarts: corrections are slewed at a bounded rate.
 */
#ifndef CLOCK_SYNC_H
#define CLOCK_SYNC_H

#include <stdbool.h>
#include <stdint.h>

enum { CLOCK_SYNC_BUCKETS = 32, CLOCK_SYNC_MAX_COUNT = 19 };

typedef enum {
    CLOCK_SYNC_OK = 0,
    CLOCK_SYNC_STARTED = 1, /* the first packet */
    CLOCK_SYNC_REACQUIRED =
        2, /* after a long silence: skew kept, offset learned anew, no step back */
    CLOCK_SYNC_RESTARTED =
        3,                /* pod clock and arrivals disagree (a reboot): a new epoch, may step */
    CLOCK_SYNC_STALE = 4, /* refused: a duplicate or older than the last packet */
    CLOCK_SYNC_BAD_ARRIVAL = 5, /* refused: not finite, out of range, or before the last arrival */
    CLOCK_SYNC_BAD_COUNT = 6    /* refused: count outside 1..CLOCK_SYNC_MAX_COUNT */
} clock_sync_event;

typedef struct {
    double rate_hz;    /* nominal sampling rate, 50..850 */
    double bucket_s;   /* the envelope remembers one packet per bucket; window = buckets x this */
    double skew_limit; /* largest |skew|, s/s */
    double skew_sigma; /* SD of the skew before anything is known, s/s */
    double fast_slew;  /* largest correction just after a start, s/s */
    double slow_slew;  /* largest correction in the long run, s/s */
} clock_sync_settings;

typedef struct {
    double time_s;  /* pod time since the start of the epoch */
    double delay_s; /* arrival since the start of the epoch, minus time_s */
} clock_sync_point;

typedef struct {
    double first_s;      /* hub time of the first sample, s */
    double period_s;     /* hub time from sample to sample, s */
    double pod_period_s; /* the same by the pod's own crystal, s: the one to integrate rates with */
} clock_stamp;

typedef struct {
    double skew_ppm;       /* hub seconds gained per pod second */
    double pod_period_s;   /* measured sampling period, s of the pod's crystal */
    double interval_s;     /* between packets, smoothed, s */
    double delay_median_s; /* running median of the delay above the envelope, s */
    double spread_s;     /* mean height of the bucket minima above the envelope, s: small = sure */
    double correction_s; /* still to be slewed, s; positive = the map has to rise */
    uint64_t packets;    /* accepted */
    uint64_t restarts;
    uint64_t reacquired;
    uint64_t stale;
    uint64_t bad_arrivals;
    uint64_t bad_counts;
} clock_sync_report;

/* State; private to clock_sync.c. Delays are offsets of hub time over pod time since the epoch. */
typedef struct {
    clock_sync_settings settings;

    bool started;
    double epoch_s; /* hub time of the epoch's first arrival */
    int64_t pod_us; /* unwrapped pod clock since the epoch, at the last packet's first sample */
    uint32_t clock_us;
    uint32_t count;
    double arrival_s;
    uint32_t refused_in_a_row;
    bool late; /* every packet since late_since_s was later than any queue */
    double late_since_s;

    bool period_known;
    double period_s;
    double span_s;  /* pod time over which the period was measured */
    double samples; /* and the samples in it */
    uint32_t odd_periods_in_a_row;

    clock_sync_point minima[CLOCK_SYNC_BUCKETS]; /* closed buckets, oldest first */
    uint32_t length;
    bool bucket_open;
    double bucket_start_s;
    clock_sync_point lowest; /* of the open bucket */
    clock_sync_point line;   /* a point on the envelope */
    double skew;             /* slope of the envelope, s/s */
    double prior_skew;
    double prior_sigma;
    double spread_s;

    double out_time_s;   /* end of what was handed out, pod time since the epoch */
    double out_delay_s;  /* offset handed out there */
    double last_s;       /* hub time of the last sample handed out */
    double fast_since_s; /* pod time at which corrections were fast */

    double interval_s;
    double delay_median_s;
    double correction_s;
    uint64_t packets;
    uint64_t restarts;
    uint64_t reacquired;
    uint64_t stale;
    uint64_t bad_arrivals;
    uint64_t bad_counts;
} clock_sync;

clock_sync_settings clock_sync_default_settings(double rate_hz);

/* False, and *sync refuses nothing but is not to be used, when a setting is out of range. */
bool clock_sync_init(clock_sync *sync, const clock_sync_settings *settings);

/* Takes one packet in: its pod clock at the first sample (us, wraps), its samples, whether its
 * sequence number follows that of the last packet given here, and its arrival on the hub's
 * monotonic clock (s). *stamp is written unless the packet is refused (events from CLOCK_SYNC_STALE
 * on). */
clock_sync_event clock_sync_packet(clock_sync *sync, uint32_t pod_clock_us, uint32_t count,
                                   bool contiguous, double arrival_s, clock_stamp *stamp);

void clock_sync_get_report(const clock_sync *sync, clock_sync_report *report);

#endif
