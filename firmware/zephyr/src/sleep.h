/* The way into System OFF, which ends in a start anew. */
#ifndef SLEEP_H
#define SLEEP_H

#include <stdint.h>

#include "pod_core.h"

/* Does not return where the pod has to sleep and everything is ready for it. Otherwise returns
 * when to call again, NEVER_US: when something changes. */
uint64_t sleep_follow(const pod_core_wishes *wishes);

#endif
