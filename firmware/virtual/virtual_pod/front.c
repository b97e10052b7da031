#include "front.h"

#include <stdlib.h>
#include <string.h>

#include "fifo_words.h"
#include "pod_core.h"

_Static_assert(FRONT_UNKNOWN_MV == POD_LINK_UNKNOWN_MV, "a battery not known is the core's");

enum {
    FIFO_SAMPLES = 256, /* 3.5 KB of tagged words, as an LSM6DSO holds */
    MAX_EDGES = 1024,
    WAKE_LSB = 300 /* 1.4 m/s^2 at 16 g */
};

typedef struct {
    bool streams;
    uint32_t resets;    /* done, of those the core asked for */
    uint8_t slot;       /* time slot of the next tag, of which it shows the last two bits */
    bool has_still;     /* the next is known */
    int16_t still[3];   /* acceleration at which it last told of movement */
    uint64_t marked_us; /* the watermark that waits for a read */
    uint8_t marked;
    uint64_t read_due_us; /* NEVER_US: none waits */
    bool overflowed;
    uint8_t fifo[FIFO_SAMPLES * SAMPLE_BYTES];
    size_t bytes;
    size_t samples;
} imu_part;

struct front {
    pod_core core;
    pod_core_imu model;
    front_faults faults;
    uint64_t now_us;
    imu_part imu;
    uint8_t flash[SETTINGS_MAX_BYTES];
    size_t flash_bytes;
    uint8_t motor_percent;
    uint64_t motor_off_at_us; /* NEVER_US: not armed */
    front_motor_edge edges[MAX_EDGES];
    size_t edge_count;
};

static uint64_t later(uint64_t a, uint64_t b) { return a > b ? a : b; }

/* Flash and motor, as the core calls them. */

static bool keep(void *context, const uint8_t *bytes, size_t length) {
    front *pod = context;
    if (pod->faults.flash_full) {
        return false;
    }
    memcpy(pod->flash, bytes, length);
    pod->flash_bytes = length;
    return true;
}

static void switch_motor(front *pod, uint8_t percent, bool by_timer) {
    if (percent == pod->motor_percent) {
        return;
    }
    pod->motor_percent = percent;
    if (pod->edge_count < MAX_EDGES) {
        pod->edges[pod->edge_count++] =
            (front_motor_edge){.at_us = pod->now_us, .percent = percent, .by_timer = by_timer};
    }
}

static void arm_off(void *context, uint64_t at_us) { ((front *)context)->motor_off_at_us = at_us; }

static void set_motor(void *context, uint8_t percent) { switch_motor(context, percent, false); }

static void off_timer_fires(front *pod) {
    pod->motor_off_at_us = NEVER_US;
    switch_motor(pod, 0, true);
}

/* The IMU and its FIFO. */

static void empty_fifo(imu_part *imu) {
    imu->bytes = 0;
    imu->samples = 0;
    imu->overflowed = false;
    imu->read_due_us = NEVER_US;
}

static void set_up_imu(front *pod) {
    empty_fifo(&pod->imu);
    pod->imu.slot = 0;
    if (pod->faults.imu == FRONT_IMU_DEAD) {
        pod_core_imu_failed(&pod->core, pod->now_us);
    } else {
        pod_core_imu_well(&pod->core, pod->now_us);
    }
}

/* Brings the hardware in line with the core's wishes. */
static void obey(front *pod) {
    const pod_core_wishes wishes = pod_core_wish(&pod->core);
    const bool reset = wishes.imu_resets != pod->imu.resets;
    const bool streams = wishes.imu == POD_CORE_IMU_STREAM;
    if (!reset && streams == pod->imu.streams) {
        return;
    }
    pod->imu.resets = wishes.imu_resets;
    pod->imu.streams = streams;
    if (reset && pod->faults.imu_heals_at_reset) {
        pod->faults.imu = FRONT_IMU_WELL;
    }
    set_up_imu(pod);
}

static void put_sample(front *pod, const int16_t *values) {
    imu_part *imu = &pod->imu;
    const pod_wire_sample sample = {.acc = {values[0], values[1], values[2]},
                                    .gyr = {values[3], values[4], values[5]}};
    if (pod->model.format == SAMPLER_TAGGED_FIFO) {
        put_tagged(imu->fifo + imu->bytes, imu->slot++, &sample);
        imu->bytes += SAMPLE_BYTES;
    } else {
        put_plain(imu->fifo + imu->bytes, &sample);
        imu->bytes += IMU_FIFO_PLAIN_SLOT_BYTES;
    }
    imu->samples++;
}

static void fill_fifo(front *pod, const int16_t *sample, uint64_t at_us) {
    imu_part *imu = &pod->imu;
    if (imu->samples == FIFO_SAMPLES) {
        imu->overflowed = true;
        return;
    }
    put_sample(pod, sample);
    const uint8_t watermark = pod_core_wish(&pod->core).imu_watermark;
    if (imu->samples == watermark) {
        imu->marked = watermark;
        imu->marked_us = at_us;
        imu->read_due_us = at_us + pod->faults.read_delay_us;
    }
}

static void read_fifo(front *pod) {
    imu_part *imu = &pod->imu;
    if (imu->overflowed) {
        pod_core_imu_overflow(&pod->core);
    } else {
        pod_core_imu_read(&pod->core, imu->fifo, imu->bytes, imu->marked, imu->marked_us,
                          pod->now_us);
    }
    empty_fifo(imu);
}

/* In low power the IMU tells of movement only. */
static void watch_movement(front *pod, const int16_t *acc) {
    if (!pod->imu.has_still) {
        memcpy(pod->imu.still, acc, sizeof pod->imu.still);
        pod->imu.has_still = true;
    }
    for (int axis = 0; axis < 3; axis++) {
        const int32_t change = acc[axis] - pod->imu.still[axis];
        if (change > WAKE_LSB || change < -WAKE_LSB) {
            memcpy(pod->imu.still, acc, sizeof pod->imu.still);
            pod_core_moved(&pod->core, pod->now_us);
            obey(pod);
            return;
        }
    }
}

static void take_sample(front *pod, const int16_t *sample, uint64_t at_us) {
    if (pod->faults.imu != FRONT_IMU_WELL) {
        return;
    }
    if (pod->imu.streams) {
        fill_fifo(pod, sample, at_us);
    } else if (!pod->faults.hung) {
        watch_movement(pod, sample);
    }
}

void front_feed(front *pod, const int16_t *samples, const uint64_t *times_us, size_t count) {
    for (size_t i = 0; i < count; i++) {
        front_run(pod, times_us[i]);
        take_sample(pod, samples + 6 * i, times_us[i]);
    }
    front_run(pod, pod->now_us);
}

void front_overflow(front *pod, uint64_t now_us) {
    front_run(pod, now_us);
    pod->imu.overflowed = true;
    read_fifo(pod);
    obey(pod);
}

/* Time. */

static uint64_t firmware_next_us(const front *pod) {
    return pod->faults.hung ? NEVER_US
                            : earlier(pod_core_next_us(&pod->core), pod->imu.read_due_us);
}

uint64_t front_now_us(const front *pod) { return pod->now_us; }

uint64_t front_next_us(const front *pod) {
    return earlier(firmware_next_us(pod), pod->motor_off_at_us);
}

/* The firmware comes first: the timer has something to do only where the firmware is late. */
static void do_what_is_due(front *pod) {
    if (firmware_next_us(pod) > pod->now_us) {
        off_timer_fires(pod);
    } else if (pod->imu.read_due_us <= pod->now_us) {
        read_fifo(pod);
    } else {
        pod_core_tick(&pod->core, pod->now_us);
    }
    obey(pod);
}

void front_run(front *pod, uint64_t until_us) {
    const uint64_t end_us = later(until_us, pod->now_us);
    while (front_next_us(pod) <= end_us) {
        pod->now_us = later(front_next_us(pod), pod->now_us);
        do_what_is_due(pod);
    }
    pod->now_us = end_us;
}

/* Power. */

uint16_t front_firmware(void) { return POD_CORE_FIRMWARE; }

front *front_new(uint32_t acc_nm_s2_per_lsb, uint32_t gyr_nrad_s_per_lsb, bool tagged_fifo) {
    front *pod = calloc(1, sizeof *pod);
    if (pod != NULL) {
        pod->model =
            (pod_core_imu){.acc_nm_s2_per_lsb = acc_nm_s2_per_lsb,
                           .gyr_nrad_s_per_lsb = gyr_nrad_s_per_lsb,
                           .format = tagged_fifo ? SAMPLER_TAGGED_FIFO : SAMPLER_PLAIN_FIFO};
    }
    return pod;
}

void front_free(front *pod) { free(pod); }

front_faults *front_faults_of(front *pod) { return &pod->faults; }

bool front_keep(front *pod, const uint8_t *config, size_t length, uint16_t rate_hz, uint8_t batch) {
    settings kept = {.rate_hz = rate_hz, .batch = batch};
    settings found;
    if (pod_link_decode_config(config, length, &kept.config) != POD_LINK_OK) {
        return false;
    }
    pod->flash_bytes = settings_encode(&kept, pod->flash);
    return settings_decode(pod->flash, pod->flash_bytes, &found);
}

void front_boot(front *pod, bool power_on, uint64_t now_us) {
    const pod_core_flash flash = {.context = pod, .keep = keep};
    const haptic_motor motor = {.context = pod, .arm_off = arm_off, .set = set_motor};
    pod->now_us = later(now_us, pod->now_us);
    pod->motor_off_at_us = NEVER_US;
    pod->faults.hung = false;
    pod->imu.streams = false;
    pod->imu.resets = 0;
    pod_core_boot(&pod->core, &pod->model, &flash, &motor, pod->flash, pod->flash_bytes, power_on,
                  pod->now_us);
    set_up_imu(pod);
}

/* The radio. */

void front_connected(front *pod, uint64_t now_us) {
    front_run(pod, now_us);
    pod_core_connected(&pod->core, pod->now_us);
    obey(pod);
}

void front_further_central(front *pod) { pod_core_further_central(&pod->core); }

void front_encrypted(front *pod, uint64_t now_us) {
    front_run(pod, now_us);
    pod_core_encrypted(&pod->core, pod->now_us);
    obey(pod);
}

void front_mtu(front *pod, uint16_t mtu) { pod_core_mtu(&pod->core, mtu); }

void front_bonded(front *pod, bool bonded) { pod_core_bonded(&pod->core, bonded); }

void front_subscribed(front *pod, bool subscribed, uint64_t now_us) {
    front_run(pod, now_us);
    pod_core_subscribed(&pod->core, subscribed, pod->now_us);
    obey(pod);
}

void front_disconnected(front *pod, uint64_t now_us) {
    front_run(pod, now_us);
    pod_core_disconnected(&pod->core, pod->now_us);
    obey(pod);
}

static uint8_t write_record(front *pod, uint16_t attribute, const uint8_t *bytes, size_t length) {
    pod_core *core = &pod->core;
    switch (attribute) {
    case POD_LINK_CONTROL:
        return (uint8_t)pod_core_write_control(core, bytes, length, pod->now_us);
    case POD_LINK_CONFIG:
        return (uint8_t)pod_core_write_config(core, bytes, length);
    case POD_LINK_HAPTIC:
        return (uint8_t)pod_core_write_haptic(core, bytes, length, pod->now_us);
    default:
        return (uint8_t)pod_core_write_time(core, bytes, length, pod->now_us);
    }
}

uint8_t front_write(front *pod, uint16_t attribute, const uint8_t *bytes, size_t length,
                    uint64_t now_us) {
    front_run(pod, now_us);
    const uint8_t result = write_record(pod, attribute, bytes, length);
    obey(pod);
    return result;
}

static pod_link_result read_info(const pod_core *core, uint8_t *bytes, size_t *length) {
    const pod_link_result result = pod_core_read_info(core, bytes);
    *length = result == POD_LINK_OK ? POD_WIRE_INFO_BYTES : 0;
    return result;
}

uint8_t front_read(front *pod, uint16_t attribute, uint64_t now_us, uint8_t *bytes, size_t capacity,
                   size_t *length) {
    front_run(pod, now_us);
    switch (attribute) {
    case POD_LINK_INFO:
        return (uint8_t)read_info(&pod->core, bytes, length);
    case POD_LINK_CONFIG:
        *length = pod_core_read_config(&pod->core, bytes, capacity);
        return POD_LINK_OK;
    default:
        *length = pod_core_read_status(&pod->core, pod->now_us, bytes, capacity);
        return POD_LINK_OK;
    }
}

uint8_t front_read_battery_percent(front *pod, uint8_t *percent) {
    return (uint8_t)pod_core_read_battery_percent(&pod->core, percent);
}

size_t front_read_advertisement(front *pod, uint8_t *bytes, size_t capacity) {
    return pod_core_read_advertisement(&pod->core, bytes, capacity);
}

size_t front_take_packet(front *pod, uint8_t *bytes, size_t capacity) {
    return pod_core_take_packet(&pod->core, bytes, capacity);
}

size_t front_take_time_reply(front *pod, uint64_t now_us, uint8_t *bytes, size_t capacity) {
    front_run(pod, now_us);
    return pod_core_take_time_reply(&pod->core, pod->now_us, bytes, capacity);
}

/* What else happens to a pod. */

void front_tapped(front *pod, uint64_t now_us) {
    front_run(pod, now_us);
    pod_core_tapped(&pod->core, pod->now_us);
    obey(pod);
}

void front_moved(front *pod, uint64_t now_us) {
    front_run(pod, now_us);
    pod_core_moved(&pod->core, pod->now_us);
    obey(pod);
}

void front_battery(front *pod, uint16_t battery_mv, uint8_t charging, uint64_t now_us) {
    front_run(pod, now_us);
    pod_core_battery(&pod->core, battery_mv, (pod_link_charging)charging, pod->now_us);
    obey(pod);
}

front_wishes front_wish(const front *pod) {
    const pod_core_wishes wishes = pod_core_wish(&pod->core);
    return (front_wishes){
        .radio = (uint8_t)wishes.radio,
        .imu = (uint8_t)wishes.imu,
        .light = (uint8_t)wishes.light,
        .imu_watermark = wishes.imu_watermark,
        .imu_rate_hz = wishes.imu_rate_hz,
        .imu_resets = wishes.imu_resets,
        .pairing = wishes.pairing,
        .disconnect = wishes.disconnect,
        .sleep = wishes.sleep,
        .sleep_to_end = wishes.sleep_to_end,
    };
}

front_motor front_motor_of(const front *pod) {
    const bool armed = pod->motor_off_at_us != NEVER_US;
    return (front_motor){.percent = pod->motor_percent,
                         .armed = armed,
                         .off_at_us = armed ? pod->motor_off_at_us : 0};
}

size_t front_take_edges(front *pod, front_motor_edge *edges, size_t capacity) {
    const size_t count = pod->edge_count < capacity ? pod->edge_count : capacity;
    memcpy(edges, pod->edges, count * sizeof *edges);
    memmove(pod->edges, pod->edges + count, (pod->edge_count - count) * sizeof *edges);
    pod->edge_count -= count;
    return count;
}
