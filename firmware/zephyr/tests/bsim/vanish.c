#include "vanish.h"

#include <zephyr/kernel.h>

#include "NRF_HWLowL.h"
#include "posix_board_if.h"

static void vanish(struct k_timer *timer) {
    ARG_UNUSED(timer);
    hwll_disconnect_phy();
    hwll_set_nosim(true);
    posix_exit(0);
}

static K_TIMER_DEFINE(timer, vanish, NULL);

void vanish_after_us(uint64_t us) { k_timer_start(&timer, K_USEC(us), K_NO_WAIT); }
