/* From reset to main, and from a fault to a failed program. */
#include <stdint.h>
#include <stdlib.h>

extern uint32_t data_start[], data_end[], data_stored[], bss_start[], bss_end[], stack_top[];
extern void initialise_monitor_handles(void);
extern int main(void);

void reset(void);

#define COPROCESSOR_ACCESS (*(volatile uint32_t *)0xE000ED88U)
#define FPU_ACCESS (0xFU << 20)

static void fault(void) { _Exit(70); }

void reset(void) {
    for (uint32_t *to = data_start, *from = data_stored; to < data_end;) {
        *to++ = *from++;
    }
    for (uint32_t *at = bss_start; at < bss_end;) {
        *at++ = 0;
    }
    COPROCESSOR_ACCESS |= FPU_ACCESS;
    __asm volatile("dsb\n isb");
    initialise_monitor_handles();
    exit(main());
}

__attribute__((section(".vectors"), used)) static const uintptr_t vectors[16] = {
    (uintptr_t)stack_top, (uintptr_t)reset, (uintptr_t)fault, (uintptr_t)fault,
    (uintptr_t)fault,     (uintptr_t)fault, (uintptr_t)fault,
};
