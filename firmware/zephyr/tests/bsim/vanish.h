/* A simulated device that is gone all at once; the simulation goes on without it. */
#ifndef VANISH_H
#define VANISH_H

#include <stdint.h>

/* After this time of the device's own. */
void vanish_after_us(uint64_t us);

#endif
