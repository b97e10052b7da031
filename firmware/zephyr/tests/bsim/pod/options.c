#include "options.h"

#include <zephyr/init.h>

#include "bs_cmd_line.h"
#include "bs_types.h"
#include "soc.h"
#include "vanish.h"

options bench;

extern void bs_add_extra_dynargs(bs_args_struct_t *more);

static void add_options(void) {
    static bs_args_struct_t more[] = {
        {.option = "imu_silent_from",
         .name = "us",
         .type = 'u',
         .dest = &bench.imu_silent_from_us,
         .descript = "From here on the IMU does not answer"},
        {.option = "imu_silent_until",
         .name = "us",
         .type = 'u',
         .dest = &bench.imu_silent_until_us,
         .descript = "Until then"},
        {.option = "tap",
         .name = "us",
         .type = 'u',
         .dest = &bench.tap_us,
         .descript = "A double tap at this time"},
        {.option = "end",
         .name = "us",
         .type = 'u',
         .dest = &bench.end_us,
         .descript = "The pod is gone at this time"},
        ARG_TABLE_ENDMARKER,
    };
    bs_add_extra_dynargs(more);
}

NATIVE_TASK(add_options, PRE_BOOT_1, 1);

static int arm_end(void) {
    if (bench.end_us != UINT32_MAX) {
        vanish_after_us(bench.end_us);
    }
    return 0;
}

SYS_INIT(arm_end, APPLICATION, 0);
