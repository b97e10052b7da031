"""Reaching pods: whatever packets come from, they come as a PacketSource."""
