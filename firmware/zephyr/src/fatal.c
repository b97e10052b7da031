#include <zephyr/fatal.h>
#include <zephyr/sys/reboot.h>

#include "motor.h"

void k_sys_fatal_error_handler(unsigned int reason, const z_arch_esf_t *frame) {
    ARG_UNUSED(reason);
    ARG_UNUSED(frame);
    motor_cut();
    sys_reboot(SYS_REBOOT_COLD);
}
