"""The hub on MQTT: what it publishes, and the commands it takes."""
