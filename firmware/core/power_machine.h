/* What the pod is up to: its radio, its IMU and its sleep, from events and time alone.
 *
 *                         +--------- 30 s --------+
 *                         |                       v
 *   BOOT --> ADVERTISING_FAST             ADVERTISING_SLOW -- 5 min without a hub --> SLEEPING
 *                ^   | connected                  | connected                           |
 *   disconnected |   v                            |                                     |
 *                +-- CONNECTED <------------------+        <-- moved, tapped, charger --+
 *                      |   ^                                   (to ADVERTISING_FAST)
 *                start |   | stop, unsubscribed
 *                      v   |
 *                    STREAMING          CONNECTED, STREAMING -- 10 min at rest --> SLEEPING
 *
 * An empty battery leads from every state to EMPTY; the charger leads out of it.
 */
#ifndef POWER_MACHINE_H
#define POWER_MACHINE_H

#include <stdbool.h>
#include <stdint.h>

#include "pod_link.h"
#include "pod_time.h"

typedef enum {
    POWER_CONNECTED,    /* a central, the only one */
    POWER_ENCRYPTED,    /* its link is encrypted with a bonded key */
    POWER_DISCONNECTED, /* it has gone */
    POWER_START,        /* a start that all conditions allow */
    POWER_STOP,
    POWER_MOVED,  /* the IMU saw movement */
    POWER_TAPPED, /* double tap or button */
    POWER_CHARGER_IN,
    POWER_CHARGER_OUT,
    POWER_BATTERY_EMPTY,
    POWER_EVENTS
} power_event;

typedef struct {
    pod_link_state state;
    bool connected;
    bool encrypted;
    bool charger;
    bool intruder;           /* the central has not encrypted in time: it has to go */
    bool wake;               /* once the central has gone that falling asleep turned out */
    uint64_t awake_since_us; /* advertising began */
    uint64_t connected_since_us;
    uint64_t moved_us;         /* last movement */
    uint64_t pairing_until_us; /* 0: closed */
} power_machine;

/* In BOOT until the first event or power_machine_awake. */
void power_machine_init(power_machine *machine);

/* Out of BOOT. After power-on a stranger may pair for a minute. */
void power_machine_awake(power_machine *machine, bool power_on, uint64_t now_us);

/* One event; deadlines that have passed are looked at first. */
void power_machine_event(power_machine *machine, power_event event, uint64_t now_us);

void power_machine_tick(power_machine *machine, uint64_t now_us);

/* The next deadline; NEVER_US: none. */
uint64_t power_machine_next_us(const power_machine *machine);

/* SLEEPING or EMPTY; a central may still be there, to be disconnected. */
bool power_machine_is_asleep(const power_machine *machine);

bool power_machine_is_pairing(const power_machine *machine);

/* Whether a central is connected that should not be. */
bool power_machine_wants_rid(const power_machine *machine);

#endif
