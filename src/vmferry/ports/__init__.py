"""The few Protocols between the pure half and the half that touches the world.

`vmferry.hosts` and `vmferry.store` are the real ones, `vmferry.fakes` the in-memory ones; both pass one contract suite.
All calls block, may be made from any thread, and raise `HostError` or `HostUnreachable` with libvirt's text kept.
"""

from vmferry.ports.access import Register as Register
from vmferry.ports.host import Connector as Connector
from vmferry.ports.host import Copy as Copy
from vmferry.ports.host import HostPort as HostPort
from vmferry.ports.mending import Chest as Chest
from vmferry.ports.mending import Mender as Mender
from vmferry.ports.mending import Menders as Menders
from vmferry.ports.work import Clock as Clock
from vmferry.ports.work import Dispatcher as Dispatcher
from vmferry.ports.work import Jobs as Jobs
from vmferry.ports.work import Prober as Prober
from vmferry.ports.work import Store as Store
from vmferry.ports.work import Watch as Watch
