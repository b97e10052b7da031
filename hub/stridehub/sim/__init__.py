"""A synthetic runner who wears pods, with exact truth, and reacts to cues."""
