"""`proxyctl check scenario`: makes an event happen to a pool under constant load, and judges what clients saw of it.

`place` is where it plays; `stage` is the pool, its containers and the load; `events` has one function for each
scenario; `run` plays them and takes everything back, however it ends.
"""
