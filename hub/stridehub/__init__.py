"""Running form, measured live from small pods in the leggings."""

__version__ = "0.1.0"
