/* The vibration motor: motor_pwm.c or motor_drv2605.c, by devicetree. */
#ifndef MOTOR_H
#define MOTOR_H

#include "haptic_player.h"

haptic_motor motor_open(void);

/* From a fatal error: at once, and for good. */
void motor_cut(void);

#endif
