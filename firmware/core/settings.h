/* What a pod keeps in flash, as one versioned record with a checksum.
 *
 *   0     1  layout, SETTINGS_LAYOUT
 *   1     1  samples a packet
 *   2     2  sampling rate, Hz
 *   4     1  n, bytes of what follows
 *   5     n  the config record of pod_link.h without its first byte: what a pod is for outlives a
 *            version of the radio's protocol
 *   5+n   4  CRC-32 (IEEE 802.3) of all before it
 */
#ifndef SETTINGS_H
#define SETTINGS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "pod_link.h"

enum {
    SETTINGS_LAYOUT = 1,
    SETTINGS_MAX_BYTES = 5 + POD_LINK_MAX_CONFIG_BYTES - 1 + 4,
};

typedef struct {
    uint16_t rate_hz; /* 52, 104, 208 or 416 */
    uint8_t batch;    /* samples a packet */
    pod_link_config config;
} settings;

/* 208 Hz, 8 samples a packet, no placement, no name, no runner. */
settings settings_default(void);

/* False, and *record as it was, for anything but one whole record with the right checksum. */
bool settings_decode(const uint8_t *bytes, size_t length, settings *record);

/* Length of the record; `bytes` holds SETTINGS_MAX_BYTES. */
size_t settings_encode(const settings *record, uint8_t *bytes);

#endif
