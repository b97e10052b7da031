#include "power_machine.h"

/* 20 to 30 ms for a hub that is looking, 1 s so that a forgotten pod lasts (energy.py tells). */
#define FAST_ADVERTISING_US (30 * US_PER_S)
#define NO_HUB_US (300 * US_PER_S)
#define AT_REST_US (600 * US_PER_S)
#define ENCRYPTION_US (10 * US_PER_S) /* pairing included, which takes 1 to 3 s */
#define PAIRING_US (60 * US_PER_S)

static bool is_advertising(const power_machine *machine) {
    return machine->state == POD_LINK_STATE_ADVERTISING_FAST ||
           machine->state == POD_LINK_STATE_ADVERTISING_SLOW;
}

bool power_machine_is_asleep(const power_machine *machine) {
    return machine->state == POD_LINK_STATE_SLEEPING || machine->state == POD_LINK_STATE_EMPTY;
}

static void advertise(power_machine *machine, uint64_t now_us) {
    machine->wake = false;
    machine->awake_since_us = now_us;
    machine->moved_us = now_us;
    machine->state = POD_LINK_STATE_ADVERTISING_FAST;
}

static void fall_asleep(power_machine *machine, pod_link_state state) {
    machine->pairing_until_us = 0;
    machine->state = state;
}

void power_machine_init(power_machine *machine) {
    *machine = (power_machine){.state = POD_LINK_STATE_BOOT};
}

void power_machine_awake(power_machine *machine, bool power_on, uint64_t now_us) {
    if (power_on) {
        machine->pairing_until_us = now_us + PAIRING_US;
    }
    advertise(machine, now_us);
}

static void disconnected(power_machine *machine, uint64_t now_us) {
    machine->connected = false;
    machine->encrypted = false;
    machine->intruder = false;
    if (!power_machine_is_asleep(machine) || machine->wake) {
        advertise(machine, now_us);
    }
}

static void connected(power_machine *machine, uint64_t now_us) {
    if (machine->connected) { /* the radio forgot to tell of the end of the last one */
        disconnected(machine, now_us);
    }
    machine->connected = true;
    machine->connected_since_us = now_us;
    machine->moved_us = now_us;
    if (is_advertising(machine)) {
        machine->state = POD_LINK_STATE_CONNECTED;
    }
}

/* A pod that is still hanging up wakes when it has. */
static void wake(power_machine *machine, uint64_t now_us) {
    if (machine->connected) {
        machine->wake = power_machine_is_asleep(machine);
    } else {
        advertise(machine, now_us);
    }
}

static void tapped(power_machine *machine, uint64_t now_us) {
    if (machine->state == POD_LINK_STATE_EMPTY) {
        return;
    }
    machine->pairing_until_us = now_us + PAIRING_US;
    machine->moved_us = now_us;
    wake(machine, now_us);
}

static void moved(power_machine *machine, uint64_t now_us) {
    machine->moved_us = now_us;
    if (machine->state == POD_LINK_STATE_SLEEPING) {
        wake(machine, now_us);
    }
}

static void charger_in(power_machine *machine, uint64_t now_us) {
    machine->charger = true;
    if (power_machine_is_asleep(machine)) {
        wake(machine, now_us);
    }
}

static void start(power_machine *machine, uint64_t now_us) {
    if (machine->state == POD_LINK_STATE_CONNECTED && machine->encrypted) {
        machine->moved_us = now_us;
        machine->state = POD_LINK_STATE_STREAMING;
    }
}

static void empty(power_machine *machine) {
    if (!machine->charger && machine->state != POD_LINK_STATE_EMPTY) {
        machine->wake = false;
        fall_asleep(machine, POD_LINK_STATE_EMPTY);
    }
}

void power_machine_event(power_machine *machine, power_event event, uint64_t now_us) {
    power_machine_tick(machine, now_us);
    switch (event) {
    case POWER_CONNECTED:
        connected(machine, now_us);
        break;
    case POWER_ENCRYPTED:
        machine->encrypted = machine->connected;
        break;
    case POWER_DISCONNECTED:
        disconnected(machine, now_us);
        break;
    case POWER_START:
        start(machine, now_us);
        break;
    case POWER_STOP:
        if (machine->state == POD_LINK_STATE_STREAMING) {
            machine->state = POD_LINK_STATE_CONNECTED;
        }
        break;
    case POWER_MOVED:
        moved(machine, now_us);
        break;
    case POWER_TAPPED:
        tapped(machine, now_us);
        break;
    case POWER_CHARGER_IN:
        charger_in(machine, now_us);
        break;
    case POWER_CHARGER_OUT:
        machine->charger = false;
        break;
    case POWER_BATTERY_EMPTY:
        empty(machine);
        break;
    case POWER_EVENTS:
        break;
    }
}

static uint64_t sleep_due_us(const power_machine *machine) {
    if (is_advertising(machine)) {
        return machine->awake_since_us + NO_HUB_US;
    }
    if (machine->state == POD_LINK_STATE_CONNECTED || machine->state == POD_LINK_STATE_STREAMING) {
        return machine->moved_us + AT_REST_US;
    }
    return NEVER_US;
}

static uint64_t slow_due_us(const power_machine *machine) {
    return machine->state == POD_LINK_STATE_ADVERTISING_FAST
               ? machine->awake_since_us + FAST_ADVERTISING_US
               : NEVER_US;
}

static uint64_t intruder_due_us(const power_machine *machine) {
    return machine->connected && !machine->encrypted && !machine->intruder
               ? machine->connected_since_us + ENCRYPTION_US
               : NEVER_US;
}

static uint64_t pairing_due_us(const power_machine *machine) {
    return machine->pairing_until_us > 0 ? machine->pairing_until_us : NEVER_US;
}

void power_machine_tick(power_machine *machine, uint64_t now_us) {
    if (now_us >= pairing_due_us(machine)) {
        machine->pairing_until_us = 0;
    }
    if (now_us >= intruder_due_us(machine)) {
        machine->intruder = true;
    }
    if (now_us >= sleep_due_us(machine)) {
        fall_asleep(machine, POD_LINK_STATE_SLEEPING);
    } else if (now_us >= slow_due_us(machine)) {
        machine->state = POD_LINK_STATE_ADVERTISING_SLOW;
    }
}

uint64_t power_machine_next_us(const power_machine *machine) {
    return earlier(earlier(pairing_due_us(machine), intruder_due_us(machine)),
                   earlier(sleep_due_us(machine), slow_due_us(machine)));
}

bool power_machine_is_pairing(const power_machine *machine) {
    return machine->pairing_until_us > 0;
}

bool power_machine_wants_rid(const power_machine *machine) {
    return machine->connected && (machine->intruder || power_machine_is_asleep(machine));
}
