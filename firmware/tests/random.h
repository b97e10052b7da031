/* Repeatable random numbers (xorshift32, Marsaglia 2003). */
#ifndef RANDOM_H
#define RANDOM_H

#include <stdint.h>

static uint32_t random_state = 1;

static inline void random_seed(uint32_t seed) { random_state = seed * 2654435761U | 1U; }

static inline uint32_t random_u32(void) {
    random_state ^= random_state << 13;
    random_state ^= random_state >> 17;
    random_state ^= random_state << 5;
    return random_state;
}

static inline uint32_t random_below(uint32_t limit) { return random_u32() % limit; }

#endif
