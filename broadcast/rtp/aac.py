"""(P) The programme's sound as AAC: low complexity, stereo, 48 kHz (ISO/IEC 14496-3)."""

CONFIGURATION = b"\x11\x90"  # AudioSpecificConfig (section 1.6.2.1)
FRAME = 1024  # samples of one packet
SILENCE = bytes.fromhex("211004608c1c")  # a packet of silence
