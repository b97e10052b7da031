/* What drives the motor: motor_pwm.c or motor_drv2605.c, by devicetree. */
#ifndef MOTOR_DRIVER_H
#define MOTOR_DRIVER_H

#include <stdint.h>

void motor_driver_open(void);

/* 1..100 runs it, 0 stops it. From interrupts too. */
void motor_drive(uint8_t percent);

#endif
