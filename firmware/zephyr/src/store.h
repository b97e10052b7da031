/* The settings record in flash. */
#ifndef STORE_H
#define STORE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Before settings_load(). Flash that holds anything but settings is emptied, and the core told of
 * a record that cannot be read. Returns 0 or a negative errno. */
int store_open(void);

/* What settings_load() found; length 0: nothing. */
const uint8_t *store_kept(size_t *length);

/* For pod_core_flash. */
bool store_keep(void *context, const uint8_t *bytes, size_t length);

#endif
