"""Motors: whatever the runner feels."""
