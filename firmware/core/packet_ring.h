/* Packets waiting for the radio, in encoded form. Bounded: what comes in when it is full pushes
 * out the oldest packet.
 */
#ifndef PACKET_RING_H
#define PACKET_RING_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "pod_wire.h"

enum { PACKET_RING_BYTES = 6000 }; /* 55 packets of 8 samples, 2.1 s at 208 Hz; 25 of 19, 2.3 s */

typedef struct {
    uint16_t slot_bytes; /* of one packet of `batch` samples */
    uint16_t slots;
    uint16_t oldest;
    uint16_t waiting;
    uint32_t dropped;                             /* since the start */
    _Alignas(4) uint8_t arena[PACKET_RING_BYTES]; /* copied a word at a time */
} packet_ring;

/* Empties it and divides it for packets of at most `batch` samples. What was still waiting is
 * counted as dropped. */
void packet_ring_start(packet_ring *ring, uint8_t batch);

/* Lets go of all that wait. */
void packet_ring_clear(packet_ring *ring);

/* Encodes the packet into the ring; false where the codec refuses it. */
bool packet_ring_put(packet_ring *ring, const pod_wire_packet *packet);

/* Moves the oldest packet out, its count of dropped packets brought up to date; its length, or 0
 * where none waits or it does not fit `capacity`. */
size_t packet_ring_take(packet_ring *ring, uint8_t *bytes, size_t capacity);

#endif
