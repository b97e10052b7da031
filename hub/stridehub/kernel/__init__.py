"""The thin Python face of the C stride kernel in native/; the only place that knows cffi."""
