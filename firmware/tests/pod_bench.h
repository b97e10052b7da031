/* A whole pod on the bench: flash and motor that record, an IMU that samples on time. */
#ifndef POD_BENCH_H
#define POD_BENCH_H

#include "fifo_words.h"
#include "pod_core.h"

enum { BENCH_BATCH = 8, BENCH_FIFO_SAMPLES = 32 };

#define MS 1000ULL
#define SECOND 1000000ULL

typedef struct {
    pod_core core;
    uint64_t now_us;

    uint8_t flash[SETTINGS_MAX_BYTES];
    size_t flash_bytes;
    bool flash_full;
    int flash_writes;

    uint8_t motor_percent;
    uint64_t motor_off_at_us;

    sampler_format format;
    unsigned samples; /* taken by the IMU so far */
} pod_bench;

static inline bool bench_keep(void *context, const uint8_t *bytes, size_t length) {
    pod_bench *bench = context;
    if (bench->flash_full) {
        return false;
    }
    memcpy(bench->flash, bytes, length);
    bench->flash_bytes = length;
    bench->flash_writes++;
    return true;
}

static inline void bench_arm_off(void *context, uint64_t at_us) {
    ((pod_bench *)context)->motor_off_at_us = at_us;
}

static inline void bench_set_motor(void *context, uint8_t percent) {
    ((pod_bench *)context)->motor_percent = percent;
}

/* Boots with what is in flash. */
static inline void bench_boot(pod_bench *bench, bool power_on) {
    const pod_core_imu imu = {
        .acc_nm_s2_per_lsb = 4785645, .gyr_nrad_s_per_lsb = 1221730, .format = bench->format};
    const pod_core_flash flash = {.context = bench, .keep = bench_keep};
    const haptic_motor motor = {.context = bench, .arm_off = bench_arm_off, .set = bench_set_motor};
    pod_core_boot(&bench->core, &imu, &flash, &motor, bench->flash, bench->flash_bytes, power_on,
                  bench->now_us);
}

static inline void bench_fresh(pod_bench *bench, sampler_format format) {
    memset(bench, 0, sizeof *bench);
    bench->format = format;
    bench->now_us = 10 * SECOND;
    bench_boot(bench, false);
}

static inline void bench_wait(pod_bench *bench, uint64_t us) {
    const uint64_t until_us = bench->now_us + us;
    while (pod_core_next_us(&bench->core) <= until_us) {
        bench->now_us = pod_core_next_us(&bench->core);
        pod_core_tick(&bench->core, bench->now_us);
    }
    bench->now_us = until_us;
}

static inline pod_link_result bench_control(pod_bench *bench, uint8_t opcode, uint16_t argument) {
    const pod_link_control record = {.opcode = opcode, .argument = argument};
    uint8_t bytes[POD_LINK_MAX_CONTROL_BYTES];
    const size_t length = pod_link_encode_control(&record, bytes, sizeof bytes);
    return pod_core_write_control(&bench->core, bytes, length, bench->now_us);
}

static inline pod_link_result bench_place(pod_bench *bench, uint8_t placement) {
    const pod_link_config record = {.placement = placement};
    uint8_t bytes[POD_LINK_MAX_CONFIG_BYTES];
    const size_t length = pod_link_encode_config(&record, bytes, sizeof bytes);
    return pod_core_write_config(&bench->core, bytes, length);
}

static inline pod_link_result bench_buzz(pod_bench *bench, uint16_t on_ms) {
    const pod_link_haptic record = {.pattern = POD_LINK_PULSES,
                                    .intensity_percent = 60,
                                    .pulses = 1,
                                    .on_ms = on_ms,
                                    .off_ms = 100};
    uint8_t bytes[POD_LINK_HAPTIC_BYTES];
    const size_t length = pod_link_encode_haptic(&record, bytes, sizeof bytes);
    return pod_core_write_haptic(&bench->core, bytes, length, bench->now_us);
}

static inline pod_link_status bench_status(pod_bench *bench) {
    uint8_t bytes[POD_LINK_STATUS_BYTES];
    pod_link_status status = {0};
    const size_t length = pod_core_read_status(&bench->core, bench->now_us, bytes, sizeof bytes);
    pod_link_decode_status(bytes, length, &status);
    return status;
}

/* A hub that has bonded, with the usual MTU, and listens. */
static inline void bench_connect(pod_bench *bench) {
    pod_core_connected(&bench->core, bench->now_us);
    pod_core_encrypted(&bench->core, bench->now_us);
    pod_core_mtu(&bench->core, 247);
    pod_core_subscribed(&bench->core, true, bench->now_us);
}

static inline pod_link_result bench_start(pod_bench *bench) {
    bench_connect(bench);
    bench_place(bench, POD_WIRE_SHANK_L);
    return bench_control(bench, POD_LINK_START, 0);
}

/* Lets the IMU take `count` samples, at most BENCH_FIFO_SAMPLES, and reads its FIFO. */
static inline void bench_sample(pod_bench *bench, unsigned count) {
    uint8_t bytes[BENCH_FIFO_SAMPLES * SAMPLE_BYTES];
    size_t length = 0;
    for (unsigned i = 0; i < count; i++, bench->samples++) {
        const pod_wire_sample sample = numbered(bench->samples);
        if (bench->format == SAMPLER_TAGGED_FIFO) {
            put_tagged(bytes + length, bench->samples, &sample);
            length += SAMPLE_BYTES;
        } else {
            put_plain(bytes + length, &sample);
            length += IMU_FIFO_PLAIN_SLOT_BYTES;
        }
    }
    bench_wait(bench, count * SECOND / bench->core.settings.rate_hz);
    pod_core_imu_read(&bench->core, bytes, length, (uint8_t)count, bench->now_us, bench->now_us);
}

/* False where no packet waits. */
static inline bool bench_take(pod_bench *bench, pod_wire_packet *packet) {
    uint8_t bytes[POD_WIRE_MAX_BYTES];
    const size_t length = pod_core_take_packet(&bench->core, bytes, sizeof bytes);
    return length > 0 && pod_wire_decode(bytes, length, packet) == POD_WIRE_OK;
}

#endif
