#include "check.h"
#include "power_machine.h"
#include "random.h"

enum {
    TICK = POWER_EVENTS, /* time alone */
    POWER_ON,
    WAKE,
    BOOT = POD_LINK_STATE_BOOT,
    FAST = POD_LINK_STATE_ADVERTISING_FAST,
    SLOW = POD_LINK_STATE_ADVERTISING_SLOW,
    CONNECTED = POD_LINK_STATE_CONNECTED,
    STREAMING = POD_LINK_STATE_STREAMING,
    SLEEPING = POD_LINK_STATE_SLEEPING,
    EMPTY = POD_LINK_STATE_EMPTY,
    STEPS = 16,
};

typedef struct {
    uint16_t at_s;
    uint8_t event;
    uint8_t state;   /* afterwards */
    uint8_t rid;     /* the central has to go */
    uint8_t pairing; /* strangers may bond */
} step;

typedef struct {
    const char *name;
    step steps[STEPS]; /* up to the first of time 0 */
} story;

static const story stories[] = {
    {"no hub: fast, slow, asleep",
     {{1, WAKE, FAST, 0, 0},
      {30, TICK, FAST, 0, 0},
      {31, TICK, SLOW, 0, 0},
      {300, TICK, SLOW, 0, 0},
      {301, TICK, SLEEPING, 0, 0},
      {5000, TICK, SLEEPING, 0, 0},
      {5001, POWER_MOVED, FAST, 0, 0},
      {5031, TICK, SLOW, 0, 0},
      {5301, TICK, SLEEPING, 0, 0}}},
    {"movement does not keep a pod without a hub awake",
     {{1, WAKE, FAST, 0, 0},
      {100, POWER_MOVED, SLOW, 0, 0},
      {200, POWER_MOVED, SLOW, 0, 0},
      {301, TICK, SLEEPING, 0, 0}}},
    {"pairing window after power-on, not after a wake",
     {{1, POWER_ON, FAST, 0, 1}, {60, TICK, SLOW, 0, 1}, {61, TICK, SLOW, 0, 0}}},
    {"a tap opens the pairing window and wakes",
     {{1, WAKE, FAST, 0, 0},
      {301, TICK, SLEEPING, 0, 0},
      {900, POWER_TAPPED, FAST, 0, 1},
      {960, TICK, SLOW, 0, 0},
      {970, POWER_TAPPED, FAST, 0, 1},
      {1270, TICK, SLEEPING, 0, 0}}},
    {"a session",
     {{1, WAKE, FAST, 0, 0},
      {5, POWER_CONNECTED, CONNECTED, 0, 0},
      {6, POWER_ENCRYPTED, CONNECTED, 0, 0},
      {7, POWER_START, STREAMING, 0, 0},
      {300, POWER_MOVED, STREAMING, 0, 0},
      {800, POWER_MOVED, STREAMING, 0, 0},
      {1000, POWER_STOP, CONNECTED, 0, 0},
      {1001, POWER_START, STREAMING, 0, 0},
      {1100, POWER_DISCONNECTED, FAST, 0, 0},
      {1131, TICK, SLOW, 0, 0},
      {1200, POWER_CONNECTED, CONNECTED, 0, 0}}},
    {"nothing streams over a link in the clear",
     {{1, WAKE, FAST, 0, 0},
      {2, POWER_CONNECTED, CONNECTED, 0, 0},
      {3, POWER_START, CONNECTED, 0, 0},
      {4, POWER_ENCRYPTED, CONNECTED, 0, 0},
      {5, POWER_START, STREAMING, 0, 0}}},
    {"encryption does not outlast its link",
     {{1, WAKE, FAST, 0, 0},
      {2, POWER_CONNECTED, CONNECTED, 0, 0},
      {3, POWER_ENCRYPTED, CONNECTED, 0, 0},
      {4, POWER_DISCONNECTED, FAST, 0, 0},
      {5, POWER_CONNECTED, CONNECTED, 0, 0},
      {6, POWER_START, CONNECTED, 0, 0}}},
    {"a central that does not encrypt has to go",
     {{1, WAKE, FAST, 0, 0},
      {2, POWER_CONNECTED, CONNECTED, 0, 0},
      {11, TICK, CONNECTED, 0, 0},
      {12, TICK, CONNECTED, 1, 0},
      {13, POWER_DISCONNECTED, FAST, 0, 0}}},
    {"a pod laid aside sleeps though a hub holds it",
     {{1, WAKE, FAST, 0, 0},
      {2, POWER_CONNECTED, CONNECTED, 0, 0},
      {3, POWER_ENCRYPTED, CONNECTED, 0, 0},
      {4, POWER_START, STREAMING, 0, 0},
      {100, POWER_MOVED, STREAMING, 0, 0},
      {699, TICK, STREAMING, 0, 0},
      {700, TICK, SLEEPING, 1, 0},
      {701, POWER_DISCONNECTED, SLEEPING, 0, 0},
      {800, POWER_MOVED, FAST, 0, 0}}},
    {"a hub that comes as the pod falls asleep",
     {{1, WAKE, FAST, 0, 0},
      {301, TICK, SLEEPING, 0, 0},
      {302, POWER_CONNECTED, SLEEPING, 1, 0},
      {304, POWER_DISCONNECTED, SLEEPING, 0, 0},
      {305, POWER_MOVED, FAST, 0, 0}}},
    {"moved while it hangs up",
     {{1, WAKE, FAST, 0, 0},
      {301, TICK, SLEEPING, 0, 0},
      {302, POWER_CONNECTED, SLEEPING, 1, 0},
      {303, POWER_MOVED, SLEEPING, 1, 0},
      {304, POWER_DISCONNECTED, FAST, 0, 0}}},
    {"tapped while it hangs up",
     {{1, WAKE, FAST, 0, 0},
      {301, TICK, SLEEPING, 0, 0},
      {302, POWER_CONNECTED, SLEEPING, 1, 0},
      {303, POWER_TAPPED, SLEEPING, 1, 1},
      {304, POWER_DISCONNECTED, FAST, 0, 1},
      {305, POWER_CONNECTED, CONNECTED, 0, 1},
      {306, POWER_DISCONNECTED, FAST, 0, 1}}},
    {"charged while it hangs up",
     {{1, WAKE, FAST, 0, 0},
      {301, TICK, SLEEPING, 0, 0},
      {302, POWER_CONNECTED, SLEEPING, 1, 0},
      {303, POWER_CHARGER_IN, SLEEPING, 1, 0},
      {304, POWER_DISCONNECTED, FAST, 0, 0}}},
    {"emptied while it hangs up, it stays asleep",
     {{1, WAKE, FAST, 0, 0},
      {301, TICK, SLEEPING, 0, 0},
      {302, POWER_CONNECTED, SLEEPING, 1, 0},
      {303, POWER_MOVED, SLEEPING, 1, 0},
      {304, POWER_BATTERY_EMPTY, EMPTY, 1, 0},
      {305, POWER_DISCONNECTED, EMPTY, 0, 0}}},
    {"a start after long rest is a start",
     {{1, WAKE, FAST, 0, 0},
      {2, POWER_CONNECTED, CONNECTED, 0, 0},
      {3, POWER_ENCRYPTED, CONNECTED, 0, 0},
      {600, POWER_START, STREAMING, 0, 0},
      {1199, TICK, STREAMING, 0, 0},
      {1200, TICK, SLEEPING, 1, 0}}},
    {"a tap is a sign of life",
     {{1, WAKE, FAST, 0, 0},
      {2, POWER_CONNECTED, CONNECTED, 0, 0},
      {3, POWER_ENCRYPTED, CONNECTED, 0, 0},
      {600, POWER_TAPPED, CONNECTED, 0, 1},
      {1199, TICK, CONNECTED, 0, 0},
      {1200, TICK, SLEEPING, 1, 0}}},
    {"a second central in place of the first, of whose end nobody told",
     {{1, WAKE, FAST, 0, 0},
      {2, POWER_CONNECTED, CONNECTED, 0, 0},
      {3, POWER_ENCRYPTED, CONNECTED, 0, 0},
      {4, POWER_START, STREAMING, 0, 0},
      {5, POWER_CONNECTED, CONNECTED, 0, 0},
      {6, POWER_START, CONNECTED, 0, 0}}},
    {"the next central has its own ten seconds",
     {{1, WAKE, FAST, 0, 0},
      {2, POWER_CONNECTED, CONNECTED, 0, 0},
      {12, TICK, CONNECTED, 1, 0},
      {13, POWER_DISCONNECTED, FAST, 0, 0},
      {14, POWER_CONNECTED, CONNECTED, 0, 0},
      {23, TICK, CONNECTED, 0, 0},
      {24, TICK, CONNECTED, 1, 0}}},
    {"an empty cell ends everything until it is charged",
     {{1, WAKE, FAST, 0, 0},
      {2, POWER_CONNECTED, CONNECTED, 0, 0},
      {3, POWER_ENCRYPTED, CONNECTED, 0, 0},
      {4, POWER_START, STREAMING, 0, 0},
      {5, POWER_BATTERY_EMPTY, EMPTY, 1, 0},
      {6, POWER_DISCONNECTED, EMPTY, 0, 0},
      {7, POWER_MOVED, EMPTY, 0, 0},
      {8, POWER_TAPPED, EMPTY, 0, 0},
      {9, POWER_START, EMPTY, 0, 0},
      {99, POWER_CHARGER_IN, FAST, 0, 0},
      {100, POWER_BATTERY_EMPTY, FAST, 0, 0},
      {101, POWER_CHARGER_OUT, FAST, 0, 0},
      {102, POWER_BATTERY_EMPTY, EMPTY, 0, 0}}},
    {"charged while an empty pod still hangs up",
     {{1, WAKE, FAST, 0, 0},
      {2, POWER_CONNECTED, CONNECTED, 0, 0},
      {3, POWER_BATTERY_EMPTY, EMPTY, 1, 0},
      {4, POWER_CHARGER_IN, EMPTY, 1, 0},
      {5, POWER_DISCONNECTED, FAST, 0, 0}}},
    {"the charger wakes",
     {{1, WAKE, FAST, 0, 0}, {301, TICK, SLEEPING, 0, 0}, {400, POWER_CHARGER_IN, FAST, 0, 0}}},
    {"falling asleep closes the pairing window",
     {{1, WAKE, FAST, 0, 0},
      {250, POWER_TAPPED, FAST, 0, 1},
      {260, POWER_BATTERY_EMPTY, EMPTY, 0, 0}}},
    {"a tap while connected lets a second hub be paired later, and drops nobody",
     {{1, WAKE, FAST, 0, 0},
      {2, POWER_CONNECTED, CONNECTED, 0, 0},
      {3, POWER_ENCRYPTED, CONNECTED, 0, 0},
      {4, POWER_TAPPED, CONNECTED, 0, 1},
      {64, TICK, CONNECTED, 0, 0}}},
    {"one look after a long time does all that was due",
     {{1, POWER_ON, FAST, 0, 1}, {1000, TICK, SLEEPING, 0, 0}}},
    {"a stop, a disconnection and a start out of place do nothing",
     {{1, WAKE, FAST, 0, 0},
      {2, POWER_STOP, FAST, 0, 0},
      {3, POWER_START, FAST, 0, 0},
      {4, POWER_ENCRYPTED, FAST, 0, 0},
      {5, POWER_CONNECTED, CONNECTED, 0, 0},
      {6, POWER_START, CONNECTED, 0, 0}}},
};

static void apply(power_machine *machine, uint8_t event, uint64_t now_us) {
    if (event == TICK) {
        power_machine_tick(machine, now_us);
    } else if (event == POWER_ON || event == WAKE) {
        power_machine_awake(machine, event == POWER_ON, now_us);
    } else {
        power_machine_event(machine, (power_event)event, now_us);
    }
}

static void test_the_table(void) {
    for (size_t i = 0; i < sizeof stories / sizeof stories[0]; i++) {
        check_context = stories[i].name;
        power_machine machine;
        power_machine_init(&machine);
        CHECK_INT(machine.state, BOOT);
        for (const step *now = stories[i].steps; now->at_s > 0; now++) {
            apply(&machine, now->event, now->at_s * US_PER_S);
            CHECK_INT(now->at_s * 10 + machine.state, now->at_s * 10 + now->state);
            CHECK_INT(power_machine_wants_rid(&machine), now->rid);
            CHECK_INT(power_machine_is_pairing(&machine), now->pairing);
        }
    }
}

/* Told only at its deadlines, the machine does what it does when asked all the time. */
static void test_the_deadlines_are_all_there_is(void) {
    for (uint32_t seed = 0; seed < 300; seed++) {
        random_seed(seed);
        power_machine often;
        power_machine seldom;
        power_machine_init(&often);
        power_machine_init(&seldom);
        uint64_t now_us = 1;
        apply(&often, POWER_ON, now_us);
        apply(&seldom, POWER_ON, now_us);
        for (int i = 0; i < 60; i++) {
            const uint64_t until_us = now_us + random_below(400) * US_PER_S;
            for (; now_us < until_us; now_us += US_PER_S / 2) {
                power_machine_tick(&often, now_us);
                if (power_machine_next_us(&seldom) <= now_us) {
                    power_machine_tick(&seldom, now_us);
                }
                CHECK_INT(seldom.state, often.state);
                CHECK_INT(power_machine_wants_rid(&seldom), power_machine_wants_rid(&often));
                CHECK_INT(power_machine_is_pairing(&seldom), power_machine_is_pairing(&often));
            }
            const uint8_t event = (uint8_t)random_below(POWER_EVENTS);
            apply(&often, event, now_us);
            apply(&seldom, event, now_us);
        }
    }
}

/* What holds after any events in any order. */
static void test_laws(void) {
    for (uint32_t seed = 0; seed < 300; seed++) {
        random_seed(seed);
        power_machine machine;
        power_machine_init(&machine);
        uint64_t now_us = 1;
        apply(&machine, WAKE, now_us);
        for (int i = 0; i < 300; i++) {
            now_us += random_below(2) == 0 ? random_below(700) * US_PER_S : 1;
            apply(&machine, (uint8_t)random_below(POWER_EVENTS + 1), now_us);
            const int state = (int)machine.state;
            CHECK(state != STREAMING || (machine.connected && machine.encrypted));
            CHECK(state != CONNECTED || machine.connected);
            CHECK((state != FAST && state != SLOW) || !machine.connected);
            CHECK(!machine.encrypted || machine.connected);
            CHECK(power_machine_next_us(&machine) > now_us);
        }
    }
}

int main(void) {
    RUN(test_the_table);
    RUN(test_the_deadlines_are_all_there_is);
    RUN(test_laws);
    return check_report();
}
