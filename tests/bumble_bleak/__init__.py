"""bleak without a Bluetooth stack: virtual pods and hubs meet on Bumble's simulated air."""
