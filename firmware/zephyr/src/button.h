/* A push button opens the pairing window, as a double tap does. */
#ifndef BUTTON_H
#define BUTTON_H

void button_open(void);

/* Lets a press end System OFF. */
void button_arm_wake(void);

#endif
