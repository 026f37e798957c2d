"""Viewers on more cores: processes that each have a port and a fan-out of their own."""
