/* From the IMU's FIFO to packets that wait for the radio. */
#ifndef SAMPLER_H
#define SAMPLER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "haptic_player.h"
#include "imu_fifo.h"
#include "packet_ring.h"
#include "pod_wire.h"
#include "sample_clock.h"

typedef enum { SAMPLER_TAGGED_FIFO, SAMPLER_PLAIN_FIFO } sampler_format;

typedef struct {
    sample_clock clock;
    imu_fifo fifo;
    pod_wire_packet packet; /* being filled */
    sampler_format format;
    uint8_t placement;
    uint8_t batch;
    uint16_t sequence;    /* of the packet being filled; goes on from stream to stream */
    uint32_t words;       /* read of the FIFO since the clock's sample 0: two a time slot */
    uint32_t next;        /* time slot after the packet's last sample */
    uint32_t first;       /* time slot of the packet's first sample */
    int16_t still_lsb[3]; /* acceleration the pod was last seen to leave */
    const haptic_shaking *shaking; /* two, of the call under way */
    bool moved;                    /* since sampler_take_moved */
    packet_ring ring;
} sampler;

/* Begins a stream of packets of `batch` samples, 1..POD_WIRE_MAX_SAMPLES. */
void sampler_start(sampler *state, sampler_format format, uint8_t placement, uint16_t rate_hz,
                   uint8_t batch);

/* The watermark interrupt came at pod time at_us, as the FIFO came to hold `samples` samples more
 * than have been read. A sample's place in the FIFO tells its time: what cannot be read of it still
 * takes its place. */
void sampler_mark(sampler *state, uint8_t samples, uint64_t at_us);

/* Bytes as read from the FIFO; what is no whole word or slot at the end is passed over. Until the
 * first mark no sample has a time, and all are let go. */
void sampler_read(sampler *state, const uint8_t *bytes, size_t length,
                  const haptic_shaking shaking[2]);

/* The FIFO was emptied and samples are lost. The next packet says so. */
void sampler_lose(sampler *state, const haptic_shaking shaking[2]);

/* Ends the unfinished packet; for the end of a stream. */
void sampler_flush(sampler *state, const haptic_shaking shaking[2]);

/* Whether the pod moved since the last call. */
bool sampler_take_moved(sampler *state);

#endif
