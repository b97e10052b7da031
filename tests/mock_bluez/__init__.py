"""BlueZ and pods for tests: a mock of it on a bus of its own, and virtual pods on its air."""
