/* The settings record in flash. */
#ifndef STORE_H
#define STORE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* What settings_load() found; length 0: nothing. */
const uint8_t *store_kept(size_t *length);

/* For pod_core_flash. */
bool store_keep(void *context, const uint8_t *bytes, size_t length);

#endif
