#include <zephyr/bluetooth/bluetooth.h>
#include <zephyr/settings/settings.h>

#include "battery.h"
#include "button.h"
#include "identity.h"
#include "imu.h"
#include "light.h"
#include "link.h"
#include "pod.h"
#include "store.h"
#include "update.h"
#include "watchdog.h"

int main(void) {
    watchdog_start();
    if (store_open() != 0 || bt_enable(NULL) != 0 || settings_load() != 0) {
        return 0; /* the watchdog starts it anew */
    }
    identity_open();
    light_open();
    link_open();
    pod_boot();
    imu_open();
    battery_open();
    button_open();
    update_open();
    pod_run();
    return 0;
}
