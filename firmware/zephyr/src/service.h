/* The pod's GATT services; pod_link.h says what their records are. */
#ifndef SERVICE_H
#define SERVICE_H

#include <zephyr/bluetooth/gatt.h>

const struct bt_gatt_attr *service_samples(void);
const struct bt_gatt_attr *service_time(void);
const struct bt_gatt_attr *service_status(void);

#endif
