/* Little-endian fields of records that cross the radio. */
#ifndef LITTLE_ENDIAN_H
#define LITTLE_ENDIAN_H

#include <stdint.h>
#include <string.h>

#if defined(__BYTE_ORDER__) && __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__

static inline uint16_t get_u16(const uint8_t *bytes) {
    uint16_t value = 0;
    memcpy(&value, bytes, sizeof value);
    return value;
}

static inline void put_u16(uint8_t *bytes, uint16_t value) { memcpy(bytes, &value, sizeof value); }

#else

static inline uint16_t get_u16(const uint8_t *bytes) {
    return (uint16_t)(bytes[0] | (unsigned)bytes[1] << 8);
}

static inline void put_u16(uint8_t *bytes, uint16_t value) {
    bytes[0] = (uint8_t)(value & 0xFFU);
    bytes[1] = (uint8_t)(value >> 8);
}

#endif

static inline uint32_t get_u32(const uint8_t *bytes) {
    return get_u16(bytes) | (uint32_t)get_u16(bytes + 2) << 16;
}

static inline uint64_t get_u64(const uint8_t *bytes) {
    return get_u32(bytes) | (uint64_t)get_u32(bytes + 4) << 32;
}

/* Two's complement without the implementation-defined conversion of a large unsigned value. */
static inline int16_t get_i16(const uint8_t *bytes) {
    const int32_t value = get_u16(bytes);
    return (int16_t)(value <= INT16_MAX ? value : value - UINT16_MAX - 1);
}

/* The x, y, z of a sensor. */
static inline void get_axes(const uint8_t *bytes, int16_t axes[3]) {
    axes[0] = get_i16(bytes);
    axes[1] = get_i16(bytes + 2);
    axes[2] = get_i16(bytes + 4);
}

static inline void put_axes(uint8_t *bytes, const int16_t axes[3]) {
    put_u16(bytes, (uint16_t)axes[0]);
    put_u16(bytes + 2, (uint16_t)axes[1]);
    put_u16(bytes + 4, (uint16_t)axes[2]);
}

static inline void put_u32(uint8_t *bytes, uint32_t value) {
    put_u16(bytes, (uint16_t)(value & 0xFFFFU));
    put_u16(bytes + 2, (uint16_t)(value >> 16));
}

static inline void put_u64(uint8_t *bytes, uint64_t value) {
    put_u32(bytes, (uint32_t)(value & 0xFFFFFFFFU));
    put_u32(bytes + 4, (uint32_t)(value >> 32));
}

#endif
