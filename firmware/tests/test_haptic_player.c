#include "check.h"
#include "haptic_player.h"
#include "random.h"

enum { EDGES = 64 };

#define MS 1000ULL

/* A motor with its own timer, which works whatever the player does. */
typedef struct {
    uint64_t now_us;
    uint64_t off_at_us;
    uint64_t on_since_us;
    uint64_t longest_on_us;
    uint8_t intensity;
    bool on_without_timer;
    int edges;
    uint64_t edge_us[EDGES];
    uint8_t edge_to[EDGES];
} bench;

static bench motor;
static haptic_player player;

static void note_edge(uint8_t intensity, uint64_t at_us) {
    if ((intensity > 0) == (motor.intensity > 0)) {
        motor.intensity = intensity;
        return;
    }
    if (intensity > 0) {
        motor.on_since_us = at_us;
    } else if (at_us - motor.on_since_us > motor.longest_on_us) {
        motor.longest_on_us = at_us - motor.on_since_us;
    }
    motor.intensity = intensity;
    if (motor.edges < EDGES) {
        motor.edge_us[motor.edges] = at_us;
        motor.edge_to[motor.edges++] = intensity;
    }
}

static void arm_off(void *context, uint64_t at_us) { ((bench *)context)->off_at_us = at_us; }

static void set(void *context, uint8_t intensity) {
    bench *bench_motor = context;
    if (intensity > 0 && bench_motor->off_at_us <= bench_motor->now_us) {
        bench_motor->on_without_timer = true;
    }
    note_edge(intensity, bench_motor->now_us);
}

static void fresh(uint64_t now_us) {
    motor = (bench){.now_us = now_us};
    haptic_player_init(&player, (haptic_motor){.context = &motor, .arm_off = arm_off, .set = set});
}

/* The hardware timer alone. */
static void let_timer_run(uint64_t now_us) {
    if (motor.intensity > 0 && motor.off_at_us <= now_us) {
        note_edge(0, motor.off_at_us);
    }
    motor.now_us = now_us;
}

static void run_until(uint64_t until_us) {
    while (player.next_us <= until_us) {
        let_timer_run(player.next_us);
        haptic_player_tick(&player, motor.now_us);
    }
    let_timer_run(until_us);
    haptic_player_tick(&player, until_us);
}

static void play(uint8_t pulses, uint16_t on_ms, uint16_t off_ms) {
    const pod_link_haptic pattern = {.pattern = POD_LINK_PULSES,
                                     .intensity_percent = 70,
                                     .pulses = pulses,
                                     .on_ms = on_ms,
                                     .off_ms = off_ms};
    haptic_player_play(&player, &pattern, motor.now_us);
}

static void check_edges(const uint32_t *after_us, int edges, uint64_t start_us) {
    CHECK_INT(motor.edges, edges);
    for (int i = 0; i < edges; i++) {
        CHECK_INT(motor.edge_us[i], start_us + after_us[i]);
        CHECK_INT(motor.edge_to[i], i % 2 == 0 ? 70 : 0);
    }
}

static void test_pulses_are_as_asked(void) {
    fresh(50000);
    play(3, 80, 120);
    run_until(50000 + 2000 * MS);
    const uint32_t edges[] = {0, 80 * MS, 200 * MS, 280 * MS, 400 * MS, 480 * MS};
    check_edges(edges, 6, 50000);
    CHECK(player.next_us == NEVER_US);
}

static void test_the_off_timer_is_armed_before_the_motor_runs(void) {
    fresh(100000);
    play(1, 300, 50);
    CHECK(!motor.on_without_timer);
    CHECK_INT(motor.off_at_us, 400000);
    CHECK_INT(motor.intensity, 70);
}

static void test_a_player_that_hangs_leaves_the_motor_off(void) {
    fresh(100000);
    play(2, 300, 50);
    let_timer_run(100000 + 5000 * MS);
    CHECK_INT(motor.intensity, 0);
    CHECK_INT(motor.longest_on_us, 300 * MS);
}

static void test_a_new_pattern_replaces_the_old(void) {
    fresh(100000);
    play(5, 100, 100);
    run_until(100000 + 50 * MS);
    play(1, 200, 100);
    run_until(100000 + 2000 * MS);
    const uint32_t edges[] = {0, 250 * MS};
    check_edges(edges, 2, 100000);
}

static void test_patterns_without_a_pause_share_the_limit(void) {
    fresh(100000);
    for (int i = 0; i < 40; i++) {
        play(1, 1000, 20);
        run_until(motor.now_us + 500 * MS);
    }
    CHECK_INT(motor.longest_on_us, POD_LINK_MAX_ON_MS * MS);
    CHECK(motor.edges > 10);
}

static void test_the_motor_rests_before_it_runs_again(void) {
    fresh(100000);
    play(1, 100, 20);
    run_until(100000 + 105 * MS);
    play(1, 100, 20);
    run_until(100000 + 1000 * MS);
    const uint32_t edges[] = {0, 100 * MS, 120 * MS, 220 * MS};
    check_edges(edges, 4, 100000);
}

static void test_silence_cuts_a_pattern(void) {
    fresh(100000);
    play(4, 100, 100);
    run_until(100000 + 250 * MS);
    const pod_link_haptic silence = {.pattern = POD_LINK_SILENCE};
    haptic_player_play(&player, &silence, motor.now_us);
    CHECK_INT(motor.intensity, 0);
    run_until(100000 + 3000 * MS);
    const uint32_t edges[] = {0, 100 * MS, 200 * MS, 250 * MS};
    check_edges(edges, 4, 100000);
}

static void test_stop_cuts_and_forgets(void) {
    fresh(100000);
    play(4, 100, 100);
    haptic_player_stop(&player, 100000);
    run_until(100000 + 3000 * MS);
    CHECK_INT(motor.intensity, 0);
    CHECK(player.next_us == NEVER_US);
}

static void test_shaking_outlasts_the_current(void) {
    fresh(100000);
    const haptic_shaking *shaking = player.shaking;
    CHECK(shaking[0].from_us == shaking[0].until_us && shaking[1].from_us == shaking[1].until_us);
    play(2, 100, 30);
    CHECK(shaking[0].until_us == NEVER_US);
    run_until(100000 + 1000 * MS);
    CHECK_INT(shaking[0].from_us, 100000);
    CHECK_INT(shaking[0].until_us, 100000 + (230 + 60) * MS);
    play(1, 100, 30);
    CHECK_INT(shaking[0].from_us, motor.now_us);
    CHECK_INT(shaking[1].from_us, 100000);
    CHECK_INT(shaking[1].until_us, 100000 + (230 + 60) * MS);
}

/* What is due as the pod comes back to it is not begun before it is replaced. */
static void test_silence_comes_late_and_nothing_buzzes(void) {
    fresh(100000);
    play(3, 100, 100);
    run_until(100000 + 100 * MS);
    let_timer_run(100000 + 250 * MS);
    const pod_link_haptic silence = {.pattern = POD_LINK_SILENCE};
    haptic_player_play(&player, &silence, motor.now_us);
    run_until(100000 + 1000 * MS);
    const uint32_t edges[] = {0, 100 * MS};
    check_edges(edges, 2, 100000);
    CHECK_INT(player.shaking[0].until_us, 100000 + 160 * MS);
}

static void test_a_player_begins_with_the_motor_off(void) {
    fresh(100000);
    play(1, 500, 100);
    CHECK_INT(motor.intensity, 70);
    haptic_player_init(&player, player.motor);
    CHECK_INT(motor.intensity, 0);
}

/* Whatever is asked for and whenever, however late the player is called. */
static void test_never_on_for_longer_than_a_second(void) {
    for (uint32_t seed = 0; seed < 200; seed++) {
        random_seed(seed);
        fresh(1 + random_below(1000000));
        for (int i = 0; i < 200; i++) {
            const uint8_t pulses = (uint8_t)(1 + random_below(10));
            const uint16_t on_ms = (uint16_t)(20 + random_below(1000U / pulses - 19U));
            play(pulses, on_ms, (uint16_t)(20 + random_below(981)));
            const uint64_t until_us = motor.now_us + random_below(2000 * MS);
            if (random_below(4) == 0) {
                let_timer_run(until_us); /* the pod was busy */
            } else {
                run_until(until_us);
            }
        }
        run_until(motor.now_us + 30000 * MS);
        CHECK_INT(motor.intensity, 0);
        CHECK(motor.longest_on_us <= POD_LINK_MAX_ON_MS * MS);
        CHECK(!motor.on_without_timer);
    }
}

int main(void) {
    RUN(test_pulses_are_as_asked);
    RUN(test_the_off_timer_is_armed_before_the_motor_runs);
    RUN(test_a_player_that_hangs_leaves_the_motor_off);
    RUN(test_a_new_pattern_replaces_the_old);
    RUN(test_patterns_without_a_pause_share_the_limit);
    RUN(test_the_motor_rests_before_it_runs_again);
    RUN(test_silence_cuts_a_pattern);
    RUN(test_stop_cuts_and_forgets);
    RUN(test_shaking_outlasts_the_current);
    RUN(test_silence_comes_late_and_nothing_buzzes);
    RUN(test_a_player_begins_with_the_motor_off);
    RUN(test_never_on_for_longer_than_a_second);
    return check_report();
}
