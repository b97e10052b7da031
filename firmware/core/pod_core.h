/* The pod, without its hardware: what comes from the radio, the IMU, the battery and the clock goes
 * in; packets, answers, and what the hardware should be doing come out.
 *
 * No OS, no vendor header, no allocation. All calls for one pod come from one thread at a time.
 * Times are microseconds of the pod's crystal since it started, and never run backwards. After any
 * call the hardware is brought in line with pod_core_wishes(), and pod_core_tick() is due at
 * pod_core_next_us().
 */
#ifndef POD_CORE_H
#define POD_CORE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "haptic_player.h"
#include "imu_guard.h"
#include "pod_link.h"
#include "pod_wire.h"
#include "power_machine.h"
#include "sampler.h"
#include "settings.h"

enum {
    POD_CORE_FIRMWARE = 0x0100, /* major << 8 | minor */
    POD_CORE_DEFAULT_MTU = 23
};

typedef struct {
    uint32_t acc_nm_s2_per_lsb;
    uint32_t gyr_nrad_s_per_lsb;
    sampler_format format;
} pod_core_imu;

typedef struct {
    void *context;
    /* Writes the settings record to flash; false where it could not. */
    bool (*keep)(void *context, const uint8_t *bytes, size_t length);
} pod_core_flash;

typedef enum { POD_CORE_RADIO_OFF, POD_CORE_RADIO_FAST, POD_CORE_RADIO_SLOW } pod_core_radio;

typedef enum {
    POD_CORE_IMU_WAKE, /* low power, an interrupt on movement */
    POD_CORE_IMU_STREAM
} pod_core_imu_mode;

typedef enum { POD_CORE_LIGHT_OFF, POD_CORE_LIGHT_PAIRING, POD_CORE_LIGHT_IDENTIFY } pod_core_light;

/* What the hardware should be doing now. */
typedef struct {
    pod_core_radio radio;
    pod_core_imu_mode imu;
    uint16_t imu_rate_hz;
    uint8_t imu_watermark; /* samples; while streaming */
    uint32_t imu_resets;   /* reset bus and IMU each time this moves, then set it up anew */
    pod_core_light light;
    bool pairing;      /* a stranger may bond */
    bool disconnect;   /* the central has to go */
    bool sleep;        /* deepest sleep once nobody is connected */
    bool sleep_to_end; /* and only the charger wakes */
} pod_core_wishes;

typedef struct {
    pod_core_imu imu;
    pod_core_flash flash;
    settings settings;
    power_machine power;
    haptic_player haptic;
    imu_guard guard;
    bool subscribed;
    bool bonded;
    bool flash_fault;
    bool battery_low;
    bool battery_empty;
    uint8_t charging; /* pod_link_charging */
    uint16_t battery_mv;
    uint16_t mtu;
    uint16_t fifo_overflows; /* counters saturate */
    uint16_t writes_refused;
    uint16_t settings_lost;
    uint16_t centrals_refused;
    uint64_t started_us;
    uint64_t identify_until_us;
    bool time_asked;
    pod_link_time time;
    sampler sampler;
} pod_core;

/* `kept` is the settings record from flash, NULL and 0 where there is none; one that cannot be read
 * is told in the status, and defaults hold. `power_on`: not a wake from sleep or a reset. */
void pod_core_boot(pod_core *core, const pod_core_imu *imu, const pod_core_flash *flash,
                   const haptic_motor *motor, const uint8_t *kept, size_t length, bool power_on,
                   uint64_t now_us);

pod_core_wishes pod_core_wish(const pod_core *core);
uint64_t pod_core_next_us(const pod_core *core);
void pod_core_tick(pod_core *core, uint64_t now_us);

/* The radio. A further central is one that connects while another is there. */
void pod_core_connected(pod_core *core, uint64_t now_us);
void pod_core_further_central(pod_core *core);
void pod_core_encrypted(pod_core *core, uint64_t now_us);
void pod_core_mtu(pod_core *core, uint16_t mtu);
void pod_core_bonded(pod_core *core, bool bonded);
void pod_core_subscribed(pod_core *core, bool subscribed, uint64_t now_us);
void pod_core_disconnected(pod_core *core, uint64_t now_us);

/* Writes: any bytes. Only POD_LINK_OK changes anything but what is counted. */
pod_link_result pod_core_write_control(pod_core *core, const uint8_t *bytes, size_t length,
                                       uint64_t now_us);
pod_link_result pod_core_write_config(pod_core *core, const uint8_t *bytes, size_t length);
pod_link_result pod_core_write_haptic(pod_core *core, const uint8_t *bytes, size_t length,
                                      uint64_t now_us);
pod_link_result pod_core_write_time(pod_core *core, const uint8_t *bytes, size_t length,
                                    uint64_t now_us);

/* Reads: the length of the record; 0 where it does not fit `capacity`. */
pod_link_result pod_core_read_info(const pod_core *core, uint8_t bytes[POD_WIRE_INFO_BYTES]);
size_t pod_core_read_config(const pod_core *core, uint8_t *bytes, size_t capacity);
size_t pod_core_read_status(const pod_core *core, uint64_t now_us, uint8_t *bytes, size_t capacity);
size_t pod_core_read_advertisement(const pod_core *core, uint8_t *bytes, size_t capacity);

/* For the standard Battery service, which knows percent only; POD_LINK_UNKNOWN until measured.
 * A hub works from the millivolts. */
pod_link_result pod_core_read_battery_percent(const pod_core *core, uint8_t *percent);

/* The answer to the last time request, stamped as it is handed out; 0 where none waits. */
size_t pod_core_take_time_reply(pod_core *core, uint64_t now_us, uint8_t *bytes, size_t capacity);

/* The oldest packet that waits; 0 where none does. */
size_t pod_core_take_packet(pod_core *core, uint8_t *bytes, size_t capacity);

/* The IMU. The watermark: interrupt at marked_us, `marked` samples after the last read ended; then
 * what was read of the FIFO. `marked` is 0 where no interrupt was seen. */
void pod_core_imu_read(pod_core *core, const uint8_t *bytes, size_t length, uint8_t marked,
                       uint64_t marked_us, uint64_t now_us);
/* The FIFO overflowed, and has been emptied. */
void pod_core_imu_overflow(pod_core *core);
/* The bus failed. While streaming, the FIFO is to be emptied as after an overflow. */
void pod_core_imu_failed(pod_core *core, uint64_t now_us);
/* It answered, and took its settings. */
void pod_core_imu_well(pod_core *core, uint64_t now_us);
void pod_core_moved(pod_core *core, uint64_t now_us);

void pod_core_tapped(pod_core *core, uint64_t now_us);

/* POD_LINK_UNKNOWN_MV where it could not be measured. Twice in a row too little is empty. */
void pod_core_battery(pod_core *core, uint16_t battery_mv, pod_link_charging charging,
                      uint64_t now_us);

#endif
