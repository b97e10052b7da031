#include "check.h"
#include "pod_bench.h"

static pod_bench bench;

static void fresh(void) { bench_fresh(&bench, SAMPLER_TAGGED_FIFO); }

static void streaming(void) {
    fresh();
    CHECK_INT(bench_start(&bench), POD_LINK_OK);
    CHECK_INT(bench_status(&bench).state, POD_LINK_STATE_STREAMING);
}

static int packets_waiting(void) {
    pod_wire_packet packet = {0};
    int count = 0;
    while (bench_take(&bench, &packet)) {
        count++;
    }
    return count;
}

/* starting */

static void test_a_fresh_pod_advertises_and_knows_nothing(void) {
    fresh();
    const pod_core_wishes wishes = pod_core_wish(&bench.core);
    CHECK_INT(wishes.radio, POD_CORE_RADIO_FAST);
    CHECK_INT(wishes.imu, POD_CORE_IMU_WAKE);
    CHECK(!wishes.pairing && !wishes.disconnect && !wishes.sleep);
    const pod_link_status status = bench_status(&bench);
    CHECK_INT(status.battery_mv, POD_LINK_UNKNOWN_MV);
    CHECK_INT(status.rate_mhz, POD_LINK_UNKNOWN_RATE);
    CHECK_INT(status.charging, POD_LINK_CHARGING_UNKNOWN);
    CHECK_INT(status.conditions, 0);
    uint8_t percent = 7;
    CHECK_INT(pod_core_read_battery_percent(&bench.core, &percent), POD_LINK_UNKNOWN);
    CHECK_INT(percent, 7);
    uint8_t info[POD_WIRE_INFO_BYTES];
    CHECK_INT(pod_core_read_info(&bench.core, info), POD_LINK_NO_PLACE);
}

static void test_power_on_opens_the_pairing_window(void) {
    fresh();
    bench_boot(&bench, true);
    CHECK(pod_core_wish(&bench.core).pairing);
    CHECK_INT(pod_core_wish(&bench.core).light, POD_CORE_LIGHT_PAIRING);
    CHECK_INT(bench_status(&bench).conditions, POD_LINK_CONDITION_PAIRING);
    bench_wait(&bench, 60 * SECOND);
    CHECK(!pod_core_wish(&bench.core).pairing);
    pod_core_tapped(&bench.core, bench.now_us);
    CHECK(pod_core_wish(&bench.core).pairing);
}

static void test_info_tells_what_the_samples_mean(void) {
    streaming();
    uint8_t bytes[POD_WIRE_INFO_BYTES];
    pod_wire_info info;
    CHECK_INT(pod_core_read_info(&bench.core, bytes), POD_LINK_OK);
    CHECK_INT(pod_wire_decode_info(bytes, sizeof bytes, &info), POD_WIRE_OK);
    CHECK_INT(info.placement, POD_WIRE_SHANK_L);
    CHECK_INT(info.rate_mhz, 208000);
    CHECK_INT(info.acc_nm_s2_per_lsb, 4785645);
    CHECK_INT(info.gyr_nrad_s_per_lsb, 1221730);
    CHECK_INT(info.batch, BENCH_BATCH);
    CHECK_INT(info.firmware, POD_CORE_FIRMWARE);
}

/* start and what it needs */

static void test_start_waits_for_everything_it_needs(void) {
    fresh();
    CHECK_INT(bench_control(&bench, POD_LINK_START, 0), POD_LINK_NOT_ENCRYPTED);
    pod_core_connected(&bench.core, bench.now_us);
    CHECK_INT(bench_control(&bench, POD_LINK_START, 0), POD_LINK_NOT_ENCRYPTED);
    pod_core_encrypted(&bench.core, bench.now_us);
    CHECK_INT(bench_control(&bench, POD_LINK_START, 0), POD_LINK_NOT_SUBSCRIBED);
    pod_core_subscribed(&bench.core, true, bench.now_us);
    CHECK_INT(bench_control(&bench, POD_LINK_START, 0), POD_LINK_NO_PLACE);
    CHECK_INT(bench_place(&bench, POD_WIRE_PELVIS), POD_LINK_OK);
    CHECK_INT(bench_control(&bench, POD_LINK_START, 0), POD_LINK_SMALL_MTU);
    pod_core_mtu(&bench.core, 247);
    pod_core_battery(&bench.core, 3400, POD_LINK_DISCHARGING, bench.now_us);
    CHECK_INT(bench_control(&bench, POD_LINK_START, 0), POD_LINK_LOW_BATTERY);
    CHECK_INT(bench_status(&bench).state, POD_LINK_STATE_CONNECTED);
    pod_core_battery(&bench.core, 3400, POD_LINK_CHARGING, bench.now_us);
    CHECK_INT(bench_control(&bench, POD_LINK_START, 0), POD_LINK_OK);
    CHECK_INT(bench_status(&bench).state, POD_LINK_STATE_STREAMING);
    CHECK_INT(bench_control(&bench, POD_LINK_START, 0), POD_LINK_OK);
    CHECK_INT(bench_status(&bench).writes_refused, 6);
}

static void test_a_small_mtu_makes_small_packets(void) {
    static const struct {
        uint16_t mtu;
        uint8_t samples;
    } cases[] = {{27, 1}, {39, 2}, {63, 4}, {110, 7}, {111, 8}, {247, 8}, {517, 8}};
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        fresh();
        bench_connect(&bench);
        bench_place(&bench, POD_WIRE_FOOT_L);
        pod_core_mtu(&bench.core, cases[i].mtu);
        CHECK_INT(bench_control(&bench, POD_LINK_START, 0), POD_LINK_OK);
        CHECK_INT(pod_core_wish(&bench.core).imu_watermark, cases[i].samples);
        bench_sample(&bench, 16);
        uint8_t bytes[POD_WIRE_MAX_BYTES];
        const size_t length = pod_core_take_packet(&bench.core, bytes, sizeof bytes);
        CHECK_INT(length, 12 + 12 * cases[i].samples);
        CHECK(length + 3 <= cases[i].mtu);
    }
}

/* streaming */

static void stream_for_a_while(sampler_format format, uint16_t rate_hz, uint8_t batch) {
    bench_fresh(&bench, format);
    bench_connect(&bench);
    CHECK_INT(bench_place(&bench, POD_WIRE_SHANK_R), POD_LINK_OK);
    CHECK_INT(bench_control(&bench, POD_LINK_RATE, rate_hz), POD_LINK_OK);
    CHECK_INT(bench_control(&bench, POD_LINK_BATCH, batch), POD_LINK_OK);
    CHECK_INT(bench_control(&bench, POD_LINK_START, 0), POD_LINK_OK);
    const pod_core_wishes wishes = pod_core_wish(&bench.core);
    CHECK_INT(wishes.imu, POD_CORE_IMU_STREAM);
    CHECK_INT(wishes.imu_rate_hz, rate_hz);
    CHECK_INT(wishes.imu_watermark, batch);
    const double period_us = (double)SECOND / rate_hz;
    const double first_us = (double)bench.now_us + period_us;
    unsigned next = 0;
    for (int read = 0; read < 500; read++) {
        bench_sample(&bench, batch);
        pod_wire_packet packet = {0};
        CHECK(bench_take(&bench, &packet));
        CHECK_INT(packet.sequence, read);
        CHECK_INT(packet.count, batch);
        CHECK_INT(packet.samples[0].acc[0], numbered(next).acc[0]);
        CHECK_NEAR(packet.pod_clock_us, first_us + next * period_us, 1000);
        next += batch;
    }
    CHECK_INT(packets_waiting(), 0);
    CHECK_NEAR(bench_status(&bench).rate_mhz, rate_hz * 1000, rate_hz);
    CHECK_INT(bench_status(&bench).imu_resets, 0);
}

static void test_every_rate_and_fifo_streams(void) {
    static const uint16_t rates_hz[] = {52, 104, 208, 416};
    for (size_t i = 0; i < 4; i++) {
        stream_for_a_while(SAMPLER_TAGGED_FIFO, rates_hz[i], 8);
        stream_for_a_while(SAMPLER_PLAIN_FIFO, rates_hz[i], 19);
    }
}

static void test_a_queue_that_never_drains_loses_the_oldest(void) {
    streaming();
    for (int read = 0; read < 300; read++) {
        bench_sample(&bench, BENCH_BATCH);
    }
    const uint32_t dropped = bench_status(&bench).packets_dropped;
    pod_wire_packet packet = {0};
    CHECK(bench_take(&bench, &packet));
    CHECK_INT(packet.sequence, dropped);
    CHECK_INT(packet.dropped, dropped);
    CHECK_INT(dropped + 1 + (uint32_t)packets_waiting(), 300);
    bench_sample(&bench, BENCH_BATCH);
    CHECK(bench_take(&bench, &packet));
    CHECK_INT(packet.sequence, 300);
}

static void test_stop_sends_what_is_left_and_nothing_more(void) {
    streaming();
    bench_sample(&bench, 13);
    CHECK_INT(bench_control(&bench, POD_LINK_STOP, 0), POD_LINK_OK);
    CHECK_INT(bench_status(&bench).state, POD_LINK_STATE_CONNECTED);
    pod_wire_packet packet = {0};
    CHECK(bench_take(&bench, &packet));
    CHECK_INT(packet.count, 8);
    CHECK(bench_take(&bench, &packet));
    CHECK_INT(packet.count, 5);
    bench_sample(&bench, 16);
    CHECK(!bench_take(&bench, &packet));
    CHECK_INT(pod_core_wish(&bench.core).imu, POD_CORE_IMU_WAKE);
}

static void test_sequence_goes_on_from_stream_to_stream(void) {
    streaming();
    bench_sample(&bench, 16);
    CHECK_INT(packets_waiting(), 2);
    bench_control(&bench, POD_LINK_STOP, 0);
    CHECK_INT(bench_control(&bench, POD_LINK_START, 0), POD_LINK_OK);
    bench_sample(&bench, 8);
    pod_wire_packet packet = {0};
    CHECK(bench_take(&bench, &packet));
    CHECK_INT(packet.sequence, 2);
}

static void test_nothing_old_reaches_a_new_connection(void) {
    streaming();
    bench_sample(&bench, 32);
    pod_core_disconnected(&bench.core, bench.now_us);
    bench_connect(&bench);
    pod_wire_packet packet = {0};
    CHECK(!bench_take(&bench, &packet));
    bench_sample(&bench, 32);
    CHECK(!bench_take(&bench, &packet));
    CHECK_INT(bench_control(&bench, POD_LINK_START, 0), POD_LINK_OK);
    bench_sample(&bench, 32);
    CHECK(bench_take(&bench, &packet));
}

static void test_an_end_of_subscription_stops(void) {
    streaming();
    bench_sample(&bench, 16);
    pod_core_subscribed(&bench.core, false, bench.now_us);
    CHECK_INT(bench_status(&bench).state, POD_LINK_STATE_CONNECTED);
    pod_core_subscribed(&bench.core, true, bench.now_us);
    pod_wire_packet packet = {0};
    CHECK(!bench_take(&bench, &packet));
    CHECK_INT(bench_status(&bench).state, POD_LINK_STATE_CONNECTED);
}

static void test_an_overflow_is_counted_and_told(void) {
    streaming();
    bench_sample(&bench, 8);
    pod_core_imu_overflow(&bench.core);
    bench_sample(&bench, 16);
    static const uint8_t flags[] = {0, POD_WIRE_FLAG_FIFO_OVERFLOW, 0};
    for (int i = 0; i < 3; i++) {
        pod_wire_packet packet = {0};
        CHECK(bench_take(&bench, &packet));
        CHECK_INT(packet.flags, flags[i]);
    }
    CHECK_INT(bench_status(&bench).fifo_overflows, 1);
}

/* the motor */

static void test_the_motor_buzzes_and_marks_the_samples(void) {
    streaming();
    bench_sample(&bench, 8);
    CHECK_INT(bench_buzz(&bench, 80), POD_LINK_OK);
    CHECK_INT(bench.motor_percent, 60);
    CHECK_INT(bench.motor_off_at_us, bench.now_us + 80 * MS);
    for (int read = 0; read < 7; read++) {
        bench_sample(&bench, 8);
    }
    CHECK_INT(bench.motor_percent, 0);
    /* 38 ms a packet: 80 ms of motor and 60 ms of spinning down reach into four of them */
    static const uint8_t told[] = {0, 1, 1, 1, 1, 0, 0, 0};
    for (int i = 0; i < 8; i++) {
        pod_wire_packet packet = {0};
        CHECK(bench_take(&bench, &packet));
        CHECK_INT(packet.flags, told[i] ? POD_WIRE_FLAG_MOTOR : 0);
    }
}

static void test_a_disconnection_cuts_the_motor(void) {
    streaming();
    bench_buzz(&bench, 1000);
    bench_wait(&bench, 100 * MS);
    CHECK_INT(bench.motor_percent, 60);
    pod_core_disconnected(&bench.core, bench.now_us);
    CHECK_INT(bench.motor_percent, 0);
}

static void test_sleep_cuts_the_motor(void) {
    streaming();
    bench_buzz(&bench, 1000);
    pod_core_battery(&bench.core, 3200, POD_LINK_DISCHARGING, bench.now_us);
    CHECK_INT(bench.motor_percent, 60);
    pod_core_battery(&bench.core, 3200, POD_LINK_DISCHARGING, bench.now_us);
    CHECK_INT(bench.motor_percent, 0);
    CHECK(pod_core_wish(&bench.core).sleep);
    CHECK(pod_core_wish(&bench.core).sleep_to_end);
    CHECK(pod_core_wish(&bench.core).disconnect);
}

static void test_strangers_do_not_buzz(void) {
    fresh();
    pod_core_connected(&bench.core, bench.now_us);
    CHECK_INT(bench_buzz(&bench, 80), POD_LINK_NOT_ENCRYPTED);
    CHECK_INT(bench_place(&bench, POD_WIRE_CHEST), POD_LINK_NOT_ENCRYPTED);
    CHECK_INT(bench.motor_percent, 0);
    CHECK_INT(bench.flash_writes, 0);
    bench_wait(&bench, 10 * SECOND);
    CHECK(pod_core_wish(&bench.core).disconnect);
}

/* settings */

static void test_settings_outlive_the_power(void) {
    fresh();
    bench_connect(&bench);
    const pod_link_config config = {.placement = POD_WIRE_THIGH_R,
                                    .name_bytes = 3,
                                    .name = "r-7",
                                    .runner_bytes = 6,
                                    .runner = "steady"};
    uint8_t bytes[POD_LINK_MAX_CONFIG_BYTES];
    const size_t length = pod_link_encode_config(&config, bytes, sizeof bytes);
    CHECK_INT(pod_core_write_config(&bench.core, bytes, length), POD_LINK_OK);
    CHECK_INT(bench_control(&bench, POD_LINK_RATE, 104), POD_LINK_OK);
    CHECK_INT(bench_control(&bench, POD_LINK_BATCH, 16), POD_LINK_OK);
    bench_boot(&bench, false);
    uint8_t again[POD_LINK_MAX_CONFIG_BYTES];
    CHECK_INT(pod_core_read_config(&bench.core, again, sizeof again), length);
    CHECK(memcmp(bytes, again, length) == 0);
    CHECK_INT(bench.core.settings.rate_hz, 104);
    CHECK_INT(bench.core.settings.batch, 16);
    CHECK_INT(bench_status(&bench).conditions, 0);
}

static void test_what_is_already_so_is_not_written(void) {
    fresh();
    bench_connect(&bench);
    CHECK_INT(bench_control(&bench, POD_LINK_RATE, 208), POD_LINK_OK);
    CHECK_INT(bench_control(&bench, POD_LINK_BATCH, 8), POD_LINK_OK);
    CHECK_INT(bench.flash_writes, 0);
    CHECK_INT(bench_place(&bench, POD_WIRE_PELVIS), POD_LINK_OK);
    CHECK_INT(bench_place(&bench, POD_WIRE_PELVIS), POD_LINK_OK);
    CHECK_INT(bench.flash_writes, 1);
}

static void test_full_flash_changes_nothing_and_is_told(void) {
    fresh();
    bench_connect(&bench);
    CHECK_INT(bench_place(&bench, POD_WIRE_SHANK_R), POD_LINK_OK);
    bench.flash_full = true;
    CHECK_INT(bench_place(&bench, POD_WIRE_SHANK_L), POD_LINK_NOT_KEPT);
    CHECK_INT(bench_control(&bench, POD_LINK_RATE, 52), POD_LINK_NOT_KEPT);
    CHECK_INT(bench_control(&bench, POD_LINK_BATCH, 4), POD_LINK_NOT_KEPT);
    CHECK_INT(bench.core.settings.config.placement, POD_WIRE_SHANK_R);
    CHECK_INT(bench.core.settings.rate_hz, 208);
    CHECK_INT(bench_status(&bench).settings_lost, 3);
    CHECK_INT(bench_status(&bench).conditions, POD_LINK_CONDITION_FLASH_FAULT);
    CHECK_INT(bench_control(&bench, POD_LINK_START, 0), POD_LINK_OK);
}

static void test_a_flash_that_works_again_is_told(void) {
    fresh();
    bench_connect(&bench);
    bench.flash_full = true;
    CHECK_INT(bench_place(&bench, POD_WIRE_SHANK_L), POD_LINK_NOT_KEPT);
    bench.flash_full = false;
    CHECK_INT(bench_control(&bench, POD_LINK_RATE, 208), POD_LINK_OK);
    CHECK_INT(bench.flash_writes, 1);
    CHECK_INT(bench_status(&bench).conditions, 0);
    CHECK_INT(bench_status(&bench).settings_lost, 1);
}

static void test_unreadable_settings_are_told_and_replaced(void) {
    fresh();
    bench.flash_bytes = 20;
    bench_boot(&bench, false);
    CHECK_INT(bench_status(&bench).conditions, POD_LINK_CONDITION_FLASH_FAULT);
    CHECK_INT(bench.core.settings.rate_hz, 208);
    bench_connect(&bench);
    CHECK_INT(bench_place(&bench, POD_WIRE_PELVIS), POD_LINK_OK);
    CHECK_INT(bench_status(&bench).conditions, 0);
}

static void test_nothing_is_set_while_streaming(void) {
    streaming();
    CHECK_INT(bench_place(&bench, POD_WIRE_PELVIS), POD_LINK_BUSY);
    CHECK_INT(bench_control(&bench, POD_LINK_RATE, 104), POD_LINK_BUSY);
    CHECK_INT(bench_control(&bench, POD_LINK_BATCH, 4), POD_LINK_BUSY);
    CHECK_INT(bench.core.settings.config.placement, POD_WIRE_SHANK_L);
}

/* bad bytes */

static bool same_bytes(const void *a, const void *b, size_t length) {
    return memcmp(a, b, length) == 0;
}

/* Whatever is wrong with a write, it is answered and counted, and the pod is as it was. */
static void test_bad_writes_change_nothing(void) {
    static const struct {
        const char *name;
        uint8_t bytes[12];
        uint8_t length;
        pod_link_result control;
        pod_link_result config;
        pod_link_result haptic;
        pod_link_result time;
    } writes[] = {
        {"nothing",
         {0},
         0,
         POD_LINK_BAD_LENGTH,
         POD_LINK_BAD_LENGTH,
         POD_LINK_BAD_LENGTH,
         POD_LINK_BAD_LENGTH},
        {"another version",
         {0x23, 1},
         2,
         POD_LINK_BAD_VERSION,
         POD_LINK_BAD_VERSION,
         POD_LINK_BAD_VERSION,
         POD_LINK_BAD_VERSION},
        {"another record",
         {0x11, 1},
         2,
         POD_LINK_BAD_TYPE,
         POD_LINK_BAD_TYPE,
         POD_LINK_BAD_TYPE,
         POD_LINK_BAD_TYPE},
        {"an opcode of the future",
         {0x13, 6},
         2,
         POD_LINK_BAD_OPCODE,
         POD_LINK_BAD_TYPE,
         POD_LINK_BAD_TYPE,
         POD_LINK_BAD_TYPE},
        {"a start with an argument",
         {0x13, 1, 0},
         3,
         POD_LINK_BAD_LENGTH,
         POD_LINK_BAD_TYPE,
         POD_LINK_BAD_TYPE,
         POD_LINK_BAD_TYPE},
        {"a rate cut short",
         {0x13, 3, 104},
         3,
         POD_LINK_BAD_LENGTH,
         POD_LINK_BAD_TYPE,
         POD_LINK_BAD_TYPE,
         POD_LINK_BAD_TYPE},
        {"a rate no IMU has",
         {0x13, 3, 100, 0},
         4,
         POD_LINK_OUT_OF_RANGE,
         POD_LINK_BAD_TYPE,
         POD_LINK_BAD_TYPE,
         POD_LINK_BAD_TYPE},
        {"a motor that would run too long",
         {0x14, 1, 50, 2, 0xF5, 1, 50, 0},
         8,
         POD_LINK_BAD_TYPE,
         POD_LINK_BAD_TYPE,
         POD_LINK_OUT_OF_RANGE,
         POD_LINK_BAD_TYPE},
        {"a placement that is none",
         {0x15, 9, 0, 0},
         4,
         POD_LINK_BAD_TYPE,
         POD_LINK_OUT_OF_RANGE,
         POD_LINK_BAD_TYPE,
         POD_LINK_BAD_TYPE},
        {"a runner who would leave the topic",
         {0x15, 1, 0, 2, 'a', '/'},
         6,
         POD_LINK_BAD_TYPE,
         POD_LINK_OUT_OF_RANGE,
         POD_LINK_BAD_TYPE,
         POD_LINK_BAD_TYPE},
        {"a time cut short",
         {0x16, 1, 2, 3, 4, 5, 6, 7},
         8,
         POD_LINK_BAD_TYPE,
         POD_LINK_BAD_TYPE,
         POD_LINK_BAD_TYPE,
         POD_LINK_BAD_LENGTH},
    };
    fresh();
    bench_connect(&bench);
    bench_place(&bench, POD_WIRE_SHANK_L);
    for (size_t i = 0; i < sizeof writes / sizeof writes[0]; i++) {
        check_context = writes[i].name;
        const pod_core before = bench.core;
        pod_core *core = &bench.core;
        const uint8_t *bytes = writes[i].bytes;
        const size_t length = writes[i].length;
        const uint64_t now_us = bench.now_us;
        CHECK_INT(pod_core_write_control(core, bytes, length, now_us), writes[i].control);
        CHECK_INT(pod_core_write_config(core, bytes, length), writes[i].config);
        CHECK_INT(pod_core_write_haptic(core, bytes, length, now_us), writes[i].haptic);
        CHECK_INT(pod_core_write_time(core, bytes, length, now_us), writes[i].time);
        CHECK_INT(core->writes_refused, before.writes_refused + 4);
        core->writes_refused = before.writes_refused;
        CHECK(same_bytes(core, &before, sizeof before));
    }
}

static void test_counters_saturate(void) {
    fresh();
    bench_connect(&bench);
    for (int i = 0; i < 70000; i++) {
        pod_core_write_control(&bench.core, NULL, 0, bench.now_us);
        pod_core_further_central(&bench.core);
    }
    CHECK_INT(bench_status(&bench).writes_refused, UINT16_MAX);
    CHECK_INT(bench_status(&bench).centrals_refused, UINT16_MAX);
}

/* a second central */

static void test_a_second_central_is_counted_and_changes_nothing(void) {
    streaming();
    pod_core_further_central(&bench.core);
    CHECK_INT(bench_status(&bench).centrals_refused, 1);
    CHECK_INT(bench_status(&bench).state, POD_LINK_STATE_STREAMING);
    bench_sample(&bench, 8);
    CHECK_INT(packets_waiting(), 1);
}

/* what ends with a link */

static void test_a_subscription_ends_with_its_link(void) {
    streaming();
    pod_core_disconnected(&bench.core, bench.now_us);
    pod_core_connected(&bench.core, bench.now_us);
    pod_core_encrypted(&bench.core, bench.now_us);
    pod_core_mtu(&bench.core, 247);
    CHECK_INT(bench_control(&bench, POD_LINK_START, 0), POD_LINK_NOT_SUBSCRIBED);
}

static void test_an_mtu_ends_with_its_link(void) {
    streaming();
    pod_core_disconnected(&bench.core, bench.now_us);
    pod_core_connected(&bench.core, bench.now_us);
    pod_core_encrypted(&bench.core, bench.now_us);
    pod_core_subscribed(&bench.core, true, bench.now_us);
    CHECK_INT(bench_control(&bench, POD_LINK_START, 0), POD_LINK_SMALL_MTU);
}

static void test_light_and_time_end_with_the_link(void) {
    fresh();
    bench_connect(&bench);
    bench_control(&bench, POD_LINK_IDENTIFY, 60);
    uint8_t bytes[POD_LINK_TIME_REPLY_BYTES];
    const size_t length = pod_link_encode_time_request(1, bytes, sizeof bytes);
    CHECK_INT(pod_core_write_time(&bench.core, bytes, length, bench.now_us), POD_LINK_OK);
    pod_core_disconnected(&bench.core, bench.now_us);
    CHECK_INT(pod_core_wish(&bench.core).light, POD_CORE_LIGHT_OFF);
    bench_connect(&bench);
    CHECK_INT(pod_core_take_time_reply(&bench.core, bench.now_us, bytes, sizeof bytes), 0);
}

static void test_all_pulses_end_with_the_link(void) {
    streaming();
    const pod_link_haptic pattern = {.pattern = POD_LINK_PULSES,
                                     .intensity_percent = 60,
                                     .pulses = 5,
                                     .on_ms = 100,
                                     .off_ms = 100};
    uint8_t bytes[POD_LINK_HAPTIC_BYTES];
    const size_t length = pod_link_encode_haptic(&pattern, bytes, sizeof bytes);
    CHECK_INT(pod_core_write_haptic(&bench.core, bytes, length, bench.now_us), POD_LINK_OK);
    bench_wait(&bench, 50 * MS);
    pod_core_disconnected(&bench.core, bench.now_us);
    for (int i = 0; i < 100; i++) {
        CHECK_INT(bench.motor_percent, 0);
        bench_wait(&bench, 10 * MS);
    }
}

/* The radio did not tell that the first central has gone. */
static void test_a_new_link_inherits_nothing(void) {
    streaming();
    bench_sample(&bench, 32);
    bench_buzz(&bench, 1000);
    bench_control(&bench, POD_LINK_IDENTIFY, 60);
    pod_core_connected(&bench.core, bench.now_us);
    CHECK_INT(bench_status(&bench).state, POD_LINK_STATE_CONNECTED);
    CHECK_INT(bench.motor_percent, 0);
    CHECK_INT(pod_core_wish(&bench.core).light, POD_CORE_LIGHT_OFF);
    pod_core_subscribed(&bench.core, true, bench.now_us);
    CHECK_INT(packets_waiting(), 0);
    CHECK_INT(bench_buzz(&bench, 100), POD_LINK_NOT_ENCRYPTED);
}

static void test_no_packet_before_the_link_is_encrypted(void) {
    streaming();
    bench_sample(&bench, 32);
    bench.core.power.encrypted = false;
    CHECK_INT(packets_waiting(), 0);
    bench.core.power.encrypted = true;
    CHECK_INT(packets_waiting(), 4);
}

static void test_a_reboot_in_the_middle_of_a_pulse(void) {
    streaming();
    bench_buzz(&bench, 1000);
    bench_boot(&bench, false);
    CHECK_INT(bench.motor_percent, 0);
}

static void test_falling_asleep_cuts_the_motor(void) {
    fresh();
    bench_connect(&bench);
    bench_wait(&bench, 600 * SECOND - 500 * MS);
    CHECK_INT(bench_buzz(&bench, 1000), POD_LINK_OK);
    bench_wait(&bench, 500 * MS);
    CHECK_INT(bench_status(&bench).state, POD_LINK_STATE_SLEEPING);
    CHECK_INT(bench.motor_percent, 0);
}

static void test_a_pod_that_hangs_up_does_not_listen(void) {
    streaming();
    for (int i = 0; i < 2; i++) {
        pod_core_battery(&bench.core, 3200, POD_LINK_DISCHARGING, bench.now_us);
    }
    CHECK_INT(bench_buzz(&bench, 100), POD_LINK_BUSY);
    CHECK_INT(bench_place(&bench, POD_WIRE_CHEST), POD_LINK_BUSY);
    CHECK_INT(bench_control(&bench, POD_LINK_START, 0), POD_LINK_BUSY);
    CHECK_INT(bench.motor_percent, 0);
    pod_core_connected(&bench.core, bench.now_us);
    pod_core_encrypted(&bench.core, bench.now_us);
    CHECK_INT(bench_buzz(&bench, 100), POD_LINK_BUSY);
}

static void test_a_stranger_learns_no_time(void) {
    fresh();
    pod_core_connected(&bench.core, bench.now_us);
    uint8_t bytes[POD_LINK_TIME_REPLY_BYTES];
    const size_t length = pod_link_encode_time_request(1, bytes, sizeof bytes);
    CHECK_INT(pod_core_write_time(&bench.core, bytes, length, bench.now_us),
              POD_LINK_NOT_ENCRYPTED);
    CHECK_INT(pod_core_take_time_reply(&bench.core, bench.now_us, bytes, sizeof bytes), 0);
}

/* what it tells */

static void test_the_advertisement(void) {
    fresh();
    bench_connect(&bench);
    bench_place(&bench, POD_WIRE_THIGH_L);
    pod_core_bonded(&bench.core, true);
    pod_core_battery(&bench.core, 3500, POD_LINK_CHARGING, bench.now_us);
    uint8_t bytes[POD_LINK_ADVERTISEMENT_BYTES];
    pod_link_advertisement told = {0};
    CHECK_INT(pod_core_read_advertisement(&bench.core, bytes, sizeof bytes), sizeof bytes);
    CHECK_INT(pod_link_decode_advertisement(bytes, sizeof bytes, &told), POD_LINK_OK);
    CHECK_INT(told.placement, POD_WIRE_THIGH_L);
    CHECK_INT(told.battery_mv, 3500);
    CHECK_INT(told.conditions, POD_LINK_CONDITION_BONDED | POD_LINK_CONDITION_CHARGING |
                                   POD_LINK_CONDITION_LOW_BATTERY);
    CHECK_INT(bench_status(&bench).conditions, told.conditions);
    CHECK_INT(bench_status(&bench).charging, POD_LINK_CHARGING);
}

static void test_uptime_and_broken_words(void) {
    streaming();
    bench_wait(&bench, 7 * SECOND);
    CHECK_INT(bench_status(&bench).uptime_s, 7);
    const uint8_t noise[IMU_FIFO_TAGGED_WORD_BYTES * 2] = {0};
    bench_sample(&bench, 8);
    pod_core_imu_read(&bench.core, noise, sizeof noise, 0, 0, bench.now_us);
    CHECK_INT(bench_status(&bench).fifo_bad_words, 2);
}

static void test_info_follows_the_settings(void) {
    fresh();
    bench_connect(&bench);
    bench_place(&bench, POD_WIRE_CHEST);
    bench_control(&bench, POD_LINK_RATE, 52);
    bench_control(&bench, POD_LINK_BATCH, 3);
    uint8_t bytes[POD_WIRE_INFO_BYTES];
    pod_wire_info info = {0};
    CHECK_INT(pod_core_read_info(&bench.core, bytes), POD_LINK_OK);
    CHECK_INT(pod_wire_decode_info(bytes, sizeof bytes, &info), POD_WIRE_OK);
    CHECK_INT(info.rate_mhz, 52000);
    CHECK_INT(info.batch, 3);
}

static void test_the_rate_is_known_while_it_is_measured(void) {
    streaming();
    for (int read = 0; read < 40; read++) {
        bench_sample(&bench, 8);
    }
    CHECK_NEAR(bench_status(&bench).rate_mhz, 208000, 100);
    bench_control(&bench, POD_LINK_STOP, 0);
    CHECK_INT(bench_status(&bench).rate_mhz, POD_LINK_UNKNOWN_RATE);
}

static void test_stop_and_start_count_what_they_drop(void) {
    streaming();
    bench_sample(&bench, 32);
    bench_control(&bench, POD_LINK_STOP, 0);
    CHECK_INT(bench_control(&bench, POD_LINK_START, 0), POD_LINK_OK);
    bench_sample(&bench, 8);
    pod_wire_packet packet = {0};
    CHECK(bench_take(&bench, &packet));
    CHECK_INT(packet.sequence, 4);
    CHECK_INT(packet.dropped, 4);
}

/* the IMU */

static void test_a_silent_imu_is_reset_and_then_a_fault(void) {
    streaming();
    bench_sample(&bench, 8);
    const uint32_t resets = pod_core_wish(&bench.core).imu_resets;
    bench_wait(&bench, 2 * SECOND);
    CHECK_INT(pod_core_wish(&bench.core).imu_resets, resets + 3);
    CHECK_INT(bench_status(&bench).conditions, POD_LINK_CONDITION_IMU_FAULT);
    CHECK_INT(bench_status(&bench).state, POD_LINK_STATE_STREAMING);
    CHECK_INT(bench_status(&bench).imu_resets, 3);
    bench_sample(&bench, 8);
    CHECK_INT(bench_status(&bench).conditions, 0);
    pod_wire_packet packet = {0};
    CHECK(bench_take(&bench, &packet));
    CHECK_INT(packet.flags, 0);
    CHECK(bench_take(&bench, &packet));
    CHECK_INT(packet.flags, POD_WIRE_FLAG_FIFO_OVERFLOW);
}

static void test_no_start_with_a_faulty_imu(void) {
    fresh();
    bench_connect(&bench);
    bench_place(&bench, POD_WIRE_PELVIS);
    for (int i = 0; i < 4; i++) {
        pod_core_imu_failed(&bench.core, bench.now_us);
        bench_wait(&bench, 300 * MS);
    }
    CHECK_INT(bench_control(&bench, POD_LINK_START, 0), POD_LINK_IMU_FAULT);
    pod_core_imu_well(&bench.core, bench.now_us);
    CHECK_INT(bench_control(&bench, POD_LINK_START, 0), POD_LINK_OK);
}

/* An IMU that answers but takes no samples is still sick. */
static void test_only_samples_prove_a_streaming_imu(void) {
    streaming();
    for (int i = 0; i < 30; i++) {
        bench_wait(&bench, 100 * MS);
        pod_core_imu_well(&bench.core, bench.now_us);
        pod_core_imu_read(&bench.core, NULL, 0, 0, 0, bench.now_us);
    }
    CHECK_INT(bench_status(&bench).conditions, POD_LINK_CONDITION_IMU_FAULT);
}

static void test_samples_lost_on_the_bus_are_told(void) {
    streaming();
    bench_sample(&bench, 8);
    bench.samples += 8; /* read out of the chip, and never arrived */
    pod_core_imu_failed(&bench.core, bench.now_us);
    bench_sample(&bench, 8);
    pod_wire_packet packet = {0};
    CHECK(bench_take(&bench, &packet));
    CHECK_INT(packet.flags, 0);
    CHECK(bench_take(&bench, &packet));
    CHECK_INT(packet.flags, POD_WIRE_FLAG_FIFO_OVERFLOW);
    CHECK_INT(packet.samples[0].acc[0], 16);
}

static void test_an_idle_imu_is_let_be(void) {
    streaming();
    bench_sample(&bench, 8);
    bench_control(&bench, POD_LINK_STOP, 0);
    pod_core_imu_overflow(&bench.core);
    bench_wait(&bench, 60 * SECOND);
    CHECK_INT(bench_status(&bench).imu_resets, 0);
    CHECK_INT(bench_status(&bench).fifo_overflows, 0);
}

/* battery */

static void test_battery_levels(void) {
    fresh();
    uint8_t percent = 0;
    pod_core_battery(&bench.core, 4100, POD_LINK_DISCHARGING, bench.now_us);
    CHECK_INT(bench_status(&bench).battery_mv, 4100);
    CHECK_INT(bench_status(&bench).conditions, 0);
    CHECK_INT(pod_core_read_battery_percent(&bench.core, &percent), POD_LINK_OK);
    CHECK_INT(percent, 88);
    pod_core_battery(&bench.core, 3590, POD_LINK_DISCHARGING, bench.now_us);
    CHECK_INT(bench_status(&bench).conditions, POD_LINK_CONDITION_LOW_BATTERY);
    pod_core_battery(&bench.core, 3650, POD_LINK_CHARGING, bench.now_us);
    CHECK_INT(bench_status(&bench).conditions,
              POD_LINK_CONDITION_LOW_BATTERY | POD_LINK_CONDITION_CHARGING);
    pod_core_battery(&bench.core, 3710, POD_LINK_DISCHARGING, bench.now_us);
    CHECK_INT(bench_status(&bench).conditions, 0);
    pod_core_battery(&bench.core, 0, POD_LINK_CHARGING, bench.now_us);
    CHECK_INT(bench_status(&bench).battery_mv, 0);
    CHECK_INT(pod_core_read_battery_percent(&bench.core, &percent), POD_LINK_OK);
    CHECK_INT(percent, 0);
    pod_core_battery(&bench.core, 5000, POD_LINK_CHARGED, bench.now_us);
    CHECK_INT(pod_core_read_battery_percent(&bench.core, &percent), POD_LINK_OK);
    CHECK_INT(percent, 100);
}

static void test_battery_limits(void) {
    fresh();
    bench_connect(&bench);
    bench_place(&bench, POD_WIRE_PELVIS);
    static const struct {
        uint16_t mv;
        bool low;
        pod_link_result start;
    } steps[] = {{3600, false, POD_LINK_OK}, {3599, true, POD_LINK_OK},
                 {3450, true, POD_LINK_OK},  {3449, true, POD_LINK_LOW_BATTERY},
                 {3699, true, POD_LINK_OK},  {3700, false, POD_LINK_OK}};
    for (size_t i = 0; i < sizeof steps / sizeof steps[0]; i++) {
        pod_core_battery(&bench.core, steps[i].mv, POD_LINK_DISCHARGING, bench.now_us);
        CHECK_INT(bench_status(&bench).conditions,
                  steps[i].low ? POD_LINK_CONDITION_LOW_BATTERY : 0);
        CHECK_INT(bench_control(&bench, POD_LINK_START, 0), steps[i].start);
        bench_control(&bench, POD_LINK_STOP, 0);
    }
}

static void test_one_bad_measurement_empties_nothing(void) {
    static const uint16_t readings_mv[] = {3299, 3300, 3299, 3900, 0, 3900};
    streaming();
    for (size_t i = 0; i < sizeof readings_mv / sizeof readings_mv[0]; i++) {
        pod_core_battery(&bench.core, readings_mv[i], POD_LINK_DISCHARGING, bench.now_us);
        CHECK_INT(bench_status(&bench).state, POD_LINK_STATE_STREAMING);
    }
}

static void test_an_unknown_voltage_empties_nothing(void) {
    streaming();
    pod_core_battery(&bench.core, POD_LINK_UNKNOWN_MV, POD_LINK_CHARGING_UNKNOWN, bench.now_us);
    CHECK_INT(bench_status(&bench).state, POD_LINK_STATE_STREAMING);
    CHECK_INT(bench_status(&bench).conditions, 0);
}

static void test_not_knowing_of_a_charger_is_not_its_end(void) {
    streaming();
    pod_core_battery(&bench.core, 3200, POD_LINK_CHARGING, bench.now_us);
    pod_core_battery(&bench.core, 3200, POD_LINK_CHARGING_UNKNOWN, bench.now_us);
    CHECK_INT(bench_status(&bench).state, POD_LINK_STATE_STREAMING);
}

/* time */

static void test_a_round_trip_carries_both_stamps(void) {
    fresh();
    bench_connect(&bench);
    uint8_t bytes[POD_LINK_TIME_REPLY_BYTES];
    CHECK_INT(pod_core_take_time_reply(&bench.core, bench.now_us, bytes, sizeof bytes), 0);
    const size_t length = pod_link_encode_time_request(0x0123456789ABCDEFULL, bytes, sizeof bytes);
    CHECK_INT(pod_core_write_time(&bench.core, bytes, length, bench.now_us), POD_LINK_OK);
    const uint32_t t2_us = (uint32_t)bench.now_us;
    bench_wait(&bench, 321);
    pod_link_time reply;
    CHECK_INT(pod_core_take_time_reply(&bench.core, bench.now_us, bytes, sizeof bytes),
              POD_LINK_TIME_REPLY_BYTES);
    CHECK_INT(pod_link_decode_time_reply(bytes, sizeof bytes, &reply), POD_LINK_OK);
    CHECK(reply.t1 == 0x0123456789ABCDEFULL);
    CHECK_INT(reply.t2_us, t2_us);
    CHECK_INT(reply.t3_us, t2_us + 321);
    CHECK_INT(pod_core_take_time_reply(&bench.core, bench.now_us, bytes, sizeof bytes), 0);
}

/* identify, sleep, wake */

static void test_identify_lights_for_as_long_as_asked(void) {
    fresh();
    bench_connect(&bench);
    CHECK_INT(bench_control(&bench, POD_LINK_IDENTIFY, 5), POD_LINK_OK);
    bench_wait(&bench, 4999 * MS);
    CHECK_INT(pod_core_wish(&bench.core).light, POD_CORE_LIGHT_IDENTIFY);
    bench_wait(&bench, MS);
    CHECK_INT(pod_core_wish(&bench.core).light, POD_CORE_LIGHT_OFF);
    bench_control(&bench, POD_LINK_IDENTIFY, 60);
    bench_control(&bench, POD_LINK_IDENTIFY, 0);
    CHECK_INT(pod_core_wish(&bench.core).light, POD_CORE_LIGHT_OFF);
}

static void test_forgotten_in_a_bag_it_sleeps_until_moved(void) {
    fresh();
    bench_wait(&bench, 40 * SECOND);
    CHECK_INT(pod_core_wish(&bench.core).radio, POD_CORE_RADIO_SLOW);
    bench_wait(&bench, 270 * SECOND);
    CHECK(pod_core_wish(&bench.core).sleep);
    CHECK_INT(pod_core_wish(&bench.core).radio, POD_CORE_RADIO_OFF);
    CHECK_INT(pod_core_wish(&bench.core).imu, POD_CORE_IMU_WAKE);
    CHECK(pod_core_next_us(&bench.core) == NEVER_US);
    pod_core_moved(&bench.core, bench.now_us);
    CHECK_INT(pod_core_wish(&bench.core).radio, POD_CORE_RADIO_FAST);
}

static void test_a_stream_of_rest_ends_and_of_movement_does_not(void) {
    streaming();
    for (int second = 0; second < 700; second++) {
        for (int read = 0; read < 26; read++) {
            bench_sample(&bench, 8);
        }
        bench.samples += 400; /* the numbers in the samples are the movement */
    }
    CHECK_INT(bench_status(&bench).state, POD_LINK_STATE_STREAMING);
    for (int second = 0; second < 700; second++) {
        for (int read = 0; read < 26; read++) {
            bench.samples = 0;
            bench_sample(&bench, 8);
        }
    }
    CHECK_INT(bench_status(&bench).state, POD_LINK_STATE_SLEEPING);
    CHECK(pod_core_wish(&bench.core).disconnect);
}

int main(void) {
    RUN(test_a_fresh_pod_advertises_and_knows_nothing);
    RUN(test_power_on_opens_the_pairing_window);
    RUN(test_info_tells_what_the_samples_mean);
    RUN(test_start_waits_for_everything_it_needs);
    RUN(test_a_small_mtu_makes_small_packets);
    RUN(test_every_rate_and_fifo_streams);
    RUN(test_a_queue_that_never_drains_loses_the_oldest);
    RUN(test_stop_sends_what_is_left_and_nothing_more);
    RUN(test_sequence_goes_on_from_stream_to_stream);
    RUN(test_nothing_old_reaches_a_new_connection);
    RUN(test_an_end_of_subscription_stops);
    RUN(test_an_overflow_is_counted_and_told);
    RUN(test_the_motor_buzzes_and_marks_the_samples);
    RUN(test_a_disconnection_cuts_the_motor);
    RUN(test_sleep_cuts_the_motor);
    RUN(test_strangers_do_not_buzz);
    RUN(test_settings_outlive_the_power);
    RUN(test_what_is_already_so_is_not_written);
    RUN(test_full_flash_changes_nothing_and_is_told);
    RUN(test_a_flash_that_works_again_is_told);
    RUN(test_unreadable_settings_are_told_and_replaced);
    RUN(test_nothing_is_set_while_streaming);
    RUN(test_bad_writes_change_nothing);
    RUN(test_counters_saturate);
    RUN(test_a_second_central_is_counted_and_changes_nothing);
    RUN(test_a_subscription_ends_with_its_link);
    RUN(test_an_mtu_ends_with_its_link);
    RUN(test_light_and_time_end_with_the_link);
    RUN(test_all_pulses_end_with_the_link);
    RUN(test_a_new_link_inherits_nothing);
    RUN(test_no_packet_before_the_link_is_encrypted);
    RUN(test_a_reboot_in_the_middle_of_a_pulse);
    RUN(test_falling_asleep_cuts_the_motor);
    RUN(test_a_pod_that_hangs_up_does_not_listen);
    RUN(test_a_stranger_learns_no_time);
    RUN(test_the_advertisement);
    RUN(test_uptime_and_broken_words);
    RUN(test_info_follows_the_settings);
    RUN(test_the_rate_is_known_while_it_is_measured);
    RUN(test_stop_and_start_count_what_they_drop);
    RUN(test_a_silent_imu_is_reset_and_then_a_fault);
    RUN(test_no_start_with_a_faulty_imu);
    RUN(test_only_samples_prove_a_streaming_imu);
    RUN(test_samples_lost_on_the_bus_are_told);
    RUN(test_an_idle_imu_is_let_be);
    RUN(test_battery_levels);
    RUN(test_battery_limits);
    RUN(test_one_bad_measurement_empties_nothing);
    RUN(test_an_unknown_voltage_empties_nothing);
    RUN(test_not_knowing_of_a_charger_is_not_its_end);
    RUN(test_a_round_trip_carries_both_stamps);
    RUN(test_identify_lights_for_as_long_as_asked);
    RUN(test_forgotten_in_a_bag_it_sleeps_until_moved);
    RUN(test_a_stream_of_rest_ends_and_of_movement_does_not);
    return check_report();
}
