/* Plays one haptic pattern at a time, and never leaves the motor on.
 *
 * Before the motor is switched on, a timer that switches it off is armed, so that nothing the pod
 * does afterwards, or fails to do, keeps it running. Patterns that follow each other without a
 * pause share one limit.
 */
#ifndef HAPTIC_PLAYER_H
#define HAPTIC_PLAYER_H

#include <stdbool.h>
#include <stdint.h>

#include "pod_link.h"
#include "pod_time.h"

typedef struct {
    void *context;
    /* Arms the timer that switches the motor off at this pod time by itself; the last call
     * counts. */
    void (*arm_off)(void *context, uint64_t at_us);
    /* 1..100 switches it on at this intensity, 0 off. */
    void (*set)(void *context, uint8_t intensity_percent);
} haptic_motor;

/* A time during which the motor shakes the pod, spinning down included. */
typedef struct {
    uint64_t from_us;
    uint64_t until_us; /* NEVER_US: it runs; from_us: never shook */
} haptic_shaking;

typedef struct {
    haptic_motor motor;
    pod_link_haptic pattern;
    uint8_t pulses_left; /* the running one included */
    bool running;
    uint64_t next_us;          /* the next edge, NEVER_US: none */
    uint64_t on_us;            /* since when it runs without a pause */
    uint64_t off_us;           /* the end of the last pulse */
    haptic_shaking shaking[2]; /* the latest, and the one before */
} haptic_player;

void haptic_player_init(haptic_player *player, haptic_motor motor);

/* Replaces the running pattern; POD_LINK_SILENCE ends it. The pattern is a decoded one. */
void haptic_player_play(haptic_player *player, const pod_link_haptic *pattern, uint64_t now_us);

void haptic_player_stop(haptic_player *player, uint64_t now_us);

/* Does what is due. */
void haptic_player_tick(haptic_player *player, uint64_t now_us);

#endif
