#include "haptic_player.h"

#define LONGEST_ON_US (POD_LINK_MAX_ON_MS * US_PER_MS)
#define SHORTEST_PAUSE_US (POD_LINK_MIN_PULSE_MS * US_PER_MS)
#define SPIN_DOWN_US (60 * US_PER_MS) /* an eccentric mass turns on after its current */

void haptic_player_init(haptic_player *player, haptic_motor motor) {
    *player = (haptic_player){.motor = motor, .next_us = NEVER_US};
    motor.set(motor.context, 0);
}

static void switch_off(haptic_player *player, uint64_t now_us) {
    player->motor.set(player->motor.context, 0);
    if (player->running) {
        player->running = false;
        player->off_us = now_us;
        player->shaking[0].until_us = now_us + SPIN_DOWN_US;
    }
}

static void switch_on(haptic_player *player, uint64_t now_us) {
    if (!player->running) {
        player->on_us = now_us;
        if (now_us >= player->shaking[0].until_us) {
            player->shaking[1] = player->shaking[0];
            player->shaking[0].from_us = now_us;
        }
    }
    const uint64_t off_us =
        earlier(now_us + player->pattern.on_ms * US_PER_MS, player->on_us + LONGEST_ON_US);
    player->motor.arm_off(player->motor.context, off_us);
    player->motor.set(player->motor.context, player->pattern.intensity_percent);
    player->running = true;
    player->next_us = off_us;
    player->shaking[0].until_us = NEVER_US;
}

static bool has_paused(const haptic_player *player, uint64_t now_us) {
    return now_us >= player->off_us + SHORTEST_PAUSE_US;
}

static void end_pulse(haptic_player *player) {
    const uint64_t end_us = player->next_us;
    switch_off(player, end_us);
    player->pulses_left--;
    player->next_us =
        player->pulses_left > 0 ? end_us + player->pattern.off_ms * US_PER_MS : NEVER_US;
}

void haptic_player_stop(haptic_player *player, uint64_t now_us) {
    switch_off(player, now_us);
    player->pulses_left = 0;
    player->next_us = NEVER_US;
}

void haptic_player_play(haptic_player *player, const pod_link_haptic *pattern, uint64_t now_us) {
    if (player->running && now_us >= player->next_us) {
        end_pulse(player);
    }
    player->pattern = *pattern;
    player->pulses_left = pattern->pulses;
    if (pattern->pattern == POD_LINK_SILENCE) {
        haptic_player_stop(player, now_us);
    } else if (player->running || has_paused(player, now_us)) {
        switch_on(player, now_us);
    } else {
        player->next_us = player->off_us + SHORTEST_PAUSE_US;
    }
}

void haptic_player_tick(haptic_player *player, uint64_t now_us) {
    while (now_us >= player->next_us) {
        if (player->running) {
            end_pulse(player);
        } else {
            switch_on(player, now_us);
        }
    }
}
