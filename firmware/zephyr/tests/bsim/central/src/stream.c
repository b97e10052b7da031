#include "stream.h"

#include <stdbool.h>
#include <string.h>
#include <zephyr/kernel.h>

#include "link.h"
#include "pattern.h"
#include "pod_wire.h"

enum { SETTLED_PACKETS = 64 }; /* the memory of the pod's sample clock */

typedef struct {
    uint16_t rate_hz;
    uint32_t packets;
    uint32_t samples;
    uint32_t unreadable;
    uint32_t sequence_gaps;
    uint32_t samples_missing;
    uint32_t samples_repeated;
    uint32_t samples_wrong; /* not of the pattern */
    uint32_t overflow_flags;
    uint32_t motor_flags;
    uint16_t dropped;
    uint32_t worst_early_us; /* of time stamps against the emulated oscillator, when settled */
    uint32_t worst_late_us;
    uint64_t longest_wait_us; /* between packets */
    int64_t least_age_us;     /* of a packet's last sample as it comes in; from an unknown zero */
    int64_t most_age_us;
    uint64_t last_at_us;
    uint16_t next_sequence;
    uint32_t next_counter;
    uint32_t since_overflow;
} state;

static state stream;

void stream_begin(uint16_t rate_hz) { stream = (state){.rate_hz = rate_hz}; }

static void check_order(const pod_wire_packet *packet, uint32_t counter) {
    if (stream.packets > 0) {
        stream.sequence_gaps += (uint16_t)(packet->sequence - stream.next_sequence);
        const int32_t missing = (int32_t)(counter - stream.next_counter);
        stream.samples_missing += missing > 0 ? (uint32_t)missing : 0;
        stream.samples_repeated += missing < 0 ? (uint32_t)-missing : 0;
        if (missing != 0) {
            printk("MISSING %d samples before sequence %u, flags %u, at %llu us\n", missing,
                   packet->sequence, packet->flags, (unsigned long long)link_now_us());
        }
    }
    stream.next_sequence = packet->sequence + 1U;
    stream.next_counter = counter + packet->count;
}

static void check_samples(const pod_wire_packet *packet, uint32_t counter) {
    for (uint32_t i = 0; i < packet->count; i++) {
        const pod_wire_sample due = pattern_sample(counter + i);
        stream.samples_wrong += memcmp(&due, &packet->samples[i], sizeof due) != 0;
    }
}

static void check_time(const pod_wire_packet *packet, uint32_t counter) {
    const uint32_t true_us = (uint32_t)(pattern_at_ns(counter, stream.rate_hz) / 1000U);
    const int32_t late_us = (int32_t)(packet->pod_clock_us - true_us);
    stream.since_overflow =
        (packet->flags & POD_WIRE_FLAG_FIFO_OVERFLOW) != 0 ? 0 : stream.since_overflow + 1;
    if (stream.since_overflow < SETTLED_PACKETS) {
        return;
    }
    if (late_us > 0) {
        stream.worst_late_us = MAX(stream.worst_late_us, (uint32_t)late_us);
    } else {
        stream.worst_early_us = MAX(stream.worst_early_us, (uint32_t)-late_us);
    }
}

static void check_arrival(const pod_wire_packet *packet, uint32_t counter) {
    const uint64_t now_us = link_now_us();
    const uint64_t last_us = pattern_at_ns(counter + packet->count - 1U, stream.rate_hz) / 1000U;
    const int64_t age_us = (int64_t)(now_us - last_us);
    if (stream.packets == 0) {
        stream.least_age_us = age_us;
        stream.most_age_us = age_us;
    } else {
        stream.longest_wait_us = MAX(stream.longest_wait_us, now_us - stream.last_at_us);
    }
    stream.least_age_us = MIN(stream.least_age_us, age_us);
    stream.most_age_us = MAX(stream.most_age_us, age_us);
    stream.last_at_us = now_us;
}

void stream_receive(const uint8_t *bytes, size_t length) {
    pod_wire_packet packet;
    if (pod_wire_decode(bytes, length, &packet) != POD_WIRE_OK) {
        stream.unreadable++;
        return;
    }
    const uint32_t counter = pattern_counter(&packet.samples[0]);
    check_order(&packet, counter);
    check_samples(&packet, counter);
    check_time(&packet, counter);
    check_arrival(&packet, counter);
    stream.overflow_flags += (packet.flags & POD_WIRE_FLAG_FIFO_OVERFLOW) != 0;
    stream.motor_flags += (packet.flags & POD_WIRE_FLAG_MOTOR) != 0;
    stream.dropped = packet.dropped;
    stream.samples += packet.count;
    stream.packets++;
}

void stream_tell(void) {
    printk("STREAM %u packets, %u samples, %u missing, %u repeated, %u wrong, %u unreadable, "
           "%u sequence gaps, %u dropped by the pod, %u overflow flags, %u motor flags\n",
           stream.packets, stream.samples, stream.samples_missing, stream.samples_repeated,
           stream.samples_wrong, stream.unreadable, stream.sequence_gaps, stream.dropped,
           stream.overflow_flags, stream.motor_flags);
    printk("TIMING stamps %u us early to %u us late, longest wait %llu us, delay varies by %lld "
           "us\n",
           stream.worst_early_us, stream.worst_late_us, (unsigned long long)stream.longest_wait_us,
           (long long)(stream.most_age_us - stream.least_age_us));
}
