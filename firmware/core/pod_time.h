/* Times of the pod's crystal, us. */
#ifndef POD_TIME_H
#define POD_TIME_H

#include <stdint.h>

#define NEVER_US UINT64_MAX
#define US_PER_MS 1000ULL
#define US_PER_S 1000000ULL

static inline uint64_t earlier(uint64_t a, uint64_t b) { return a < b ? a : b; }

#endif
