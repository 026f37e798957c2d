"""People: who is on stage, and how the stage changes hands. Knows nothing of media; see `desk.py`."""
