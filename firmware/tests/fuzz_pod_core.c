/* libFuzzer: a pod that gets any bytes on every way in, in any order, at any time. The input is a
 * list of steps: what happens, how long after the last step, how many bytes, the bytes.
 */
#include <stdlib.h>

#include "pod_bench.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum {
    TIME_PASSES,
    WRITE_CONTROL,
    WRITE_CONFIG,
    WRITE_HAPTIC,
    WRITE_TIME,
    FIFO,
    FIFO_WITHOUT_MARK,
    CONNECT,
    DISCONNECT,
    ENCRYPT,
    SUBSCRIBE,
    MTU,
    BATTERY,
    OVERFLOW,
    IMU_FAILED,
    IMU_WELL,
    MOVED,
    TAPPED,
    TAKE,
    FLASH,
    REBOOT,
    READY,
    FURTHER,
    BONDED,
    HANG,
    STEPS
};

#define LONGEST_ON_US (POD_LINK_MAX_ON_MS * MS)

static pod_bench bench;
static uint64_t on_since_us; /* of the motor, without a pause */
static bool was_on;

static void require(int holds) {
    if (!holds) {
        abort();
    }
}

/* A packet that leaves the pod is one that the hub reads. */
static void take_packet(void) {
    uint8_t bytes[POD_WIRE_MAX_BYTES];
    const size_t length = pod_core_take_packet(&bench.core, bytes, sizeof bytes);
    pod_wire_packet packet = {0};
    require(length == 0 || pod_wire_decode(bytes, length, &packet) == POD_WIRE_OK);
}

/* The motor's own timer, which works though the firmware does not. */
static void run_motor_timer(void) {
    if (bench.motor_percent > 0 && bench.motor_off_at_us <= bench.now_us) {
        bench.motor_percent = 0;
    }
}

static void watch_motor(void) {
    const bool on = bench.motor_percent > 0;
    if (on && !was_on) {
        on_since_us = bench.now_us;
    }
    require(!on || bench.now_us - on_since_us <= LONGEST_ON_US);
    was_on = on;
}

static void pass_time(uint64_t until_us) {
    bench.now_us = until_us > bench.now_us ? until_us : bench.now_us;
    run_motor_timer();
    watch_motor();
}

/* Ticks on time. */
static void live(uint64_t us) {
    const uint64_t until_us = bench.now_us + us;
    while (pod_core_next_us(&bench.core) <= until_us) {
        pass_time(pod_core_next_us(&bench.core));
        pod_core_tick(&bench.core, bench.now_us);
        watch_motor();
    }
    pass_time(until_us);
    require(pod_core_next_us(&bench.core) > bench.now_us);
}

static void write_any(uint8_t step, const uint8_t *bytes, size_t length) {
    pod_core *core = &bench.core;
    const uint64_t now_us = bench.now_us;
    const pod_link_result result =
        step == WRITE_CONTROL  ? pod_core_write_control(core, bytes, length, now_us)
        : step == WRITE_CONFIG ? pod_core_write_config(core, bytes, length)
        : step == WRITE_HAPTIC ? pod_core_write_haptic(core, bytes, length, now_us)
                               : pod_core_write_time(core, bytes, length, now_us);
    require(result == POD_LINK_OK || result == POD_LINK_NOT_ENCRYPTED ||
            (result >= POD_LINK_BAD_VERSION && result <= POD_LINK_UNKNOWN));
    uint8_t reply[POD_LINK_TIME_REPLY_BYTES];
    pod_core_take_time_reply(core, now_us, reply, sizeof reply);
}

static void do_step(uint8_t step, const uint8_t *bytes, size_t length) {
    pod_core *core = &bench.core;
    const uint64_t now_us = bench.now_us;
    const uint8_t value = length > 0 ? bytes[0] : 0;
    switch (step) {
    case WRITE_CONTROL:
    case WRITE_CONFIG:
    case WRITE_HAPTIC:
    case WRITE_TIME:
        write_any(step, bytes, length);
        break;
    case FIFO:
        pod_core_imu_read(core, bytes, length, value, now_us, now_us);
        break;
    case FIFO_WITHOUT_MARK:
        pod_core_imu_read(core, bytes, length, 0, 0, now_us);
        break;
    case CONNECT:
        pod_core_connected(core, now_us);
        break;
    case DISCONNECT:
        pod_core_disconnected(core, now_us);
        break;
    case ENCRYPT:
        pod_core_encrypted(core, now_us);
        break;
    case SUBSCRIBE:
        pod_core_subscribed(core, (value & 1U) != 0, now_us);
        break;
    case MTU:
        pod_core_mtu(core, (uint16_t)(value * 3));
        break;
    case BATTERY:
        pod_core_battery(core, (uint16_t)(value * 20), (pod_link_charging)(value % 4), now_us);
        break;
    case OVERFLOW:
        pod_core_imu_overflow(core);
        break;
    case IMU_FAILED:
        pod_core_imu_failed(core, now_us);
        break;
    case IMU_WELL:
        pod_core_imu_well(core, now_us);
        break;
    case MOVED:
        pod_core_moved(core, now_us);
        break;
    case TAPPED:
        pod_core_tapped(core, now_us);
        break;
    case TAKE:
        take_packet();
        break;
    case FLASH: /* any bytes are found there at the next boot */
        bench.flash_bytes = length < sizeof bench.flash ? length : sizeof bench.flash;
        memcpy(bench.flash, bytes, bench.flash_bytes);
        bench.flash_full = (value & 1U) != 0;
        break;
    case REBOOT:
        bench_boot(&bench, (value & 1U) != 0);
        break;
    case FURTHER:
        pod_core_further_central(core);
        break;
    case BONDED:
        pod_core_bonded(core, (value & 1U) != 0);
        break;
    case READY:
        require(bench_start(&bench) <= POD_LINK_UNKNOWN);
        break;
    default:
        break;
    }
}

static void check_laws(void) {
    const pod_link_status status = bench_status(&bench);
    uint8_t bytes[POD_LINK_MAX_CONFIG_BYTES];
    require(pod_core_read_config(&bench.core, bytes, sizeof bytes) > 0);
    require(pod_core_read_advertisement(&bench.core, bytes, sizeof bytes) > 0);
    watch_motor();
    require(bench.motor_percent == 0 || (bench.motor_off_at_us > bench.now_us &&
                                         bench.motor_off_at_us <= bench.now_us + LONGEST_ON_US));
    require(status.state != POD_LINK_STATE_STREAMING || bench.core.subscribed);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    was_on = false;
    bench_fresh(&bench, size > 0 && data[0] % 2 == 0 ? SAMPLER_TAGGED_FIFO : SAMPLER_PLAIN_FIFO);
    while (size >= 3) {
        const uint8_t step = data[0] % STEPS;
        const uint64_t later_us = (uint64_t)data[1] * data[1] * data[1] * 20;
        const size_t length = data[2] < size - 3 ? data[2] : size - 3;
        /* Exactly these bytes on the heap: a sanitizer sees one read too far. */
        uint8_t *bytes = malloc(length > 0 ? length : 1);
        require(bytes != NULL);
        memcpy(bytes, data + 3, length);
        if (step == HANG) {
            pass_time(bench.now_us + later_us); /* and nobody ticks */
        } else {
            live(later_us);
        }
        do_step(step, bytes, length);
        free(bytes);
        check_laws();
        data += 3 + length;
        size -= 3 + length;
    }
    return 0;
}
