/* What is burnt into every nRF52 and not into a simulated one: its number and its address. */

#include <string.h>
#include <zephyr/bluetooth/bluetooth.h>
#include <zephyr/drivers/hwinfo.h>
#include <zephyr/init.h>

static const uint8_t number[] = {0x51, 0x4D, 0x55, 0x4C, 0x41, 0x54, 0x45, 0xD1};

ssize_t z_impl_hwinfo_get_device_id(uint8_t *buffer, size_t length) {
    const size_t copied = length < sizeof number ? length : sizeof number;
    memcpy(buffer, number, copied);
    return (ssize_t)copied;
}

static int set_address(void) {
    bt_addr_le_t address = {
        .type = BT_ADDR_LE_RANDOM,
        .a.val = {0x51, 0x4D, 0x55, 0x4C, 0x41, 0xD1},
    };
    return bt_id_create(&address, NULL) < 0 ? -EIO : 0;
}

SYS_INIT(set_address, APPLICATION, 0);
