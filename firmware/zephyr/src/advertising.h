/* What the pod says to all, and who may answer. */
#ifndef ADVERTISING_H
#define ADVERTISING_H

#include <stdbool.h>
#include <stdint.h>

#include "pod_core.h"

/* Brings it in line with these wishes and with what the core has to say. Returns when to call
 * again, NEVER_US: when something changes. */
uint64_t advertising_follow(pod_core_radio radio, bool pairing);

/* The controller ends it with each connection. */
void advertising_has_ended(void);

#endif
