"""LL-HLS: the programme cut into parts and segments, kept on disk, offered to players and caches.

`cmaf` writes boxes, `still` repeats a picture, `packager` cuts, `clock` dates, `playlist` writes playlists.
They are pure. `store` keeps segments on disk, `line` is one rendition, `origin` all of them.
"""
