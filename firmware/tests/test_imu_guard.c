#include "check.h"
#include "imu_guard.h"

#define SILENCE_US 200000ULL
#define S 1000000ULL

static imu_guard fresh(void) {
    imu_guard guard;
    imu_guard_init(&guard);
    return guard;
}

static void tick_at_due(imu_guard *guard) { imu_guard_tick(guard, guard->due_us); }

static void test_samples_in_time_ask_for_nothing(void) {
    imu_guard guard = fresh();
    CHECK(guard.due_us == NEVER_US);
    imu_guard_watch(&guard, SILENCE_US, 0);
    for (uint64_t now_us = 0; now_us < 60 * S; now_us += SILENCE_US - 1) {
        imu_guard_tick(&guard, now_us);
        imu_guard_well(&guard, now_us);
    }
    CHECK_INT(guard.resets, 0);
    CHECK(!guard.fault);
}

static void test_silence_brings_resets_and_then_a_fault(void) {
    static const uint64_t due_us[] = {200000,  400000,   800000,   1600000, 3200000,
                                      6400000, 12800000, 22800000, 32800000};
    imu_guard guard = fresh();
    imu_guard_watch(&guard, SILENCE_US, 0);
    for (uint32_t reset = 1; reset <= sizeof due_us / sizeof due_us[0]; reset++) {
        CHECK_INT(guard.due_us, due_us[reset - 1]);
        tick_at_due(&guard);
        CHECK_INT(guard.resets, reset);
        CHECK_INT(guard.fault, reset >= 3);
    }
}

static void test_a_long_fault_is_tried_every_ten_seconds(void) {
    imu_guard guard = fresh();
    imu_guard_watch(&guard, SILENCE_US, 0);
    for (int i = 0; i < 1000; i++) {
        tick_at_due(&guard);
    }
    const uint64_t now_us = guard.due_us;
    tick_at_due(&guard);
    CHECK_INT(guard.due_us - now_us, 10 * S);
}

static void test_samples_end_the_fault(void) {
    imu_guard guard = fresh();
    imu_guard_watch(&guard, SILENCE_US, 0);
    for (int i = 0; i < 5; i++) {
        tick_at_due(&guard);
    }
    imu_guard_well(&guard, 60 * S);
    CHECK(!guard.fault);
    CHECK_INT(guard.due_us, 60 * S + SILENCE_US);
    CHECK_INT(guard.resets, 5);
}

static void test_a_bus_error_is_not_waited_out(void) {
    imu_guard guard = fresh();
    imu_guard_failed(&guard, S);
    CHECK_INT(guard.due_us, S + 250000);
    CHECK_INT(guard.resets, 0);
    for (int i = 0; i < 3; i++) {
        tick_at_due(&guard);
        imu_guard_failed(&guard, guard.due_us - 1);
    }
    CHECK(guard.fault);
    CHECK_INT(guard.resets, 3);
    imu_guard_well(&guard, 20 * S);
    CHECK(!guard.fault);
    CHECK(guard.due_us == NEVER_US);
}

/* Errors reported without end do not make the resets come faster, nor put them off. */
static void test_a_flood_of_errors(void) {
    imu_guard guard = fresh();
    for (uint64_t now_us = 0; now_us < 100 * S; now_us += 1000) {
        imu_guard_tick(&guard, now_us);
        imu_guard_failed(&guard, now_us);
    }
    CHECK(guard.fault);
    CHECK(guard.resets >= 3 + 9 && guard.resets <= 3 + 14);
}

static void test_rest_ends_the_watch(void) {
    imu_guard guard = fresh();
    imu_guard_watch(&guard, SILENCE_US, 0);
    imu_guard_rest(&guard);
    CHECK(guard.due_us == NEVER_US);
}

static void test_a_sick_imu_is_tried_at_rest_too(void) {
    imu_guard guard = fresh();
    imu_guard_watch(&guard, SILENCE_US, 0);
    tick_at_due(&guard);
    imu_guard_rest(&guard);
    CHECK_INT(guard.due_us, 2 * SILENCE_US);
    imu_guard_well(&guard, 2 * SILENCE_US);
    CHECK(guard.due_us == NEVER_US);
}

static void test_rest_does_not_forget_a_bus_error(void) {
    imu_guard guard = fresh();
    imu_guard_watch(&guard, SILENCE_US, 0);
    imu_guard_well(&guard, 10);
    imu_guard_failed(&guard, 20);
    imu_guard_rest(&guard);
    CHECK(guard.due_us < S);
    tick_at_due(&guard);
    CHECK_INT(guard.resets, 1);
}

int main(void) {
    RUN(test_samples_in_time_ask_for_nothing);
    RUN(test_silence_brings_resets_and_then_a_fault);
    RUN(test_a_long_fault_is_tried_every_ten_seconds);
    RUN(test_samples_end_the_fault);
    RUN(test_a_bus_error_is_not_waited_out);
    RUN(test_a_flood_of_errors);
    RUN(test_rest_ends_the_watch);
    RUN(test_a_sick_imu_is_tried_at_rest_too);
    RUN(test_rest_does_not_forget_a_bus_error);
    return check_report();
}
