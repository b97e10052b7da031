/* Notifications on their way to the central. */
#ifndef OUTBOX_H
#define OUTBOX_H

#include <stdint.h>

/* Sends what there is and has room. Returns when to call again, NEVER_US: when something
 * changes. For one thread. */
uint64_t outbox_send(void);

#endif
