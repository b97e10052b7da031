#include "packet_ring.h"

#include <string.h>

static uint8_t *slot_of(packet_ring *ring, unsigned place) {
    const unsigned slot = ring->oldest + place;
    return &ring->arena[(size_t)(slot < ring->slots ? slot : slot - ring->slots) *
                        ring->slot_bytes];
}

static void drop_oldest(packet_ring *ring) {
    ring->oldest = (uint16_t)(ring->oldest + 1U < ring->slots ? ring->oldest + 1U : 0U);
    ring->waiting--;
}

void packet_ring_start(packet_ring *ring, uint8_t batch) {
    ring->slot_bytes = (uint16_t)pod_wire_packet_bytes(batch);
    ring->slots = (uint16_t)(PACKET_RING_BYTES / ring->slot_bytes);
    ring->oldest = 0;
    ring->dropped = ring->waiting;
    ring->waiting = 0;
}

void packet_ring_clear(packet_ring *ring) { ring->waiting = 0; }

bool packet_ring_put(packet_ring *ring, const pod_wire_packet *packet) {
    if (ring->waiting == ring->slots) {
        drop_oldest(ring);
        ring->dropped++;
    }
    size_t length = 0;
    if (pod_wire_encode(packet, slot_of(ring, ring->waiting), ring->slot_bytes, &length) !=
        POD_WIRE_OK) {
        return false;
    }
    ring->waiting++;
    return true;
}

size_t packet_ring_take(packet_ring *ring, uint8_t *bytes, size_t capacity) {
    if (ring->waiting == 0) {
        return 0;
    }
    uint8_t *packet = slot_of(ring, 0);
    const size_t length = pod_wire_renew_dropped(packet, ring->dropped);
    if (length > capacity) {
        return 0;
    }
    memcpy(bytes, packet, length);
    drop_oldest(ring);
    return length;
}
