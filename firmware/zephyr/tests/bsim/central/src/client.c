#include "client.h"

#include <errno.h>
#include <string.h>
#include <zephyr/bluetooth/gatt.h>
#include <zephyr/bluetooth/uuid.h>
#include <zephyr/kernel.h>

enum { ATTRIBUTES = CLIENT_UPDATE + 1 };

static K_SEM_DEFINE(done, 0, 1);
static int result;
static uint16_t handles[ATTRIBUTES];
static client_receiver receivers[ATTRIBUTES];
static struct bt_gatt_subscribe_params subscriptions[ATTRIBUTES];
static uint8_t *read_bytes;
static size_t read_capacity;
static size_t read_length;

static int await(int started) {
    if (started != 0) {
        return started;
    }
    return k_sem_take(&done, K_SECONDS(35)) == 0 ? result : -ETIMEDOUT;
}

static void finish(int outcome) {
    result = outcome;
    k_sem_give(&done);
}

static void exchanged(struct bt_conn *pod, uint8_t error, struct bt_gatt_exchange_params *params) {
    finish(error);
}

static void note(const struct bt_gatt_chrc *characteristic) {
    static const struct bt_uuid_128 update =
        BT_UUID_INIT_128(BT_UUID_128_ENCODE(0xda2e7828, 0xfbce, 0x4e01, 0xae9e, 0x261174997c48));
    for (uint16_t i = POD_LINK_INFO; i <= POD_LINK_STATUS; i++) {
        const struct bt_uuid_128 uuid = BT_UUID_INIT_128(POD_LINK_UUID_BYTES(i));
        if (bt_uuid_cmp(characteristic->uuid, &uuid.uuid) == 0) {
            handles[i] = characteristic->value_handle;
        }
    }
    if (bt_uuid_cmp(characteristic->uuid, &update.uuid) == 0) {
        handles[CLIENT_UPDATE] = characteristic->value_handle;
    }
}

bool client_has(pod_link_attribute attribute) { return handles[attribute] != 0; }

static uint8_t find(struct bt_conn *pod, const struct bt_gatt_attr *attr,
                    struct bt_gatt_discover_params *params) {
    if (attr == NULL) {
        finish(0);
        return BT_GATT_ITER_STOP;
    }
    note(attr->user_data);
    return BT_GATT_ITER_CONTINUE;
}

int client_discover(struct bt_conn *pod) {
    static struct bt_gatt_exchange_params exchange = {.func = exchanged};
    static struct bt_gatt_discover_params discovery;
    const int error = await(bt_gatt_exchange_mtu(pod, &exchange));
    if (error != 0) {
        return error;
    }
    memset(handles, 0, sizeof handles);
    discovery = (struct bt_gatt_discover_params){
        .func = find,
        .start_handle = BT_ATT_FIRST_ATTRIBUTE_HANDLE,
        .end_handle = BT_ATT_LAST_ATTRIBUTE_HANDLE,
        .type = BT_GATT_DISCOVER_CHARACTERISTIC,
    };
    return await(bt_gatt_discover(pod, &discovery));
}

static uint8_t take(struct bt_conn *pod, uint8_t error, struct bt_gatt_read_params *params,
                    const void *bytes, uint16_t length) {
    if (error == 0 && bytes != NULL) {
        read_length = MIN(length, read_capacity);
        memcpy(read_bytes, bytes, read_length);
    }
    finish(error);
    return BT_GATT_ITER_STOP;
}

static int read_with(struct bt_conn *pod, struct bt_gatt_read_params *params, uint8_t *bytes,
                     size_t capacity, size_t *length) {
    read_bytes = bytes;
    read_capacity = capacity;
    read_length = 0;
    params->func = take;
    const int error = await(bt_gatt_read(pod, params));
    *length = read_length;
    return error;
}

int client_read(struct bt_conn *pod, pod_link_attribute attribute, uint8_t *bytes, size_t capacity,
                size_t *length) {
    static struct bt_gatt_read_params params;
    params = (struct bt_gatt_read_params){
        .handle_count = 1,
        .single.handle = handles[attribute],
    };
    return read_with(pod, &params, bytes, capacity, length);
}

int client_read_standard(struct bt_conn *pod, uint16_t uuid, uint8_t *bytes, size_t capacity,
                         size_t *length) {
    static struct bt_gatt_read_params params;
    static struct bt_uuid_16 standard;
    standard = (struct bt_uuid_16)BT_UUID_INIT_16(uuid);
    params = (struct bt_gatt_read_params){
        .by_uuid.start_handle = BT_ATT_FIRST_ATTRIBUTE_HANDLE,
        .by_uuid.end_handle = BT_ATT_LAST_ATTRIBUTE_HANDLE,
        .by_uuid.uuid = &standard.uuid,
    };
    return read_with(pod, &params, bytes, capacity, length);
}

static void written(struct bt_conn *pod, uint8_t error, struct bt_gatt_write_params *params) {
    finish(error);
}

int client_write(struct bt_conn *pod, pod_link_attribute attribute, const uint8_t *bytes,
                 size_t length) {
    static struct bt_gatt_write_params params;
    params = (struct bt_gatt_write_params){
        .func = written,
        .handle = handles[attribute],
        .data = bytes,
        .length = (uint16_t)length,
    };
    return await(bt_gatt_write(pod, &params));
}

int client_write_unanswered(struct bt_conn *pod, pod_link_attribute attribute, const uint8_t *bytes,
                            size_t length) {
    return bt_gatt_write_without_response(pod, handles[attribute], bytes, (uint16_t)length, false);
}

static uint8_t receive(struct bt_conn *pod, struct bt_gatt_subscribe_params *params,
                       const void *bytes, uint16_t length) {
    if (bytes != NULL) {
        receivers[params - subscriptions](bytes, length);
    }
    return BT_GATT_ITER_CONTINUE;
}

static void subscribed(struct bt_conn *pod, uint8_t error,
                       struct bt_gatt_subscribe_params *params) {
    finish(error);
}

int client_subscribe(struct bt_conn *pod, pod_link_attribute attribute, client_receiver receiver) {
    receivers[attribute] = receiver;
    struct bt_gatt_subscribe_params *const params = &subscriptions[attribute];
    memset(params, 0, sizeof *params);
    params->notify = receive;
    params->subscribe = subscribed;
    params->value_handle = handles[attribute];
    params->ccc_handle = handles[attribute] + 1U;
    params->value = BT_GATT_CCC_NOTIFY;
    atomic_set_bit(params->flags, BT_GATT_SUBSCRIBE_FLAG_VOLATILE);
    return await(bt_gatt_subscribe(pod, params));
}
