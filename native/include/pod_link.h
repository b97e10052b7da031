/* What a hub and a pod say to each other besides samples: one definition, compiled into the pod's
 * firmware and into the hub. firmware/PROTOCOL.md tells when each record is sent, and by whom.
 */
/* clang-format off */
/* Every record is little-endian and begins with version << 4 | type, the version that of
 * pod_wire.h. Lengths are exact: a longer record is refused like a shorter one.
 *
 * Control, hub to pod:                       Haptic, hub to pod:
 *   0  1  version << 4 | type                  0  1  version << 4 | type
 *   1  1  pod_link_opcode                      1  1  pod_link_pattern
 *   2  n  argument: none for start and stop,   2  1  intensity, 1..100 percent
 *         2 bytes (Hz) for rate,               3  1  pulses, 1..POD_LINK_MAX_PULSES
 *         1 byte for batch (samples)           4  2  ms on, POD_LINK_MIN_PULSE_MS..1000,
 *         and identify (s)                             all pulses together at most 1000
 *                                              6  2  ms off between pulses, likewise each
 *                                            (silence: all but the pattern is zero)
 *
 * Config, both ways:                         Time request, hub to pod:
 *   0  1  version << 4 | type                  0  1  version << 4 | type
 *   1  1  pod_wire_placement, 0: none yet      1  8  t1, the hub's own clock; echoed
 *   2  1  n, bytes of the name               Time reply, pod to hub:
 *   3  1  r, bytes of the runner's id          0  1  version << 4 | type
 *   4  n  name, UTF-8, no control characters   1  8  t1
 *   .  r  runner, of A-Z a-z 0-9 - _           9  4  t2, pod clock at the request's arrival, us
 *                                              13 4  t3, pod clock as the reply is handed over, us
 *
 * Status, pod to hub:                        Advertisement, for all to hear:
 *   0  1  version << 4 | type                  0  1  version << 4 | type
 *   1  1  pod_link_state                       1  1  pod_wire_placement, 0: none yet
 *   2  1  pod_link_condition bits              2  2  battery, mV, 0xFFFF: unknown
 *   3  1  pod_link_charging                    4  1  pod_link_condition bits
 *   4  2  battery, mV, 0xFFFF: unknown
 *   6  4  measured sampling rate, mHz, 0xFFFFFFFF: unknown
 *   10 4  s since the pod started
 *   14 4  packets dropped since the stream started
 *   18 2  times the IMU's FIFO overflowed           counters from here on: since the pod
 *   20 2  FIFO words unreadable or without partner  started, saturating
 *   22 2  IMU resets
 *   24 2  writes refused
 *   26 2  settings that could not be kept in flash
 *   28 2  further centrals turned away
 */
/* clang-format on */
#ifndef POD_LINK_H
#define POD_LINK_H

#include <stddef.h>
#include <stdint.h>

#include "pod_wire.h"

enum {
    POD_LINK_TYPE_CONTROL = 3,
    POD_LINK_TYPE_HAPTIC = 4,
    POD_LINK_TYPE_CONFIG = 5,
    POD_LINK_TYPE_TIME_REQUEST = 6,
    POD_LINK_TYPE_TIME_REPLY = 7,
    POD_LINK_TYPE_STATUS = 8,
    POD_LINK_TYPE_ADVERTISEMENT = 9,

    POD_LINK_MAX_CONTROL_BYTES = 4,
    POD_LINK_HAPTIC_BYTES = 8,
    POD_LINK_MIN_CONFIG_BYTES = 4,
    POD_LINK_MAX_CONFIG_BYTES = 48,
    POD_LINK_TIME_REQUEST_BYTES = 9,
    POD_LINK_TIME_REPLY_BYTES = 17,
    POD_LINK_STATUS_BYTES = 30,
    POD_LINK_ADVERTISEMENT_BYTES = 5,

    POD_LINK_MAX_NAME_BYTES = 20,   /* fits a scan response */
    POD_LINK_MAX_RUNNER_BYTES = 24, /* a pseudonym, one level of an MQTT topic */
    POD_LINK_MAX_IDENTIFY_S = 60,
    POD_LINK_MAX_PULSES = 10,
    POD_LINK_MIN_PULSE_MS = 20, /* a motor does not answer to less */
    POD_LINK_MAX_ON_MS = 1000,  /* of all pulses of a pattern together */
    POD_LINK_MAX_OFF_MS = 1000,

    POD_LINK_UNKNOWN_MV = 0xFFFF,
    POD_LINK_NO_PLACEMENT = 0
};

#define POD_LINK_UNKNOWN_RATE 0xFFFFFFFFU

/* UUIDs are d616NNNN-280d-4356-823c-79f7f367e798; NNNN is one of these. */
typedef enum {
    POD_LINK_SERVICE = 1,
    POD_LINK_INFO = 2,    /* read */
    POD_LINK_SAMPLES = 3, /* notify */
    POD_LINK_CONTROL = 4, /* write */
    POD_LINK_HAPTIC = 5,  /* write without response */
    POD_LINK_CONFIG = 6,  /* read, write */
    POD_LINK_TIME = 7,    /* write without response, notify */
    POD_LINK_STATUS = 8   /* read, notify */
} pod_link_attribute;

/* As a UUID travels: least significant byte first. */
#define POD_LINK_UUID_BYTES(attribute)                                                             \
    0x98, 0xe7, 0x67, 0xf3, 0xf7, 0x79, 0x3c, 0x82, 0x56, 0x43, 0x0d, 0x28, (attribute)&0xFF,      \
        (attribute) >> 8, 0x16, 0xd6

/* Ok, or the ATT error that answers a write or a read: the application's own from 0x80 on. */
typedef enum {
    POD_LINK_OK = 0,
    POD_LINK_NOT_ENCRYPTED = 0x0F, /* as in the Bluetooth Core specification */
    POD_LINK_BAD_VERSION = 0x80,
    POD_LINK_BAD_TYPE = 0x81,
    POD_LINK_BAD_LENGTH = 0x82,
    POD_LINK_BAD_OPCODE = 0x83,     /* control: an opcode the pod does not know */
    POD_LINK_OUT_OF_RANGE = 0x84,   /* a field has a value it cannot have */
    POD_LINK_NOT_SUBSCRIBED = 0x85, /* start before the subscription to samples */
    POD_LINK_NO_PLACE = 0x86,       /* start, or a read of info, before the pod has a placement */
    POD_LINK_BUSY = 0x87,           /* not while streaming */
    POD_LINK_IMU_FAULT = 0x88,      /* start while the IMU does not answer */
    POD_LINK_LOW_BATTERY = 0x89,    /* start with a cell that is all but empty */
    POD_LINK_SMALL_MTU = 0x8A,      /* start where not one sample fits a notification */
    POD_LINK_NOT_KEPT = 0x8B,       /* flash refused the settings; the old ones hold */
    POD_LINK_UNKNOWN = 0x8C         /* a read of what the pod does not know yet */
} pod_link_result;

typedef enum {
    POD_LINK_START = 1,
    POD_LINK_STOP = 2,
    POD_LINK_RATE = 3,
    POD_LINK_BATCH = 4,
    POD_LINK_IDENTIFY = 5
} pod_link_opcode;

typedef enum { POD_LINK_SILENCE = 0, POD_LINK_PULSES = 1 } pod_link_pattern;

typedef enum {
    POD_LINK_STATE_BOOT = 0,
    POD_LINK_STATE_ADVERTISING_FAST = 1,
    POD_LINK_STATE_ADVERTISING_SLOW = 2,
    POD_LINK_STATE_CONNECTED = 3,
    POD_LINK_STATE_STREAMING = 4,
    POD_LINK_STATE_SLEEPING = 5, /* until moved, charged or tapped */
    POD_LINK_STATE_EMPTY = 6     /* until charged */
} pod_link_state;

typedef enum {
    POD_LINK_CONDITION_IMU_FAULT = 1,
    POD_LINK_CONDITION_FLASH_FAULT = 2, /* settings were not kept, or not readable at the start */
    POD_LINK_CONDITION_LOW_BATTERY = 4,
    POD_LINK_CONDITION_PAIRING = 8, /* the pairing window is open */
    POD_LINK_CONDITION_BONDED = 16, /* at least one hub is known */
    POD_LINK_CONDITION_CHARGING = 32
} pod_link_condition;

typedef enum {
    POD_LINK_CHARGING_UNKNOWN = 0,
    POD_LINK_DISCHARGING = 1,
    POD_LINK_CHARGING = 2,
    POD_LINK_CHARGED = 3
} pod_link_charging;

typedef struct {
    uint8_t opcode;    /* pod_link_opcode */
    uint16_t argument; /* rate: Hz; batch: samples; identify: s, 0 ends it; else 0 */
} pod_link_control;

typedef struct {
    uint8_t pattern;           /* pod_link_pattern */
    uint8_t intensity_percent; /* 1..100 */
    uint8_t pulses;
    uint16_t on_ms;
    uint16_t off_ms;
} pod_link_haptic;

typedef struct {
    uint8_t placement; /* pod_wire_placement, or POD_LINK_NO_PLACEMENT */
    uint8_t name_bytes;
    uint8_t runner_bytes;
    char name[POD_LINK_MAX_NAME_BYTES]; /* not terminated */
    char runner[POD_LINK_MAX_RUNNER_BYTES];
} pod_link_config;

typedef struct {
    uint64_t t1;
    uint32_t t2_us;
    uint32_t t3_us;
} pod_link_time;

typedef struct {
    uint8_t state;      /* pod_link_state */
    uint8_t conditions; /* pod_link_condition bits */
    uint8_t charging;   /* pod_link_charging */
    uint16_t battery_mv;
    uint32_t rate_mhz;
    uint32_t uptime_s;
    uint32_t packets_dropped;
    uint16_t fifo_overflows;
    uint16_t fifo_bad_words;
    uint16_t imu_resets;
    uint16_t writes_refused;
    uint16_t settings_lost;
    uint16_t centrals_refused;
} pod_link_status;

typedef struct {
    uint8_t placement; /* pod_wire_placement, or POD_LINK_NO_PLACEMENT */
    uint8_t conditions;
    uint16_t battery_mv;
} pod_link_advertisement;

/* Decoders check version, type, opcode, length and every range, in that order, and write *record
 * only on POD_LINK_OK. Encoders write nothing unless every field is in range and the whole record
 * fits `capacity`; they return its length, or 0. */
pod_link_result pod_link_decode_control(const uint8_t *bytes, size_t length,
                                        pod_link_control *record);
size_t pod_link_encode_control(const pod_link_control *record, uint8_t *bytes, size_t capacity);

pod_link_result pod_link_decode_haptic(const uint8_t *bytes, size_t length,
                                       pod_link_haptic *record);
size_t pod_link_encode_haptic(const pod_link_haptic *record, uint8_t *bytes, size_t capacity);

pod_link_result pod_link_decode_config(const uint8_t *bytes, size_t length,
                                       pod_link_config *record);
size_t pod_link_encode_config(const pod_link_config *record, uint8_t *bytes, size_t capacity);

pod_link_result pod_link_decode_time_request(const uint8_t *bytes, size_t length, uint64_t *t1);
size_t pod_link_encode_time_request(uint64_t t1, uint8_t *bytes, size_t capacity);

pod_link_result pod_link_decode_time_reply(const uint8_t *bytes, size_t length,
                                           pod_link_time *record);
size_t pod_link_encode_time_reply(const pod_link_time *record, uint8_t *bytes, size_t capacity);

pod_link_result pod_link_decode_status(const uint8_t *bytes, size_t length,
                                       pod_link_status *record);
size_t pod_link_encode_status(const pod_link_status *record, uint8_t *bytes, size_t capacity);

pod_link_result pod_link_decode_advertisement(const uint8_t *bytes, size_t length,
                                              pod_link_advertisement *record);
size_t pod_link_encode_advertisement(const pod_link_advertisement *record, uint8_t *bytes,
                                     size_t capacity);

/* Whether the IMU has this rate: 52, 104, 208 or 416 Hz. */
int pod_link_is_rate(uint32_t rate_hz);

/* A short, constant, lower-case English name ("bad length"); "unknown result" for anything else. */
const char *pod_link_result_name(pod_link_result result);

#endif
