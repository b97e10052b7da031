/* The connection to the central, the only one, and the bonds. */
#ifndef LINK_H
#define LINK_H

#include <stdbool.h>
#include <stdint.h>
#include <zephyr/bluetooth/conn.h>

void link_open(void);

bool link_is_connected(void);
bool link_has_bonds(void);

/* A reference to the central, to be given back with bt_conn_unref(), or NULL. *number tells one
 * connection from the next. */
struct bt_conn *link_central(uint32_t *number);

void link_disconnect(void);

#endif
