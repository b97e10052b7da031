/* Counters that stay at their end. */
#ifndef COUNTER_H
#define COUNTER_H

#include <stdint.h>

static inline void count_up(uint16_t *counter) {
    if (*counter < UINT16_MAX) {
        (*counter)++;
    }
}

#endif
