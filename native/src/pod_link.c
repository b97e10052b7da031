#include "pod_link.h"

#include <stdbool.h>
#include <string.h>

#include "little_endian.h"

enum {
    CONTROL_BYTES = 2, /* and the argument */
    KNOWN_CONDITIONS = POD_LINK_CONDITION_IMU_FAULT | POD_LINK_CONDITION_FLASH_FAULT |
                       POD_LINK_CONDITION_LOW_BATTERY | POD_LINK_CONDITION_PAIRING |
                       POD_LINK_CONDITION_BONDED | POD_LINK_CONDITION_CHARGING
};

static pod_link_result check_start(const uint8_t *bytes, size_t length, unsigned type) {
    if (length < 1) {
        return POD_LINK_BAD_LENGTH;
    }
    if (bytes[0] >> 4 != POD_WIRE_VERSION) {
        return POD_LINK_BAD_VERSION;
    }
    return (bytes[0] & 0x0FU) == type ? POD_LINK_OK : POD_LINK_BAD_TYPE;
}

static pod_link_result check_exact(const uint8_t *bytes, size_t length, unsigned type,
                                   size_t wanted) {
    const pod_link_result result = check_start(bytes, length, type);
    return result == POD_LINK_OK && length != wanted ? POD_LINK_BAD_LENGTH : result;
}

static bool is_placement_or_none(uint8_t placement) { return placement <= POD_WIRE_CHEST; }

static pod_link_result range(bool holds) { return holds ? POD_LINK_OK : POD_LINK_OUT_OF_RANGE; }

int pod_link_is_rate(uint32_t rate_hz) {
    return rate_hz == 52 || rate_hz == 104 || rate_hz == 208 || rate_hz == 416;
}

/* control */

static size_t argument_bytes(uint8_t opcode) {
    switch (opcode) {
    case POD_LINK_RATE:
        return 2;
    case POD_LINK_BATCH:
    case POD_LINK_IDENTIFY:
        return 1;
    default:
        return 0;
    }
}

static pod_link_result check_control(uint8_t opcode, uint16_t argument) {
    switch (opcode) {
    case POD_LINK_START:
    case POD_LINK_STOP:
        return range(argument == 0);
    case POD_LINK_RATE:
        return range(pod_link_is_rate(argument));
    case POD_LINK_BATCH:
        return range(argument >= 1 && argument <= POD_WIRE_MAX_SAMPLES);
    case POD_LINK_IDENTIFY:
        return range(argument <= POD_LINK_MAX_IDENTIFY_S);
    default:
        return POD_LINK_BAD_OPCODE;
    }
}

static bool is_opcode(uint8_t opcode) {
    return opcode >= POD_LINK_START && opcode <= POD_LINK_IDENTIFY;
}

pod_link_result pod_link_decode_control(const uint8_t *bytes, size_t length,
                                        pod_link_control *record) {
    pod_link_result result = check_start(bytes, length, POD_LINK_TYPE_CONTROL);
    if (result != POD_LINK_OK) {
        return result;
    }
    if (length < CONTROL_BYTES) {
        return POD_LINK_BAD_LENGTH;
    }
    const uint8_t opcode = bytes[1];
    if (!is_opcode(opcode)) {
        return POD_LINK_BAD_OPCODE;
    }
    const size_t wanted = argument_bytes(opcode);
    if (length != CONTROL_BYTES + wanted) {
        return POD_LINK_BAD_LENGTH;
    }
    const uint16_t argument = wanted == 2 ? get_u16(bytes + 2) : wanted == 1 ? bytes[2] : 0;
    result = check_control(opcode, argument);
    if (result == POD_LINK_OK) {
        *record = (pod_link_control){.opcode = opcode, .argument = argument};
    }
    return result;
}

size_t pod_link_encode_control(const pod_link_control *record, uint8_t *bytes, size_t capacity) {
    const size_t argument = argument_bytes(record->opcode);
    if (check_control(record->opcode, record->argument) != POD_LINK_OK ||
        capacity < CONTROL_BYTES + argument) {
        return 0;
    }
    bytes[0] = pod_wire_first_byte(POD_LINK_TYPE_CONTROL);
    bytes[1] = record->opcode;
    if (argument == 2) {
        put_u16(bytes + 2, record->argument);
    } else if (argument == 1) {
        bytes[2] = (uint8_t)record->argument;
    }
    return CONTROL_BYTES + argument;
}

/* haptic */

static bool is_silence(const pod_link_haptic *record) {
    return record->intensity_percent == 0 && record->pulses == 0 && record->on_ms == 0 &&
           record->off_ms == 0;
}

static bool are_pulses(const pod_link_haptic *record) {
    return record->intensity_percent >= 1 && record->intensity_percent <= 100 &&
           record->pulses >= 1 && record->pulses <= POD_LINK_MAX_PULSES &&
           record->on_ms >= POD_LINK_MIN_PULSE_MS &&
           (uint32_t)record->on_ms * record->pulses <= POD_LINK_MAX_ON_MS &&
           record->off_ms >= POD_LINK_MIN_PULSE_MS && record->off_ms <= POD_LINK_MAX_OFF_MS;
}

static pod_link_result check_haptic(const pod_link_haptic *record) {
    switch (record->pattern) {
    case POD_LINK_SILENCE:
        return range(is_silence(record));
    case POD_LINK_PULSES:
        return range(are_pulses(record));
    default:
        return POD_LINK_OUT_OF_RANGE;
    }
}

pod_link_result pod_link_decode_haptic(const uint8_t *bytes, size_t length,
                                       pod_link_haptic *record) {
    pod_link_result result =
        check_exact(bytes, length, POD_LINK_TYPE_HAPTIC, POD_LINK_HAPTIC_BYTES);
    if (result != POD_LINK_OK) {
        return result;
    }
    const pod_link_haptic decoded = {
        .pattern = bytes[1],
        .intensity_percent = bytes[2],
        .pulses = bytes[3],
        .on_ms = get_u16(bytes + 4),
        .off_ms = get_u16(bytes + 6),
    };
    result = check_haptic(&decoded);
    if (result == POD_LINK_OK) {
        *record = decoded;
    }
    return result;
}

size_t pod_link_encode_haptic(const pod_link_haptic *record, uint8_t *bytes, size_t capacity) {
    if (check_haptic(record) != POD_LINK_OK || capacity < POD_LINK_HAPTIC_BYTES) {
        return 0;
    }
    bytes[0] = pod_wire_first_byte(POD_LINK_TYPE_HAPTIC);
    bytes[1] = record->pattern;
    bytes[2] = record->intensity_percent;
    bytes[3] = record->pulses;
    put_u16(bytes + 4, record->on_ms);
    put_u16(bytes + 6, record->off_ms);
    return POD_LINK_HAPTIC_BYTES;
}

/* config */

/* Bytes of the UTF-8 character that starts here, 0 where none does: overlong forms, surrogates,
 * what lies beyond U+10FFFF and control characters are none. */
static size_t character_bytes(const uint8_t *text, size_t left) {
    const uint8_t lead = text[0];
    if (lead < 0x80) {
        return lead >= 0x20 && lead != 0x7F;
    }
    const size_t size = lead >= 0xC2 && lead <= 0xDF   ? 2
                        : lead >= 0xE0 && lead <= 0xEF ? 3
                        : lead >= 0xF0 && lead <= 0xF4 ? 4
                                                       : 0;
    if (size == 0 || size > left) {
        return 0;
    }
    const uint8_t low = lead == 0xC2   ? 0xA0 /* U+0080..U+009F are control characters */
                        : lead == 0xE0 ? 0xA0
                        : lead == 0xF0 ? 0x90
                                       : 0x80;
    const uint8_t high = lead == 0xED ? 0x9F : lead == 0xF4 ? 0x8F : 0xBF;
    if (text[1] < low || text[1] > high) {
        return 0;
    }
    for (size_t i = 2; i < size; i++) {
        if ((text[i] & 0xC0U) != 0x80) {
            return 0;
        }
    }
    return size;
}

static bool is_name(const uint8_t *text, size_t bytes) {
    size_t at = 0;
    while (at < bytes) {
        const size_t size = character_bytes(text + at, bytes - at);
        if (size == 0) {
            return false;
        }
        at += size;
    }
    return true;
}

static bool is_runner(const uint8_t *text, size_t bytes) {
    for (size_t i = 0; i < bytes; i++) {
        const uint8_t c = text[i];
        const bool letter = (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z');
        if (!letter && !(c >= '0' && c <= '9') && c != '-' && c != '_') {
            return false;
        }
    }
    return true;
}

static bool is_config(const pod_link_config *record) {
    return is_placement_or_none(record->placement) &&
           record->name_bytes <= POD_LINK_MAX_NAME_BYTES &&
           record->runner_bytes <= POD_LINK_MAX_RUNNER_BYTES &&
           is_name((const uint8_t *)record->name, record->name_bytes) &&
           is_runner((const uint8_t *)record->runner, record->runner_bytes);
}

pod_link_result pod_link_decode_config(const uint8_t *bytes, size_t length,
                                       pod_link_config *record) {
    const pod_link_result result = check_start(bytes, length, POD_LINK_TYPE_CONFIG);
    if (result != POD_LINK_OK) {
        return result;
    }
    if (length < POD_LINK_MIN_CONFIG_BYTES) {
        return POD_LINK_BAD_LENGTH;
    }
    const uint8_t name_bytes = bytes[2];
    const uint8_t runner_bytes = bytes[3];
    if (length != POD_LINK_MIN_CONFIG_BYTES + (size_t)name_bytes + runner_bytes) {
        return POD_LINK_BAD_LENGTH;
    }
    if (name_bytes > POD_LINK_MAX_NAME_BYTES || runner_bytes > POD_LINK_MAX_RUNNER_BYTES) {
        return POD_LINK_OUT_OF_RANGE;
    }
    pod_link_config decoded = {
        .placement = bytes[1], .name_bytes = name_bytes, .runner_bytes = runner_bytes};
    memcpy(decoded.name, bytes + POD_LINK_MIN_CONFIG_BYTES, name_bytes);
    memcpy(decoded.runner, bytes + POD_LINK_MIN_CONFIG_BYTES + name_bytes, runner_bytes);
    if (!is_config(&decoded)) {
        return POD_LINK_OUT_OF_RANGE;
    }
    *record = decoded;
    return POD_LINK_OK;
}

size_t pod_link_encode_config(const pod_link_config *record, uint8_t *bytes, size_t capacity) {
    const size_t length =
        POD_LINK_MIN_CONFIG_BYTES + (size_t)record->name_bytes + record->runner_bytes;
    if (!is_config(record) || capacity < length) {
        return 0;
    }
    bytes[0] = pod_wire_first_byte(POD_LINK_TYPE_CONFIG);
    bytes[1] = record->placement;
    bytes[2] = record->name_bytes;
    bytes[3] = record->runner_bytes;
    memcpy(bytes + POD_LINK_MIN_CONFIG_BYTES, record->name, record->name_bytes);
    memcpy(bytes + POD_LINK_MIN_CONFIG_BYTES + record->name_bytes, record->runner,
           record->runner_bytes);
    return length;
}

/* time */

pod_link_result pod_link_decode_time_request(const uint8_t *bytes, size_t length, uint64_t *t1) {
    const pod_link_result result =
        check_exact(bytes, length, POD_LINK_TYPE_TIME_REQUEST, POD_LINK_TIME_REQUEST_BYTES);
    if (result == POD_LINK_OK) {
        *t1 = get_u64(bytes + 1);
    }
    return result;
}

size_t pod_link_encode_time_request(uint64_t t1, uint8_t *bytes, size_t capacity) {
    if (capacity < POD_LINK_TIME_REQUEST_BYTES) {
        return 0;
    }
    bytes[0] = pod_wire_first_byte(POD_LINK_TYPE_TIME_REQUEST);
    put_u64(bytes + 1, t1);
    return POD_LINK_TIME_REQUEST_BYTES;
}

pod_link_result pod_link_decode_time_reply(const uint8_t *bytes, size_t length,
                                           pod_link_time *record) {
    const pod_link_result result =
        check_exact(bytes, length, POD_LINK_TYPE_TIME_REPLY, POD_LINK_TIME_REPLY_BYTES);
    if (result == POD_LINK_OK) {
        *record = (pod_link_time){
            .t1 = get_u64(bytes + 1), .t2_us = get_u32(bytes + 9), .t3_us = get_u32(bytes + 13)};
    }
    return result;
}

size_t pod_link_encode_time_reply(const pod_link_time *record, uint8_t *bytes, size_t capacity) {
    if (capacity < POD_LINK_TIME_REPLY_BYTES) {
        return 0;
    }
    bytes[0] = pod_wire_first_byte(POD_LINK_TYPE_TIME_REPLY);
    put_u64(bytes + 1, record->t1);
    put_u32(bytes + 9, record->t2_us);
    put_u32(bytes + 13, record->t3_us);
    return POD_LINK_TIME_REPLY_BYTES;
}

/* status */

static bool are_conditions(uint8_t conditions) {
    return (conditions & ~(unsigned)KNOWN_CONDITIONS) == 0;
}

static bool is_status(const pod_link_status *record) {
    return record->state <= POD_LINK_STATE_EMPTY && are_conditions(record->conditions) &&
           record->charging <= POD_LINK_CHARGED;
}

pod_link_result pod_link_decode_status(const uint8_t *bytes, size_t length,
                                       pod_link_status *record) {
    const pod_link_result result =
        check_exact(bytes, length, POD_LINK_TYPE_STATUS, POD_LINK_STATUS_BYTES);
    if (result != POD_LINK_OK) {
        return result;
    }
    const pod_link_status decoded = {
        .state = bytes[1],
        .conditions = bytes[2],
        .charging = bytes[3],
        .battery_mv = get_u16(bytes + 4),
        .rate_mhz = get_u32(bytes + 6),
        .uptime_s = get_u32(bytes + 10),
        .packets_dropped = get_u32(bytes + 14),
        .fifo_overflows = get_u16(bytes + 18),
        .fifo_bad_words = get_u16(bytes + 20),
        .imu_resets = get_u16(bytes + 22),
        .writes_refused = get_u16(bytes + 24),
        .settings_lost = get_u16(bytes + 26),
        .centrals_refused = get_u16(bytes + 28),
    };
    if (!is_status(&decoded)) {
        return POD_LINK_OUT_OF_RANGE;
    }
    *record = decoded;
    return POD_LINK_OK;
}

size_t pod_link_encode_status(const pod_link_status *record, uint8_t *bytes, size_t capacity) {
    if (!is_status(record) || capacity < POD_LINK_STATUS_BYTES) {
        return 0;
    }
    bytes[0] = pod_wire_first_byte(POD_LINK_TYPE_STATUS);
    bytes[1] = record->state;
    bytes[2] = record->conditions;
    bytes[3] = record->charging;
    put_u16(bytes + 4, record->battery_mv);
    put_u32(bytes + 6, record->rate_mhz);
    put_u32(bytes + 10, record->uptime_s);
    put_u32(bytes + 14, record->packets_dropped);
    put_u16(bytes + 18, record->fifo_overflows);
    put_u16(bytes + 20, record->fifo_bad_words);
    put_u16(bytes + 22, record->imu_resets);
    put_u16(bytes + 24, record->writes_refused);
    put_u16(bytes + 26, record->settings_lost);
    put_u16(bytes + 28, record->centrals_refused);
    return POD_LINK_STATUS_BYTES;
}

/* advertisement */

pod_link_result pod_link_decode_advertisement(const uint8_t *bytes, size_t length,
                                              pod_link_advertisement *record) {
    const pod_link_result result =
        check_exact(bytes, length, POD_LINK_TYPE_ADVERTISEMENT, POD_LINK_ADVERTISEMENT_BYTES);
    if (result != POD_LINK_OK) {
        return result;
    }
    if (!is_placement_or_none(bytes[1]) || !are_conditions(bytes[4])) {
        return POD_LINK_OUT_OF_RANGE;
    }
    *record = (pod_link_advertisement){
        .placement = bytes[1], .battery_mv = get_u16(bytes + 2), .conditions = bytes[4]};
    return POD_LINK_OK;
}

size_t pod_link_encode_advertisement(const pod_link_advertisement *record, uint8_t *bytes,
                                     size_t capacity) {
    if (!is_placement_or_none(record->placement) || !are_conditions(record->conditions) ||
        capacity < POD_LINK_ADVERTISEMENT_BYTES) {
        return 0;
    }
    bytes[0] = pod_wire_first_byte(POD_LINK_TYPE_ADVERTISEMENT);
    bytes[1] = record->placement;
    put_u16(bytes + 2, record->battery_mv);
    bytes[4] = record->conditions;
    return POD_LINK_ADVERTISEMENT_BYTES;
}

const char *pod_link_result_name(pod_link_result result) {
    switch (result) {
    case POD_LINK_OK:
        return "ok";
    case POD_LINK_NOT_ENCRYPTED:
        return "not encrypted";
    case POD_LINK_BAD_VERSION:
        return "bad version";
    case POD_LINK_BAD_TYPE:
        return "bad type";
    case POD_LINK_BAD_LENGTH:
        return "bad length";
    case POD_LINK_BAD_OPCODE:
        return "unknown opcode";
    case POD_LINK_OUT_OF_RANGE:
        return "out of range";
    case POD_LINK_NOT_SUBSCRIBED:
        return "not subscribed";
    case POD_LINK_NO_PLACE:
        return "no placement yet";
    case POD_LINK_BUSY:
        return "busy streaming";
    case POD_LINK_IMU_FAULT:
        return "imu fault";
    case POD_LINK_LOW_BATTERY:
        return "low battery";
    case POD_LINK_SMALL_MTU:
        return "mtu too small";
    case POD_LINK_NOT_KEPT:
        return "not kept in flash";
    case POD_LINK_UNKNOWN:
        return "not known yet";
    }
    return "unknown result";
}
