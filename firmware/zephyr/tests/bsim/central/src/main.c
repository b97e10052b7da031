/* A central that does with a simulated pod what a hub does, and checks what comes; or a stranger
 * that tries to get in.
 */
#include <stdio.h>
#include <string.h>
#include <zephyr/bluetooth/gatt.h>
#include <zephyr/bluetooth/uuid.h>
#include <zephyr/kernel.h>

#include "client.h"
#include "link.h"
#include "options.h"
#include "stream.h"
#include "vanish.h"

#define US_PER_S 1000000ULL

enum { TIME_EVERY_MS = 1000, HAPTIC_EVERY_MS = 7300, STEP_MS = 50, INTENSITY_PERCENT = 60 };

static uint32_t trips;
static uint64_t shortest_trip_us = UINT64_MAX;
static int64_t worst_offset_us;
static int64_t true_offset_us = INT64_MIN;
static pod_link_status last_status;
static uint32_t statuses;

static bool is_over(void) { return link_now_us() >= wanted.until_s * US_PER_S; }

static void tell_result(const char *what, int result) {
    printk("%s: 0x%02x %s\n", what, (unsigned int)result,
           result < 0 ? "no answer" : pod_link_result_name((pod_link_result)result));
}

static void receive_time(const uint8_t *bytes, size_t length) {
    pod_link_time reply;
    const uint64_t t4_us = link_now_us();
    if (pod_link_decode_time_reply(bytes, length, &reply) != POD_LINK_OK) {
        printk("UNREADABLE time reply\n");
        return;
    }
    const uint64_t trip_us = t4_us - reply.t1 - (reply.t3_us - reply.t2_us);
    const int64_t offset_us =
        ((int64_t)reply.t2_us - (int64_t)reply.t1 + (int64_t)reply.t3_us - (int64_t)t4_us) / 2;
    trips++;
    if (trip_us < shortest_trip_us) {
        shortest_trip_us = trip_us;
        true_offset_us = offset_us;
    }
    worst_offset_us = MAX(worst_offset_us, offset_us > 0 ? offset_us : -offset_us);
}

static void receive_status(const uint8_t *bytes, size_t length) {
    if (pod_link_decode_status(bytes, length, &last_status) == POD_LINK_OK) {
        statuses++;
    } else {
        printk("UNREADABLE status\n");
    }
}

static void ask_time(struct bt_conn *pod) {
    uint8_t request[POD_LINK_TIME_REQUEST_BYTES];
    const size_t length = pod_link_encode_time_request(link_now_us(), request, sizeof request);
    client_write_unanswered(pod, POD_LINK_TIME, request, length);
}

static void buzz(struct bt_conn *pod) {
    static const pod_link_haptic pattern = {
        .pattern = POD_LINK_PULSES,
        .intensity_percent = INTENSITY_PERCENT,
        .pulses = 2,
        .on_ms = 120,
        .off_ms = 80,
    };
    uint8_t bytes[POD_LINK_HAPTIC_BYTES];
    const size_t length = pod_link_encode_haptic(&pattern, bytes, sizeof bytes);
    printk("HAPTIC written at %llu us\n", (unsigned long long)link_now_us());
    client_write_unanswered(pod, POD_LINK_HAPTIC, bytes, length);
}

static int control(struct bt_conn *pod, pod_link_opcode opcode, uint16_t argument) {
    const pod_link_control order = {.opcode = (uint8_t)opcode, .argument = argument};
    uint8_t bytes[POD_LINK_MAX_CONTROL_BYTES];
    const size_t length = pod_link_encode_control(&order, bytes, sizeof bytes);
    return client_write(pod, POD_LINK_CONTROL, bytes, length);
}

static void tell_info(struct bt_conn *pod) {
    uint8_t bytes[POD_WIRE_INFO_BYTES];
    size_t length;
    pod_wire_info info;
    const int result = client_read(pod, POD_LINK_INFO, bytes, sizeof bytes, &length);
    tell_result("read info", result);
    if (result == 0 && pod_wire_decode_info(bytes, length, &info) == POD_WIRE_OK) {
        printk("INFO placement %u rate %u mHz batch %u firmware 0x%04x acc %u gyr %u\n",
               info.placement, info.rate_mhz, info.batch, info.firmware, info.acc_nm_s2_per_lsb,
               info.gyr_nrad_s_per_lsb);
    }
}

static void tell_standard(struct bt_conn *pod, const char *what, uint16_t uuid) {
    uint8_t bytes[32] = {0};
    size_t length;
    const int result = client_read_standard(pod, uuid, bytes, sizeof bytes - 1, &length);
    printk("%s: 0x%02x \"%s\"\n", what, (unsigned int)result, result == 0 ? (char *)bytes : "");
}

static void provision(struct bt_conn *pod) {
    static const pod_link_config config = {
        .placement = POD_WIRE_SHANK_L,
        .name_bytes = 10,
        .runner_bytes = 4,
        .name = "left shank",
        .runner = "r-17",
    };
    uint8_t bytes[POD_LINK_MAX_CONFIG_BYTES];
    uint8_t kept[POD_LINK_MAX_CONFIG_BYTES];
    size_t length = 0;
    const size_t wanted_length = pod_link_encode_config(&config, bytes, sizeof bytes);
    tell_result("read config", client_read(pod, POD_LINK_CONFIG, kept, sizeof kept, &length));
    if (length == wanted_length && memcmp(kept, bytes, length) == 0) {
        printk("CONFIG is there already\n");
        return;
    }
    tell_result("write config", client_write(pod, POD_LINK_CONFIG, bytes, wanted_length));
    tell_result("read config", client_read(pod, POD_LINK_CONFIG, kept, sizeof kept, &length));
    printk("CONFIG read back %s\n",
           length == wanted_length && memcmp(kept, bytes, length) == 0 ? "alike" : "NOT ALIKE");
}

/* An echo request of MCUmgr's OS group, {"d": "hi"}, as a write with response, so that a refusal
 * shows. */
static void try_update(struct bt_conn *pod, const char *what) {
    static const uint8_t echo[] = {2, 0, 0, 7, 0, 0, 0, 0, 0xBF, 0x61, 'd', 0x62, 'h', 'i', 0xFF};
    if (client_has(CLIENT_UPDATE)) {
        tell_result(what, client_write(pod, CLIENT_UPDATE, echo, sizeof echo));
    }
}

static void receive_update(const uint8_t *bytes, size_t length) {
    printk("UPDATE answers %u bytes, opcode %u\n", (unsigned int)length, bytes[0]);
}

static void tell_standards(struct bt_conn *pod) {
    tell_standard(pod, "name", BT_UUID_GAP_DEVICE_NAME_VAL);
    tell_standard(pod, "manufacturer", BT_UUID_DIS_MANUFACTURER_NAME_VAL);
    tell_standard(pod, "model", BT_UUID_DIS_MODEL_NUMBER_VAL);
    tell_standard(pod, "serial", BT_UUID_DIS_SERIAL_NUMBER_VAL);
    tell_standard(pod, "firmware", BT_UUID_DIS_FIRMWARE_REVISION_VAL);
    tell_standard(pod, "hardware", BT_UUID_DIS_HARDWARE_REVISION_VAL);
    tell_standard(pod, "battery", BT_UUID_BAS_BATTERY_LEVEL_VAL);
}

static bool prepare(struct bt_conn *pod) {
    const bool is_new = counts.pairings == 0;
    stream_begin((uint16_t)wanted.rate_hz);
    tell_result("discover", client_discover(pod));
    tell_info(pod);
    if (is_new) {
        tell_result("start before encryption", control(pod, POD_LINK_START, 0));
        try_update(pod, "update before encryption");
    }
    if (!link_is_connected() || !link_encrypt(pod)) {
        return false;
    }
    if (is_new) {
        tell_standards(pod);
        tell_result("start before subscription", control(pod, POD_LINK_START, 0));
        if (client_has(CLIENT_UPDATE)) {
            client_subscribe(pod, CLIENT_UPDATE, receive_update);
        }
        try_update(pod, "update");
    }
    provision(pod);
    tell_info(pod);
    tell_result("batch", control(pod, POD_LINK_BATCH, (uint16_t)wanted.batch));
    tell_result("rate", control(pod, POD_LINK_RATE, (uint16_t)wanted.rate_hz));
    tell_result("subscribe samples", client_subscribe(pod, POD_LINK_SAMPLES, stream_receive));
    tell_result("subscribe time", client_subscribe(pod, POD_LINK_TIME, receive_time));
    tell_result("subscribe status", client_subscribe(pod, POD_LINK_STATUS, receive_status));
    const int started = control(pod, POD_LINK_START, 0);
    tell_result("start", started);
    return started == 0;
}

static bool is_away(void) {
    const uint64_t now_us = link_now_us();
    return now_us >= wanted.leave_s * US_PER_S && now_us < wanted.return_s * US_PER_S;
}

static void listen(struct bt_conn *pod) {
    for (uint32_t ms = 0; link_is_connected() && !is_over() && !is_away(); ms += STEP_MS) {
        if (ms % TIME_EVERY_MS == 0) {
            ask_time(pod);
        }
        if (ms % HAPTIC_EVERY_MS == HAPTIC_EVERY_MS / 2) {
            buzz(pod);
        }
        k_msleep(STEP_MS);
    }
}

static void tell_link(struct bt_conn *pod) {
    struct bt_conn_info info;
    if (bt_conn_get_info(pod, &info) == 0 && info.state == BT_CONN_STATE_CONNECTED) {
        printk("LINK interval %u us, latency %u, timeout %u ms, mtu %u, pod sends on %u M in up to "
               "%u bytes\n",
               info.le.interval * 1250U, info.le.latency, info.le.timeout * 10U,
               bt_gatt_get_mtu(pod), info.le.phy->rx_phy, info.le.data_len->rx_max_len);
    }
}

static void tell_session(void) {
    stream_tell();
    printk("TIME %u round trips, shortest %llu us, its offset %lld us, worst offset %lld us\n",
           trips, (unsigned long long)(trips > 0 ? shortest_trip_us : 0),
           (long long)(trips > 0 ? true_offset_us : 0), (long long)worst_offset_us);
    printk("STATUS %u notified; last: state %u conditions 0x%02x rate %u mHz uptime %u s dropped "
           "%u overflows %u bad words %u resets %u refused %u lost %u centrals %u\n",
           statuses, last_status.state, last_status.conditions, last_status.rate_mhz,
           last_status.uptime_s, last_status.packets_dropped, last_status.fifo_overflows,
           last_status.fifo_bad_words, last_status.imu_resets, last_status.writes_refused,
           last_status.settings_lost, last_status.centrals_refused);
}

static void be_hub(void) {
    while (!is_over()) {
        struct bt_conn *const pod = is_away() ? NULL : link_connect(1000);
        if (pod == NULL) {
            k_msleep(STEP_MS);
            continue;
        }
        if (prepare(pod)) {
            link_stretch(pod);
            listen(pod);
            tell_link(pod);
            tell_session();
        } else {
            k_sleep(K_SECONDS(1));
        }
        link_leave(pod);
    }
}

static void be_stranger(void) {
    while (!is_over()) {
        struct bt_conn *const pod = link_connect(1000);
        if (pod == NULL) {
            continue;
        }
        if (wanted.mute) {
            while (link_is_connected() && !is_over()) {
                k_msleep(STEP_MS);
            }
        } else {
            printk("STRANGER encrypts: %d\n", link_encrypt(pod));
        }
        link_leave(pod);
    }
}

int main(void) {
    if (wanted.end_s != UINT32_MAX) {
        vanish_after_us(wanted.end_s * US_PER_S);
    }
    k_sleep(K_SECONDS(wanted.from_s));
    link_open();
    if (wanted.stranger || wanted.mute) {
        be_stranger();
    } else {
        be_hub();
    }
    printk("COUNTS %u advertisements heard, %u connections, %u pairings, %u pairings refused, "
           "%u security failures, last disconnect 0x%02x\n",
           counts.advertisements_heard, counts.connections, counts.pairings,
           counts.pairings_refused, counts.security_failures, counts.disconnect_reason);
    return 0;
}
