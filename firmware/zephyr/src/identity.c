#include "identity.h"

#include <stdint.h>
#include <stdio.h>
#include <zephyr/drivers/hwinfo.h>
#include <zephyr/kernel.h>
#include <zephyr/settings/settings.h>
#include <zephyr/sys/util.h>

#include "pod_core.h"

enum { ID_BYTES = 8 };

static char name[IDENTITY_NAME_BYTES];

const char *identity_name(void) { return name; }

static void tell_serial(const uint8_t id[ID_BYTES]) {
    char serial[2 * ID_BYTES + 1];
    bin2hex(id, ID_BYTES, serial, sizeof serial);
    settings_runtime_set("bt/dis/serial", serial, sizeof serial);
}

static void tell_firmware(void) {
    char version[8];
    snprintf(version, sizeof version, "%d.%d", POD_CORE_FIRMWARE >> 8, POD_CORE_FIRMWARE & 0xFF);
    settings_runtime_set("bt/dis/fw", version, sizeof version);
}

void identity_open(void) {
    uint8_t id[ID_BYTES] = {0};
    hwinfo_get_device_id(id, sizeof id);
    snprintf(name, sizeof name, "pod-%02X%02X", id[ID_BYTES - 2], id[ID_BYTES - 1]);
    tell_serial(id);
    tell_firmware();
}
