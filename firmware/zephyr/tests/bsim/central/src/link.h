/* Finds a pod, connects and encrypts. */
#ifndef LINK_H
#define LINK_H

#include <stdbool.h>
#include <stdint.h>
#include <zephyr/bluetooth/conn.h>

typedef struct {
    uint32_t advertisements_heard;
    uint32_t connections;
    uint32_t pairings;
    uint32_t pairings_refused;
    uint32_t security_failures;
    uint8_t disconnect_reason; /* the last one */
} link_counts;

extern link_counts counts;

/* Simulated time. */
uint64_t link_now_us(void);

void link_open(void);

/* The pod, or NULL where none is heard and connected in this time. */
struct bt_conn *link_connect(uint32_t within_ms);
bool link_is_connected(void);
bool link_encrypt(struct bt_conn *pod);
/* To the interval of the options, where there is one. */
void link_stretch(struct bt_conn *pod);
void link_leave(struct bt_conn *pod);

#endif
