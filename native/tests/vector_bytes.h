/* What the tests of the codecs share: bytes from the vectors' hex, and memory nobody wrote. */
#ifndef VECTOR_BYTES_H
#define VECTOR_BYTES_H

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

enum { UNTOUCHED = 0xA5 };

#define LENGTH(array) (sizeof(array) / sizeof((array)[0]))

/* Exactly so many bytes on the heap: a sanitizer sees one read or written too far. */
static inline uint8_t *new_bytes(size_t length) {
    uint8_t *bytes = malloc(length > 0 ? length : 1);
    if (bytes == NULL) {
        abort();
    }
    return bytes;
}

static inline unsigned hex_digit(char digit) {
    return digit <= '9' ? (unsigned)(digit - '0') : (unsigned)(digit - 'a') + 10U;
}

static inline uint8_t *bytes_of(const char *hex, size_t *length) {
    *length = strlen(hex) / 2;
    uint8_t *bytes = new_bytes(*length);
    for (size_t i = 0; i < *length; i++) {
        bytes[i] = (uint8_t)(hex_digit(hex[2 * i]) << 4 | hex_digit(hex[2 * i + 1]));
    }
    return bytes;
}

static inline int all_untouched(const void *memory, size_t size) {
    const uint8_t *bytes = memory;
    for (size_t i = 0; i < size; i++) {
        if (bytes[i] != UNTOUCHED) {
            return 0;
        }
    }
    return 1;
}

#endif
