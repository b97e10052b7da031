#include "service.h"

#include <zephyr/bluetooth/att.h>
#include <zephyr/bluetooth/uuid.h>

#include "clock.h"
#include "pod.h"

#define UUID(attribute) BT_UUID_DECLARE_128(POD_LINK_UUID_BYTES(attribute))

static ssize_t answer_write(pod_link_result result, uint16_t length) {
    return result == POD_LINK_OK ? (ssize_t)length : BT_GATT_ERR(result);
}

static ssize_t write_control(struct bt_conn *conn, const struct bt_gatt_attr *attr,
                             const void *bytes, uint16_t length, uint16_t offset, uint8_t flags) {
    pod_core *core = pod_enter();
    const pod_link_result result = pod_core_write_control(core, bytes, length, clock_us());
    pod_leave();
    return answer_write(result, length);
}

static ssize_t write_config(struct bt_conn *conn, const struct bt_gatt_attr *attr,
                            const void *bytes, uint16_t length, uint16_t offset, uint8_t flags) {
    pod_core *core = pod_enter();
    const pod_link_result result = pod_core_write_config(core, bytes, length);
    pod_leave();
    return answer_write(result, length);
}

static ssize_t write_haptic(struct bt_conn *conn, const struct bt_gatt_attr *attr,
                            const void *bytes, uint16_t length, uint16_t offset, uint8_t flags) {
    pod_core *core = pod_enter();
    const pod_link_result result = pod_core_write_haptic(core, bytes, length, clock_us());
    pod_leave();
    return answer_write(result, length);
}

static ssize_t write_time(struct bt_conn *conn, const struct bt_gatt_attr *attr, const void *bytes,
                          uint16_t length, uint16_t offset, uint8_t flags) {
    pod_core *core = pod_enter();
    const pod_link_result result = pod_core_write_time(core, bytes, length, clock_us());
    pod_leave();
    return answer_write(result, length);
}

static ssize_t read_info(struct bt_conn *conn, const struct bt_gatt_attr *attr, void *bytes,
                         uint16_t capacity, uint16_t offset) {
    uint8_t record[POD_WIRE_INFO_BYTES];
    const pod_link_result result = pod_core_read_info(pod_enter(), record);
    pod_leave();
    return result == POD_LINK_OK
               ? bt_gatt_attr_read(conn, attr, bytes, capacity, offset, record, sizeof record)
               : BT_GATT_ERR(result);
}

static ssize_t read_config(struct bt_conn *conn, const struct bt_gatt_attr *attr, void *bytes,
                           uint16_t capacity, uint16_t offset) {
    uint8_t record[POD_LINK_MAX_CONFIG_BYTES];
    const size_t length = pod_core_read_config(pod_enter(), record, sizeof record);
    pod_leave();
    return bt_gatt_attr_read(conn, attr, bytes, capacity, offset, record, (uint16_t)length);
}

static ssize_t read_status(struct bt_conn *conn, const struct bt_gatt_attr *attr, void *bytes,
                           uint16_t capacity, uint16_t offset) {
    uint8_t record[POD_LINK_STATUS_BYTES];
    const pod_core *core = pod_enter();
    const size_t length = pod_core_read_status(core, clock_us(), record, sizeof record);
    pod_leave();
    return bt_gatt_attr_read(conn, attr, bytes, capacity, offset, record, (uint16_t)length);
}

static void subscribe_samples(const struct bt_gatt_attr *attr, uint16_t value) {
    pod_core *core = pod_enter();
    pod_core_subscribed(core, value == BT_GATT_CCC_NOTIFY, clock_us());
    pod_leave();
}

/* The place of each value among the attributes. */
enum { SAMPLES_VALUE = 4, TIME_VALUE = 13, STATUS_VALUE = 16 };

#define SECRET_READ BT_GATT_PERM_READ_ENCRYPT
#define SECRET_WRITE BT_GATT_PERM_WRITE_ENCRYPT

/* clang-format off */
BT_GATT_SERVICE_DEFINE(link_service,
    BT_GATT_PRIMARY_SERVICE(UUID(POD_LINK_SERVICE)),
    BT_GATT_CHARACTERISTIC(UUID(POD_LINK_INFO), BT_GATT_CHRC_READ,
                           BT_GATT_PERM_READ, read_info, NULL, NULL),
    BT_GATT_CHARACTERISTIC(UUID(POD_LINK_SAMPLES), BT_GATT_CHRC_NOTIFY,
                           BT_GATT_PERM_NONE, NULL, NULL, NULL),
    BT_GATT_CCC(subscribe_samples, SECRET_READ | SECRET_WRITE),
    BT_GATT_CHARACTERISTIC(UUID(POD_LINK_CONTROL), BT_GATT_CHRC_WRITE,
                           SECRET_WRITE, NULL, write_control, NULL),
    BT_GATT_CHARACTERISTIC(UUID(POD_LINK_HAPTIC), BT_GATT_CHRC_WRITE_WITHOUT_RESP,
                           SECRET_WRITE, NULL, write_haptic, NULL),
    BT_GATT_CHARACTERISTIC(UUID(POD_LINK_CONFIG), BT_GATT_CHRC_READ | BT_GATT_CHRC_WRITE,
                           SECRET_READ | SECRET_WRITE, read_config, write_config, NULL),
    BT_GATT_CHARACTERISTIC(UUID(POD_LINK_TIME),
                           BT_GATT_CHRC_WRITE_WITHOUT_RESP | BT_GATT_CHRC_NOTIFY,
                           SECRET_WRITE, NULL, write_time, NULL),
    BT_GATT_CCC(NULL, SECRET_READ | SECRET_WRITE),
    BT_GATT_CHARACTERISTIC(UUID(POD_LINK_STATUS), BT_GATT_CHRC_READ | BT_GATT_CHRC_NOTIFY,
                           SECRET_READ, read_status, NULL, NULL),
    BT_GATT_CCC(NULL, SECRET_READ | SECRET_WRITE),
);
/* clang-format on */

const struct bt_gatt_attr *service_samples(void) { return &attr_link_service[SAMPLES_VALUE]; }
const struct bt_gatt_attr *service_time(void) { return &attr_link_service[TIME_VALUE]; }
const struct bt_gatt_attr *service_status(void) { return &attr_link_service[STATUS_VALUE]; }

/* The standard Battery service, for phones. */

static ssize_t read_battery(struct bt_conn *conn, const struct bt_gatt_attr *attr, void *bytes,
                            uint16_t capacity, uint16_t offset) {
    uint8_t percent = 0;
    const pod_link_result result = pod_core_read_battery_percent(pod_enter(), &percent);
    pod_leave();
    return result == POD_LINK_OK
               ? bt_gatt_attr_read(conn, attr, bytes, capacity, offset, &percent, sizeof percent)
               : BT_GATT_ERR(result);
}

/* clang-format off */
BT_GATT_SERVICE_DEFINE(battery_service,
    BT_GATT_PRIMARY_SERVICE(BT_UUID_BAS),
    BT_GATT_CHARACTERISTIC(BT_UUID_BAS_BATTERY_LEVEL, BT_GATT_CHRC_READ,
                           BT_GATT_PERM_READ, read_battery, NULL, NULL),
);
/* clang-format on */
