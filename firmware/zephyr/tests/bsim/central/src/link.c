#include "link.h"

#include <string.h>
#include <zephyr/bluetooth/bluetooth.h>
#include <zephyr/bluetooth/gatt.h>
#include <zephyr/bluetooth/hci.h>
#include <zephyr/kernel.h>
#include <zephyr/settings/settings.h>

#include "options.h"
#include "pod_link.h"
#include "time_machine.h"

link_counts counts;

static K_SEM_DEFINE(heard, 0, 1);
static K_SEM_DEFINE(settled, 0, 1);
static K_SEM_DEFINE(secured, 0, 1);
static bt_addr_le_t found;
static volatile bool is_connected;
static volatile bool is_secure;

uint64_t link_now_us(void) { return tm_get_abs_time(); }

bool link_is_connected(void) { return is_connected; }

static bool note_service(struct bt_data *data, void *is_pod) {
    static const uint8_t service[] = {POD_LINK_UUID_BYTES(POD_LINK_SERVICE)};
    if (data->type == BT_DATA_UUID128_ALL && data->data_len == sizeof service &&
        memcmp(data->data, service, sizeof service) == 0) {
        *(bool *)is_pod = true;
    }
    return true;
}

static bool tell_advertisement(struct bt_data *data, void *context) {
    static uint8_t told[POD_LINK_ADVERTISEMENT_BYTES];
    pod_link_advertisement said;
    if (data->type == BT_DATA_MANUFACTURER_DATA && data->data_len == 2 + sizeof told &&
        memcmp(told, data->data + 2, sizeof told) != 0 &&
        pod_link_decode_advertisement(data->data + 2, sizeof told, &said) == POD_LINK_OK) {
        memcpy(told, data->data + 2, sizeof told);
        printk("HEARD placement %u conditions 0x%02x battery %u mV at %llu us\n", said.placement,
               said.conditions, said.battery_mv, (unsigned long long)link_now_us());
    }
    return true;
}

static void hear(const bt_addr_le_t *address, int8_t rssi, uint8_t type,
                 struct net_buf_simple *data) {
    bool is_pod = false;
    struct net_buf_simple copy = *data;
    if (type != BT_GAP_ADV_TYPE_ADV_IND) {
        return;
    }
    bt_data_parse(&copy, note_service, &is_pod);
    if (is_pod) {
        copy = *data;
        bt_data_parse(&copy, tell_advertisement, NULL);
        counts.advertisements_heard++;
        found = *address;
        k_sem_give(&heard);
    }
}

static void connected(struct bt_conn *conn, uint8_t error) {
    is_connected = error == 0;
    is_secure = false;
    counts.connections += error == 0;
    k_sem_give(&settled);
}

static void disconnected(struct bt_conn *conn, uint8_t reason) {
    printk("DISCONNECTED reason 0x%02x at %llu us\n", reason, (unsigned long long)link_now_us());
    counts.disconnect_reason = reason;
    is_connected = false;
    k_sem_give(&secured);
}

static void security_changed(struct bt_conn *conn, bt_security_t level,
                             enum bt_security_err error) {
    printk("SECURITY level %u error %d at %llu us\n", level, error,
           (unsigned long long)link_now_us());
    is_secure = error == BT_SECURITY_ERR_SUCCESS && level >= BT_SECURITY_L2;
    counts.security_failures += !is_secure;
    k_sem_give(&secured);
}

static bool agree(struct bt_conn *conn, struct bt_le_conn_param *wish) {
    return wanted.interval_ms == UINT32_MAX;
}

BT_CONN_CB_DEFINE(callbacks) = {
    .connected = connected,
    .disconnected = disconnected,
    .le_param_req = agree,
    .security_changed = security_changed,
};

static void paired(struct bt_conn *conn, bool bonded) {
    printk("PAIRED bonded %d\n", bonded);
    counts.pairings++;
}

static void refused(struct bt_conn *conn, enum bt_security_err reason) {
    printk("PAIRING REFUSED error %d\n", reason);
    counts.pairings_refused++;
}

void link_open(void) {
    static struct bt_conn_auth_info_cb pairing = {
        .pairing_complete = paired,
        .pairing_failed = refused,
    };
    bt_enable(NULL);
    settings_load();
    bt_conn_auth_info_cb_register(&pairing);
}

struct bt_conn *link_connect(uint32_t within_ms) {
    static const struct bt_le_scan_param scan = {
        .type = BT_LE_SCAN_TYPE_PASSIVE,
        .interval = BT_GAP_SCAN_FAST_INTERVAL,
        .window = BT_GAP_SCAN_FAST_WINDOW,
    };
    static const struct bt_le_conn_param parameters = {
        .interval_min = 24, /* 30 ms */
        .interval_max = 24,
        .timeout = 200,
    };
    struct bt_conn *pod = NULL;
    k_sem_reset(&heard);
    k_sem_reset(&settled);
    k_sem_reset(&secured);
    bt_le_scan_start(&scan, hear);
    const bool heard_one = k_sem_take(&heard, K_MSEC(within_ms)) == 0;
    bt_le_scan_stop();
    if (!heard_one || bt_conn_le_create(&found, BT_CONN_LE_CREATE_CONN, &parameters, &pod) != 0) {
        return NULL;
    }
    k_sem_take(&settled, K_FOREVER);
    if (!is_connected) {
        bt_conn_unref(pod);
        return NULL;
    }
    char address[BT_ADDR_LE_STR_LEN];
    bt_addr_le_to_str(&found, address, sizeof address);
    printk("CONNECTED to %s at %llu us\n", address, (unsigned long long)link_now_us());
    return pod;
}

bool link_encrypt(struct bt_conn *pod) {
    if (bt_conn_set_security(pod, BT_SECURITY_L2) == 0) {
        k_sem_take(&secured, K_SECONDS(30));
    }
    return is_secure;
}

void link_stretch(struct bt_conn *pod) {
    const struct bt_le_conn_param parameters = {
        .interval_min = (uint16_t)(wanted.interval_ms * 4U / 5U),
        .interval_max = (uint16_t)(wanted.interval_ms * 4U / 5U),
        .timeout = (uint16_t)(wanted.timeout_ms / 10U),
    };
    if (wanted.interval_ms != UINT32_MAX) {
        bt_conn_le_param_update(pod, &parameters);
    }
}

void link_leave(struct bt_conn *pod) {
    if (is_connected) {
        bt_conn_disconnect(pod, BT_HCI_ERR_REMOTE_USER_TERM_CONN);
    }
    while (is_connected) {
        k_msleep(10);
    }
    bt_conn_unref(pod);
}
