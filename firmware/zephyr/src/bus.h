/* The I2C bus that the IMU and the motor's driver may share. Transfers take turns by themselves;
 * i2c_recover_bus() takes none.
 */
#ifndef BUS_H
#define BUS_H

/* The bus is not recovered until bus_leave(). */
void bus_enter(void);
void bus_leave(void);

#endif
