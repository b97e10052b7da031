"""A pod without hardware: the core of the firmware, compiled for Linux, behind a small front.

`VirtualPod` is the pod; `drive` moves it like one that is worn; `udp` and `ble` put it on a link.
The core itself is built by a C compiler when it is first used.
"""
