#include "store.h"

#include <errno.h>
#include <string.h>
#include <zephyr/settings/settings.h>
#include <zephyr/storage/flash_map.h>

#include "settings.h"

static uint8_t kept[SETTINGS_MAX_BYTES];
static size_t kept_length;

/* A record too long for this firmware is cut, so that its checksum fails and the core says so. */
static int load(const char *name, size_t length, settings_read_cb read, void *argument) {
    if (strcmp(name, "settings") != 0) {
        return -ENOENT;
    }
    const ssize_t got = read(argument, kept, MIN(length, sizeof kept));
    kept_length = got > 0 ? (size_t)got : 0;
    return 0;
}

SETTINGS_STATIC_HANDLER_DEFINE(pod, "pod", NULL, load, NULL, NULL);

static int erase(void) {
    const struct flash_area *area;
    int error = flash_area_open(FIXED_PARTITION_ID(storage_partition), &area);
    if (error == 0) {
        error = flash_area_erase(area, 0, area->fa_size);
        flash_area_close(area);
    }
    return error;
}

int store_open(void) {
    if (settings_subsys_init() == 0) {
        return 0;
    }
    kept_length = 1;
    const int error = erase();
    return error != 0 ? error : settings_subsys_init();
}

const uint8_t *store_kept(size_t *length) {
    *length = kept_length;
    return kept;
}

bool store_keep(void *context, const uint8_t *bytes, size_t length) {
    ARG_UNUSED(context);
    return settings_save_one("pod/settings", bytes, length) == 0;
}
