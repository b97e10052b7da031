/* The packet a pod sends: one definition, compiled into the pod's firmware and into the hub's
 * kernel.
 */
/* clang-format off */
/* Samples packet, little-endian:
 *   offset size field
 *   0      1    version << 4 | type
 *   1      1    placement (pod_wire_placement)
 *   2      2    sequence number of the packet, wraps
 *   4      4    pod clock at the first sample, us of the pod's crystal, wraps after 71.6 min
 *   8      1    sample count, 1..POD_WIRE_MAX_SAMPLES
 *   9      1    flags (pod_wire_flag)
 *   10     2    packets the pod itself has dropped since it started streaming, saturating
 *   12     12n  n samples of accelerometer x, y, z, gyroscope x, y, z as int16
 *
 * Scales and the nominal rate come from the info record, read once per connection, little-endian:
 *   offset size field
 *   0      1    version << 4 | type
 *   1      1    placement (pod_wire_placement)
 *   2      2    firmware, major << 8 | minor
 *   4      4    nominal sampling rate, millihertz
 *   8      4    accelerometer scale, nm/s^2 per LSB
 *   12     4    gyroscope scale, nrad/s per LSB
 *   16     1    samples a packet, 1..POD_WIRE_MAX_SAMPLES
 *   17     3    reserved: written as zero, ignored by a reader, for a later firmware to use
 */
/* clang-format on */
#ifndef POD_WIRE_H
#define POD_WIRE_H

#include <stddef.h>
#include <stdint.h>

enum {
    POD_WIRE_VERSION = 1,
    POD_WIRE_TYPE_SAMPLES = 1,
    POD_WIRE_TYPE_INFO = 2,
    POD_WIRE_HEADER_BYTES = 12,
    POD_WIRE_SAMPLE_BYTES = 12,
    POD_WIRE_MAX_SAMPLES = 19, /* what a 247-byte ATT MTU carries: (244 - 12) / 12 */
    POD_WIRE_MAX_BYTES = 240,
    POD_WIRE_INFO_BYTES = 20,
    POD_WIRE_MIN_RATE_MHZ = 50000,
    POD_WIRE_MAX_RATE_MHZ = 850000,
    POD_WIRE_MAX_ACC_NM_S2_PER_LSB = 19153613, /* 64 g at 32768 LSB, more than any real pod's IMU */
    POD_WIRE_MAX_GYR_NRAD_S_PER_LSB = 4261058  /* 8000 deg/s at 32768 LSB */
};

typedef enum {
    POD_WIRE_PELVIS = 1,
    POD_WIRE_THIGH_L = 2,
    POD_WIRE_THIGH_R = 3,
    POD_WIRE_SHANK_L = 4,
    POD_WIRE_SHANK_R = 5,
    POD_WIRE_FOOT_L = 6,
    POD_WIRE_FOOT_R = 7,
    POD_WIRE_CHEST = 8
} pod_wire_placement;

typedef enum {
    POD_WIRE_FLAG_FIFO_OVERFLOW = 1, /* the IMU's FIFO overflowed before this packet */
    POD_WIRE_FLAG_CLIPPED = 2,       /* a sample of this packet stands at the end of its range */
    POD_WIRE_FLAG_MOTOR = 4          /* the pod's haptic motor ran during this packet */
} pod_wire_flag;

typedef enum {
    POD_WIRE_OK = 0,
    POD_WIRE_TOO_SHORT = 1, /* fewer bytes than the header or the count asks for */
    POD_WIRE_TOO_LONG = 2,  /* more bytes than the count asks for */
    POD_WIRE_BAD_VERSION = 3,
    POD_WIRE_BAD_TYPE = 4,
    POD_WIRE_BAD_PLACEMENT = 5,
    POD_WIRE_BAD_COUNT = 6,
    POD_WIRE_BAD_FLAGS = 7,
    POD_WIRE_BAD_RATE = 8,  /* info: nominal rate out of range */
    POD_WIRE_BAD_SCALE = 9, /* info: a scale of zero or beyond any real sensor */
    POD_WIRE_NO_ROOM = 10   /* encode: the buffer is too small */
} pod_wire_result;

typedef struct {
    int16_t acc[3]; /* specific force, LSB of pod_wire_info.acc_nm_s2_per_lsb */
    int16_t gyr[3]; /* angular rate, LSB of pod_wire_info.gyr_nrad_s_per_lsb */
} pod_wire_sample;

typedef struct {
    uint32_t pod_clock_us; /* at the first sample */
    uint16_t sequence;
    uint16_t dropped;  /* packets dropped by the pod, saturating */
    uint8_t placement; /* pod_wire_placement */
    uint8_t count;     /* samples */
    uint8_t flags;     /* pod_wire_flag bits */
    pod_wire_sample samples[POD_WIRE_MAX_SAMPLES];
} pod_wire_packet;

typedef struct {
    uint32_t rate_mhz;           /* nominal sampling rate, millihertz */
    uint32_t acc_nm_s2_per_lsb;  /* nanometres per second squared per LSB */
    uint32_t gyr_nrad_s_per_lsb; /* nanoradians per second per LSB */
    uint16_t firmware;           /* major << 8 | minor */
    uint8_t placement;           /* pod_wire_placement */
    uint8_t batch;               /* samples a packet, 1..POD_WIRE_MAX_SAMPLES */
} pod_wire_info;

/* Checks every length and range, the version before all else; *packet is written only on
 * POD_WIRE_OK, and of its samples only the first packet->count. */
pod_wire_result pod_wire_decode(const uint8_t *bytes, size_t length, pod_wire_packet *packet);

/* Writes the packet and its length; *length is 0 unless POD_WIRE_OK. */
pod_wire_result pod_wire_encode(const pod_wire_packet *packet, uint8_t *bytes, size_t capacity,
                                size_t *length);

/* What every record of this version begins with: version << 4 | type. */
uint8_t pod_wire_first_byte(unsigned type);

/* Length of an encoded packet of so many samples. */
size_t pod_wire_packet_bytes(uint8_t samples);

/* For a pod whose encoded packets wait: the length of this one, and its count of dropped packets
 * brought up to date. `bytes` is what pod_wire_encode wrote. */
size_t pod_wire_renew_dropped(uint8_t *bytes, uint32_t dropped);

/* Like pod_wire_decode; a batch out of range is POD_WIRE_BAD_COUNT. */
pod_wire_result pod_wire_decode_info(const uint8_t *bytes, size_t length, pod_wire_info *info);

/* Like pod_wire_encode. */
pod_wire_result pod_wire_encode_info(const pod_wire_info *info, uint8_t *bytes, size_t capacity,
                                     size_t *length);

/* A short, constant, lower-case English name ("too short"); "unknown result" for anything else. */
const char *pod_wire_result_name(pod_wire_result result);

#endif
