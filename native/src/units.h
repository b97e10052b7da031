#ifndef UNITS_H
#define UNITS_H

#define GRAVITY_MPS2 9.80665f
#define DEGREES 57.29577951f /* per radian */
#define RADIANS 0.017453293f /* per degree */

#endif
