"""Every URL of Pavilion, by theme; the only folder that imports aiohttp's server.

Each handler takes a request apart, asks the right part of the app, and answers; errors of any kind leave in
the one shape of `errors.py`.
"""
