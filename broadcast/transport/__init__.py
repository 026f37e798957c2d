"""One UDP port, many browsers: ICE-lite, DTLS, SRTP and the SDP that leads there."""
