#include "update.h"

#include <zephyr/bluetooth/gatt.h>
#include <zephyr/dfu/mcuboot.h>
#include <zephyr/kernel.h>
#include <zephyr/mgmt/mcumgr/transport/smp_bt.h>

#define UUID_SMP                                                                                   \
    BT_UUID_DECLARE_128(BT_UUID_128_ENCODE(0xda2e7828, 0xfbce, 0x4e01, 0xae9e, 0x261174997c48))

/* MCUmgr knows two kinds of access, open to all and authenticated with a passkey. A pod has no
 * display for one; its bonds are made in the pairing window, and an encrypted link is what the
 * rest of its services asks for as well. MCUmgr's attributes are in RAM. */
static uint8_t demand_encryption(const struct bt_gatt_attr *attr, uint16_t handle, void *context) {
    ARG_UNUSED(handle);
    ARG_UNUSED(context);
    struct bt_gatt_attr *const open = (struct bt_gatt_attr *)attr;
    open->perm = BT_GATT_PERM_WRITE_ENCRYPT;
    return BT_GATT_ITER_STOP;
}

void update_open(void) {
    bt_gatt_foreach_attr_type(BT_ATT_FIRST_ATTRIBUTE_HANDLE, BT_ATT_LAST_ATTRIBUTE_HANDLE, UUID_SMP,
                              NULL, 1, demand_encryption, NULL);
}

static void confirm(struct k_work *work) {
    ARG_UNUSED(work);
    if (!boot_is_img_confirmed()) {
        boot_write_img_confirmed();
    }
}

void update_confirm(void) {
    static K_WORK_DEFINE(confirming, confirm);
    k_work_submit(&confirming);
}
