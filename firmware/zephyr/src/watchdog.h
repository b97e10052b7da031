/* Resets the pod when its loop stands still. */
#ifndef WATCHDOG_H
#define WATCHDOG_H

#ifdef CONFIG_WATCHDOG
void watchdog_start(void);
void watchdog_feed(void);
#else
static inline void watchdog_start(void) {}
static inline void watchdog_feed(void) {}
#endif

#endif
