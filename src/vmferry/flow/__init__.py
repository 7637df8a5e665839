"""One migration as a state table: states, events, effects, the invariant, and what follows from what both hosts say.

Nothing in this package waits, asks or writes. `states.TABLE` says where an event leads, `settle.TABLE` what two
sightings mean, `effects` what may be done to a host and when, `journal` what is written down and what must hold of it.
"""
