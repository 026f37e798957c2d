"""The other side: a WHIP publisher and a WHEP viewer, for the demo, the bench and load tests."""
