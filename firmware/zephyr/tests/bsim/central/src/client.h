/* Reads, writes and notifications of the pod's services, one after the other. Results are ATT
 * errors, 0 for none, or a negative errno.
 */
#ifndef CLIENT_H
#define CLIENT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <zephyr/bluetooth/conn.h>

#include "pod_link.h"

/* MCUmgr's characteristic, beside those of pod_link.h. */
#define CLIENT_UPDATE ((pod_link_attribute)(POD_LINK_STATUS + 1))

typedef void (*client_receiver)(const uint8_t *bytes, size_t length);

/* Raises the MTU and finds the attributes. */
int client_discover(struct bt_conn *pod);

bool client_has(pod_link_attribute attribute);

int client_read(struct bt_conn *pod, pod_link_attribute attribute, uint8_t *bytes, size_t capacity,
                size_t *length);
int client_read_standard(struct bt_conn *pod, uint16_t uuid, uint8_t *bytes, size_t capacity,
                         size_t *length);
int client_write(struct bt_conn *pod, pod_link_attribute attribute, const uint8_t *bytes,
                 size_t length);
int client_write_unanswered(struct bt_conn *pod, pod_link_attribute attribute, const uint8_t *bytes,
                            size_t length);
int client_subscribe(struct bt_conn *pod, pod_link_attribute attribute, client_receiver receiver);

#endif
