#include "bus.h"

#include <zephyr/kernel.h>

static K_MUTEX_DEFINE(lock);

void bus_enter(void) { k_mutex_lock(&lock, K_FOREVER); }

void bus_leave(void) { k_mutex_unlock(&lock); }
