"""LL-HLS: the programme cut into parts and segments, kept on disk, offered to players and caches.

`cmaf` writes boxes, `still` repeats a picture, `packager` cuts, `clock` dates, `playlist` writes playlists,
`window` knows what is in them: all pure. `store` keeps segments on disk, `rendition` is one size of the
programme, `origin` the session with all of them.
"""
