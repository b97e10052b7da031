/* The core, and the thread that keeps it ticking. */
#ifndef POD_H
#define POD_H

#include "pod_core.h"

/* The core is the caller's alone until pod_leave(). Not for interrupts. */
pod_core *pod_enter(void);
void pod_leave(void);

void pod_boot(void);

/* The ticking thread; never returns. */
void pod_run(void);

/* Has it look at once whether there is something to do. */
void pod_stir(void);

#endif
