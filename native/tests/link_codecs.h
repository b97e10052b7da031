/* The records of pod_link.h with one face, for what treats them all alike. */
#ifndef LINK_CODECS_H
#define LINK_CODECS_H

#include "pod_link.h"

typedef enum {
    LINK_CONTROL,
    LINK_HAPTIC,
    LINK_CONFIG,
    LINK_TIME_REQUEST,
    LINK_TIME_REPLY,
    LINK_STATUS,
    LINK_ADVERTISEMENT,
    LINK_KINDS
} link_kind;

enum { LINK_MAX_BYTES = POD_LINK_MAX_CONFIG_BYTES }; /* of any record */

typedef union {
    pod_link_control control;
    pod_link_haptic haptic;
    pod_link_config config;
    struct {
        uint64_t t1;
    } time_request;
    pod_link_time time_reply;
    pod_link_status status;
    pod_link_advertisement advertisement;
} link_record;

typedef struct {
    pod_link_result (*decode)(const uint8_t *bytes, size_t length, link_record *record);
    size_t (*encode)(const link_record *record, uint8_t *bytes, size_t capacity);
} link_codec;

#define LINK_CODEC(kind)                                                                           \
    static inline pod_link_result decode_##kind(const uint8_t *bytes, size_t length,               \
                                                link_record *record) {                             \
        return pod_link_decode_##kind(bytes, length, &record->kind);                               \
    }                                                                                              \
    static inline size_t encode_##kind(const link_record *record, uint8_t *bytes,                  \
                                       size_t capacity) {                                          \
        return pod_link_encode_##kind(&record->kind, bytes, capacity);                             \
    }

LINK_CODEC(control)
LINK_CODEC(haptic)
LINK_CODEC(config)
LINK_CODEC(time_reply)
LINK_CODEC(status)
LINK_CODEC(advertisement)

static inline pod_link_result decode_time_request(const uint8_t *bytes, size_t length,
                                                  link_record *record) {
    return pod_link_decode_time_request(bytes, length, &record->time_request.t1);
}

static inline size_t encode_time_request(const link_record *record, uint8_t *bytes,
                                         size_t capacity) {
    return pod_link_encode_time_request(record->time_request.t1, bytes, capacity);
}

static const link_codec link_codecs[LINK_KINDS] = {
    [LINK_CONTROL] = {decode_control, encode_control},
    [LINK_HAPTIC] = {decode_haptic, encode_haptic},
    [LINK_CONFIG] = {decode_config, encode_config},
    [LINK_TIME_REQUEST] = {decode_time_request, encode_time_request},
    [LINK_TIME_REPLY] = {decode_time_reply, encode_time_reply},
    [LINK_STATUS] = {decode_status, encode_status},
    [LINK_ADVERTISEMENT] = {decode_advertisement, encode_advertisement},
};

#endif
