/* The vibration motor, and the timer that ends each of its pulses. */
#ifndef MOTOR_H
#define MOTOR_H

#include "haptic_player.h"

haptic_motor motor_open(void);

/* From a fatal error: at once, and for good. */
void motor_cut(void);

#endif
