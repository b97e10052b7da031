"""What works for a hub, of its machine, settings and pods, and what to do about the rest."""
