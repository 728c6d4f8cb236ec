"""How fast the server is, as ratios to what is possible and to what others do.

`python -m bench [PEER …]`; needs wrk and two cores: one for the server, one for wrk.
"""
