/* Why the pod started. */
#ifndef POWER_ON_H
#define POWER_ON_H

#include <stdbool.h>

/* Power, or the reset button; not a wake from sleep, the watchdog or an update. To be asked
 * once. */
bool power_on_was_the_cause(void);

#endif
