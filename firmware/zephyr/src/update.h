/* Firmware over the air, through MCUmgr and MCUboot. */
#ifndef UPDATE_H
#define UPDATE_H

#ifdef CONFIG_MCUMGR_TRANSPORT_BT
/* Keeps strangers from it. */
void update_open(void);
/* A new image has shown that it can be updated again: MCUboot keeps it. */
void update_confirm(void);
#else
static inline void update_open(void) {}
static inline void update_confirm(void) {}
#endif

#endif
