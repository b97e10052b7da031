#ifndef BATTERY_H
#define BATTERY_H

#ifdef CONFIG_POD_BATTERY
/* Has it measured now and then. */
void battery_open(void);
/* Lets the charger end System OFF. */
void battery_arm_wake(void);
#else
static inline void battery_open(void) {}
static inline void battery_arm_wake(void) {}
#endif

#endif
