#include "outbox.h"

#include <errno.h>
#include <stdbool.h>
#include <string.h>
#include <zephyr/kernel.h>

#include "clock.h"
#include "link.h"
#include "pod.h"
#include "service.h"

#define RETRY_US 5000U
#define STATUS_US 1000000U

enum {
    /* What waits in the core can still be dropped, oldest first; and the stack, when it has no
     * buffer left, has whoever notifies wait for as long as the central is silent. */
    MOST_IN_FLIGHT = 3,
    UPTIME_AT = 10, /* in the status record: no news by itself */
    UPTIME_BYTES = 4
};

static atomic_t in_flight;
static uint32_t connection;
static uint8_t held[POD_WIRE_MAX_BYTES]; /* taken from the core, not yet by the stack */
static size_t held_length;
static uint8_t told_status[POD_LINK_STATUS_BYTES];
static uint64_t status_due_us;

/* What a connection left behind when it ended is told late, or never. */
static void sent(struct bt_conn *conn, void *context) {
    ARG_UNUSED(conn);
    ARG_UNUSED(context);
    if (atomic_dec(&in_flight) <= 0) {
        atomic_inc(&in_flight);
    }
    pod_stir();
}

static void begin(uint32_t number) {
    connection = number;
    atomic_set(&in_flight, 0);
    held_length = 0;
    memset(told_status, 0, sizeof told_status);
    status_due_us = 0;
}

static int notify_counted(struct bt_conn *conn, const struct bt_gatt_attr *attr,
                          const uint8_t *bytes, size_t length) {
    struct bt_gatt_notify_params notification = {
        .attr = attr,
        .data = bytes,
        .len = (uint16_t)length,
        .func = sent,
    };
    atomic_inc(&in_flight);
    const int error = bt_gatt_notify_cb(conn, &notification);
    if (error != 0) {
        atomic_dec(&in_flight);
    }
    return error;
}

static bool has_room(void) { return atomic_get(&in_flight) < MOST_IN_FLIGHT; }

static void send_time(struct bt_conn *conn) {
    uint8_t reply[POD_LINK_TIME_REPLY_BYTES];
    if (!has_room()) {
        return;
    }
    pod_core *core = pod_enter();
    const size_t length = pod_core_take_time_reply(core, clock_us(), reply, sizeof reply);
    pod_leave();
    if (length > 0) {
        notify_counted(conn, service_time(), reply, length);
    }
}

static bool take_packet(void) {
    if (held_length == 0) {
        held_length = pod_core_take_packet(pod_enter(), held, sizeof held);
        pod_leave();
    }
    return held_length > 0;
}

static bool is_passing(int error) { return error == -ENOMEM || error == -EAGAIN; }

static uint64_t send_samples(struct bt_conn *conn) {
    while (has_room() && take_packet()) {
        const int error = notify_counted(conn, service_samples(), held, held_length);
        if (is_passing(error)) {
            return clock_us() + RETRY_US;
        }
        held_length = 0;
    }
    return NEVER_US;
}

static uint64_t send_status(struct bt_conn *conn) {
    uint8_t status[POD_LINK_STATUS_BYTES];
    uint8_t news[POD_LINK_STATUS_BYTES];
    const uint64_t now_us = clock_us();
    if (!has_room() || !bt_gatt_is_subscribed(conn, service_status(), BT_GATT_CCC_NOTIFY)) {
        return NEVER_US;
    }
    if (now_us < status_due_us) {
        return status_due_us;
    }
    pod_core_read_status(pod_enter(), now_us, status, sizeof status);
    pod_leave();
    memcpy(news, status, sizeof news);
    memset(news + UPTIME_AT, 0, UPTIME_BYTES);
    if (memcmp(news, told_status, sizeof news) != 0 &&
        notify_counted(conn, service_status(), status, sizeof status) == 0) {
        memcpy(told_status, news, sizeof told_status);
    }
    status_due_us = now_us + STATUS_US;
    return status_due_us;
}

uint64_t outbox_send(void) {
    uint32_t number;
    struct bt_conn *conn = link_central(&number);
    if (conn == NULL) {
        return NEVER_US;
    }
    if (number != connection) {
        begin(number);
    }
    send_time(conn);
    const uint64_t status_us = send_status(conn);
    const uint64_t samples_us = send_samples(conn);
    bt_conn_unref(conn);
    return earlier(status_us, samples_us);
}
