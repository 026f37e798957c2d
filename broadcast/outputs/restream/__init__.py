"""Restreaming: the programme to RTMP(S) and SRT targets, each by a process of its own."""
