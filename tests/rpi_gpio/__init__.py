"""A Raspberry Pi's pins without one: RPi.GPIO as rpi-lgpio has it, on a chip that is a folder."""
