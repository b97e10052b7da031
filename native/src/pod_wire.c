#include "pod_wire.h"

#include "little_endian.h"

enum { COUNT_AT = 8, DROPPED_AT = 10 };

enum { KNOWN_FLAGS = POD_WIRE_FLAG_FIFO_OVERFLOW | POD_WIRE_FLAG_CLIPPED | POD_WIRE_FLAG_MOTOR };

uint8_t pod_wire_first_byte(unsigned type) {
    return (uint8_t)((unsigned)POD_WIRE_VERSION << 4 | type);
}

/* The version stands before everything else, so that a hub can name it whatever the rest has
 * become. */
static pod_wire_result check_start(const uint8_t *bytes, size_t length, unsigned type) {
    if (length < 1) {
        return POD_WIRE_TOO_SHORT;
    }
    if (bytes[0] >> 4 != POD_WIRE_VERSION) {
        return POD_WIRE_BAD_VERSION;
    }
    return (bytes[0] & 0x0FU) == type ? POD_WIRE_OK : POD_WIRE_BAD_TYPE;
}

static int is_placement(uint8_t placement) {
    return placement >= POD_WIRE_PELVIS && placement <= POD_WIRE_CHEST;
}

static int is_count(uint8_t count) { return count >= 1 && count <= POD_WIRE_MAX_SAMPLES; }

static pod_wire_result check_header(uint8_t placement, uint8_t count, uint8_t flags) {
    if (!is_placement(placement)) {
        return POD_WIRE_BAD_PLACEMENT;
    }
    if (!is_count(count)) {
        return POD_WIRE_BAD_COUNT;
    }
    return (flags & ~(unsigned)KNOWN_FLAGS) == 0 ? POD_WIRE_OK : POD_WIRE_BAD_FLAGS;
}

static pod_wire_result check_info(const pod_wire_info *info) {
    if (!is_placement(info->placement)) {
        return POD_WIRE_BAD_PLACEMENT;
    }
    if (info->rate_mhz < POD_WIRE_MIN_RATE_MHZ || info->rate_mhz > POD_WIRE_MAX_RATE_MHZ) {
        return POD_WIRE_BAD_RATE;
    }
    if (info->acc_nm_s2_per_lsb == 0 || info->acc_nm_s2_per_lsb > POD_WIRE_MAX_ACC_NM_S2_PER_LSB ||
        info->gyr_nrad_s_per_lsb == 0 ||
        info->gyr_nrad_s_per_lsb > POD_WIRE_MAX_GYR_NRAD_S_PER_LSB) {
        return POD_WIRE_BAD_SCALE;
    }
    return is_count(info->batch) ? POD_WIRE_OK : POD_WIRE_BAD_COUNT;
}

size_t pod_wire_packet_bytes(uint8_t samples) {
    return POD_WIRE_HEADER_BYTES + (size_t)samples * POD_WIRE_SAMPLE_BYTES;
}

static void get_sample(const uint8_t *bytes, pod_wire_sample *sample) {
    get_axes(bytes, sample->acc);
    get_axes(bytes + 6, sample->gyr);
}

static void put_sample(const pod_wire_sample *sample, uint8_t *bytes) {
    put_axes(bytes, sample->acc);
    put_axes(bytes + 6, sample->gyr);
}

pod_wire_result pod_wire_decode(const uint8_t *bytes, size_t length, pod_wire_packet *packet) {
    pod_wire_result result = check_start(bytes, length, POD_WIRE_TYPE_SAMPLES);
    if (result != POD_WIRE_OK) {
        return result;
    }
    if (length < POD_WIRE_HEADER_BYTES) {
        return POD_WIRE_TOO_SHORT;
    }
    const uint8_t placement = bytes[1];
    const uint8_t count = bytes[COUNT_AT];
    const uint8_t flags = bytes[9];
    result = check_header(placement, count, flags);
    if (result != POD_WIRE_OK) {
        return result;
    }
    if (length != pod_wire_packet_bytes(count)) {
        return length < pod_wire_packet_bytes(count) ? POD_WIRE_TOO_SHORT : POD_WIRE_TOO_LONG;
    }
    packet->placement = placement;
    packet->sequence = get_u16(bytes + 2);
    packet->pod_clock_us = get_u32(bytes + 4);
    packet->count = count;
    packet->flags = flags;
    packet->dropped = get_u16(bytes + DROPPED_AT);
    for (size_t i = 0; i < count; i++) {
        get_sample(bytes + POD_WIRE_HEADER_BYTES + i * POD_WIRE_SAMPLE_BYTES, &packet->samples[i]);
    }
    return POD_WIRE_OK;
}

pod_wire_result pod_wire_encode(const pod_wire_packet *packet, uint8_t *bytes, size_t capacity,
                                size_t *length) {
    *length = 0;
    const pod_wire_result result = check_header(packet->placement, packet->count, packet->flags);
    if (result != POD_WIRE_OK) {
        return result;
    }
    if (capacity < pod_wire_packet_bytes(packet->count)) {
        return POD_WIRE_NO_ROOM;
    }
    bytes[0] = pod_wire_first_byte(POD_WIRE_TYPE_SAMPLES);
    bytes[1] = packet->placement;
    put_u16(bytes + 2, packet->sequence);
    put_u32(bytes + 4, packet->pod_clock_us);
    bytes[COUNT_AT] = packet->count;
    bytes[9] = packet->flags;
    put_u16(bytes + DROPPED_AT, packet->dropped);
    for (size_t i = 0; i < packet->count; i++) {
        put_sample(&packet->samples[i], bytes + POD_WIRE_HEADER_BYTES + i * POD_WIRE_SAMPLE_BYTES);
    }
    *length = pod_wire_packet_bytes(packet->count);
    return POD_WIRE_OK;
}

size_t pod_wire_renew_dropped(uint8_t *bytes, uint32_t dropped) {
    put_u16(bytes + DROPPED_AT, (uint16_t)(dropped < UINT16_MAX ? dropped : UINT16_MAX));
    return pod_wire_packet_bytes(bytes[COUNT_AT]);
}

pod_wire_result pod_wire_decode_info(const uint8_t *bytes, size_t length, pod_wire_info *info) {
    pod_wire_result result = check_start(bytes, length, POD_WIRE_TYPE_INFO);
    if (result != POD_WIRE_OK) {
        return result;
    }
    if (length != POD_WIRE_INFO_BYTES) {
        return length < POD_WIRE_INFO_BYTES ? POD_WIRE_TOO_SHORT : POD_WIRE_TOO_LONG;
    }
    const pod_wire_info decoded = {
        .placement = bytes[1],
        .firmware = get_u16(bytes + 2),
        .rate_mhz = get_u32(bytes + 4),
        .acc_nm_s2_per_lsb = get_u32(bytes + 8),
        .gyr_nrad_s_per_lsb = get_u32(bytes + 12),
        .batch = bytes[16],
    };
    result = check_info(&decoded);
    if (result == POD_WIRE_OK) {
        *info = decoded;
    }
    return result;
}

pod_wire_result pod_wire_encode_info(const pod_wire_info *info, uint8_t *bytes, size_t capacity,
                                     size_t *length) {
    *length = 0;
    const pod_wire_result result = check_info(info);
    if (result != POD_WIRE_OK) {
        return result;
    }
    if (capacity < POD_WIRE_INFO_BYTES) {
        return POD_WIRE_NO_ROOM;
    }
    bytes[0] = pod_wire_first_byte(POD_WIRE_TYPE_INFO);
    bytes[1] = info->placement;
    put_u16(bytes + 2, info->firmware);
    put_u32(bytes + 4, info->rate_mhz);
    put_u32(bytes + 8, info->acc_nm_s2_per_lsb);
    put_u32(bytes + 12, info->gyr_nrad_s_per_lsb);
    bytes[16] = info->batch;
    for (size_t i = 17; i < POD_WIRE_INFO_BYTES; i++) {
        bytes[i] = 0;
    }
    *length = POD_WIRE_INFO_BYTES;
    return POD_WIRE_OK;
}

const char *pod_wire_result_name(pod_wire_result result) {
    switch (result) {
    case POD_WIRE_OK:
        return "ok";
    case POD_WIRE_TOO_SHORT:
        return "too short";
    case POD_WIRE_TOO_LONG:
        return "too long";
    case POD_WIRE_BAD_VERSION:
        return "bad version";
    case POD_WIRE_BAD_TYPE:
        return "bad type";
    case POD_WIRE_BAD_PLACEMENT:
        return "bad placement";
    case POD_WIRE_BAD_COUNT:
        return "bad count";
    case POD_WIRE_BAD_FLAGS:
        return "bad flags";
    case POD_WIRE_BAD_RATE:
        return "bad rate";
    case POD_WIRE_BAD_SCALE:
        return "bad scale";
    case POD_WIRE_NO_ROOM:
        return "no room";
    }
    return "unknown result";
}
