#include "settings.h"

#include <string.h>

#include "little_endian.h"

enum { HEAD_BYTES = 5, CRC_BYTES = 4 };

settings settings_default(void) { return (settings){.rate_hz = 208, .batch = 8}; }

static uint32_t crc32_of(const uint8_t *bytes, size_t length) {
    uint32_t crc = 0xFFFFFFFFU;
    for (size_t i = 0; i < length; i++) {
        crc ^= bytes[i];
        for (int bit = 0; bit < 8; bit++) {
            crc = crc >> 1 ^ ((crc & 1U) != 0 ? 0xEDB88320U : 0U);
        }
    }
    return ~crc;
}

/* The config record, its first byte put back. */
static bool decode_config(const uint8_t *bytes, size_t length, pod_link_config *config) {
    uint8_t record[POD_LINK_MAX_CONFIG_BYTES];
    if (length > sizeof record - 1) {
        return false;
    }
    record[0] = pod_wire_first_byte(POD_LINK_TYPE_CONFIG);
    memcpy(record + 1, bytes, length);
    return pod_link_decode_config(record, length + 1, config) == POD_LINK_OK;
}

bool settings_decode(const uint8_t *bytes, size_t length, settings *record) {
    if (length < HEAD_BYTES + CRC_BYTES || bytes[0] != SETTINGS_LAYOUT ||
        length != HEAD_BYTES + (size_t)bytes[4] + CRC_BYTES ||
        crc32_of(bytes, length - CRC_BYTES) != get_u32(bytes + length - CRC_BYTES)) {
        return false;
    }
    settings decoded = {.batch = bytes[1], .rate_hz = get_u16(bytes + 2)};
    if (decoded.batch < 1 || decoded.batch > POD_WIRE_MAX_SAMPLES ||
        !pod_link_is_rate(decoded.rate_hz) ||
        !decode_config(bytes + HEAD_BYTES, bytes[4], &decoded.config)) {
        return false;
    }
    *record = decoded;
    return true;
}

size_t settings_encode(const settings *record, uint8_t *bytes) {
    uint8_t config[POD_LINK_MAX_CONFIG_BYTES];
    const size_t kept = pod_link_encode_config(&record->config, config, sizeof config) - 1;
    bytes[0] = SETTINGS_LAYOUT;
    bytes[1] = record->batch;
    put_u16(bytes + 2, record->rate_hz);
    bytes[4] = (uint8_t)kept;
    memcpy(bytes + HEAD_BYTES, config + 1, kept);
    const size_t length = HEAD_BYTES + kept;
    put_u32(bytes + length, crc32_of(bytes, length));
    return length + CRC_BYTES;
}
