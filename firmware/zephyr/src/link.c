#include "link.h"

#include <zephyr/bluetooth/bluetooth.h>
#include <zephyr/bluetooth/gatt.h>
#include <zephyr/bluetooth/hci.h>
#include <zephyr/kernel.h>

#include "advertising.h"
#include "clock.h"
#include "pod.h"
#include "service.h"
#include "update.h"

static struct bt_conn *central;
static uint32_t connections;

static bool is_central(const struct bt_conn *conn) { return conn == central; }

static void set_central(struct bt_conn *conn) {
    const unsigned int key = irq_lock();
    central = conn;
    connections++;
    irq_unlock(key);
}

struct bt_conn *link_central(uint32_t *number) {
    const unsigned int key = irq_lock();
    struct bt_conn *conn = central == NULL ? NULL : bt_conn_ref(central);
    *number = connections;
    irq_unlock(key);
    return conn;
}

bool link_is_connected(void) { return central != NULL; }

void link_disconnect(void) {
    uint32_t number;
    struct bt_conn *conn = link_central(&number);
    if (conn != NULL) {
        bt_conn_disconnect(conn, BT_HCI_ERR_REMOTE_USER_TERM_CONN);
        bt_conn_unref(conn);
    }
}

static void turn_away(struct bt_conn *conn) {
    pod_core_further_central(pod_enter());
    pod_leave();
    bt_conn_disconnect(conn, BT_HCI_ERR_REMOTE_LOW_RESOURCES);
}

static void connected(struct bt_conn *conn, uint8_t error) {
    advertising_has_ended();
    if (error != 0) {
        pod_stir();
    } else if (link_is_connected()) {
        turn_away(conn);
    } else {
        set_central(bt_conn_ref(conn));
        pod_core *core = pod_enter();
        pod_core_connected(core, clock_us());
        pod_leave();
    }
}

static void disconnected(struct bt_conn *conn, uint8_t reason) {
    ARG_UNUSED(reason);
    if (is_central(conn)) {
        set_central(NULL);
        pod_core *core = pod_enter();
        pod_core_disconnected(core, clock_us());
        pod_leave();
        bt_conn_unref(conn);
    }
}

/* A known central's subscriptions come back from flash, without a word, as its link is encrypted.
 */
static void secured(struct bt_conn *conn, bt_security_t level, enum bt_security_err error) {
    if (error != BT_SECURITY_ERR_SUCCESS || level < BT_SECURITY_L2 || !is_central(conn)) {
        return;
    }
    pod_core *core = pod_enter();
    pod_core_encrypted(core, clock_us());
    if (bt_gatt_is_subscribed(conn, service_samples(), BT_GATT_CCC_NOTIFY)) {
        pod_core_subscribed(core, true, clock_us());
    }
    pod_leave();
    update_confirm();
}

BT_CONN_CB_DEFINE(connection_callbacks) = {
    .connected = connected,
    .disconnected = disconnected,
    .security_changed = secured,
};

static void mtu_changed(struct bt_conn *conn, uint16_t tx, uint16_t rx) {
    ARG_UNUSED(tx);
    ARG_UNUSED(rx);
    if (is_central(conn)) {
        pod_core_mtu(pod_enter(), bt_gatt_get_mtu(conn));
        pod_leave();
    }
}

/* The bonds. */

static void note(const struct bt_bond_info *bond, void *found) {
    ARG_UNUSED(bond);
    *(bool *)found = true;
}

bool link_has_bonds(void) {
    bool found = false;
    bt_foreach_bond(BT_ID_DEFAULT, note, &found);
    return found;
}

static enum bt_security_err accept_pairing(struct bt_conn *conn,
                                           const struct bt_conn_pairing_feat *const wanted) {
    enum { BONDING_FLAGS = 0x03 }; /* of auth_req */
    ARG_UNUSED(conn);
    if ((wanted->auth_req & BONDING_FLAGS) == 0) {
        return BT_SECURITY_ERR_AUTH_REQUIREMENT;
    }
    const bool open = pod_core_wish(pod_enter()).pairing;
    pod_leave();
    return open ? BT_SECURITY_ERR_SUCCESS : BT_SECURITY_ERR_PAIR_NOT_ALLOWED;
}

static void bonds_changed(void) {
    pod_core_bonded(pod_enter(), link_has_bonds());
    pod_leave();
}

static void paired(struct bt_conn *conn, bool bonded) {
    ARG_UNUSED(conn);
    ARG_UNUSED(bonded);
    bonds_changed();
}

static void bond_deleted(uint8_t id, const bt_addr_le_t *peer) {
    ARG_UNUSED(id);
    ARG_UNUSED(peer);
    bonds_changed();
}

void link_open(void) {
    static const struct bt_conn_auth_cb pairing = {.pairing_accept = accept_pairing};
    static struct bt_conn_auth_info_cb bonding = {
        .pairing_complete = paired,
        .bond_deleted = bond_deleted,
    };
    static struct bt_gatt_cb gatt = {.att_mtu_updated = mtu_changed};
    bt_conn_auth_cb_register(&pairing);
    bt_conn_auth_info_cb_register(&bonding);
    bt_gatt_cb_register(&gatt);
}
