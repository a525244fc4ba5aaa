"""A leaf node with a JetStream domain of its own, in front of a hub that has the streams."""

from __future__ import annotations

from deployment import Deployment, approves, asks, nats_server, plain_redis
from test_nats import user_of
from world import World, free_ports


def sites(world: World) -> tuple[Deployment, dict, dict]:
    """A hub and a leaf node, whose users have the printed permissions: the deployment, the settings at the hub, those at the leaf."""
    hub, leaf, link = free_ports(3)
    at_hub = {"nats.servers": [f"nats://127.0.0.1:{hub}"], "nats.domain": "hub"}
    at_leaf = {"nats.servers": [f"nats://127.0.0.1:{leaf}"], "nats.domain": "hub"}
    site = Deployment(world, plain_redis(world), at_hub)
    printed = site.command("permissions", "nats").stdout
    assert '"$JS.hub.API.STREAM.INFO.RB_EV_0"' in printed, printed
    users = "".join(user_of(printed, name) for name in ("gateway", "worker"))
    text = """host: 127.0.0.1
port: {port}
server_name: {name}
jetstream {{ store_dir: "{folder}/{name}", domain: {name} }}
accounts {{
  RUNBUS {{ jetstream: enabled, users: [
    {{ user: admin, password: admin }}
    {users}
  ] }}
  SYS {{ users: [{{ user: sys, password: sys }}] }}
}}
system_account: SYS
leafnodes {{ {leafnodes} }}
"""
    values = {"folder": world.folder, "users": users}
    nats_server(world, "hub", text.format(port=hub, name="hub", leafnodes=f'listen: "127.0.0.1:{link}"', **values))
    remote = f'remotes: [{{ url: "nats-leaf://admin:admin@127.0.0.1:{link}", account: RUNBUS }}]'
    program = nats_server(world, "leaf", text.format(port=leaf, name="leaf", leafnodes=remote, **values))
    program.wait_for("Leafnode connection created")
    return site, at_hub, at_leaf


def login(name: str) -> dict:
    return {"nats.user": name, "nats.password": name, "nats.inbox_prefix": f"rb.inbox.{name}"}


def test_a_gateway_on_the_leaf_reads_what_a_worker_on_the_hub_writes(world: World) -> None:
    site, at_hub, at_leaf = sites(world)
    gateway, _worker = site.both({**at_leaf, **login("gateway")}, {**at_hub, **login("worker"), **site.clerk})
    site.settings |= {**at_leaf, **login("gateway")}
    approves(gateway, "sum", asks(gateway, "sum"))
    site.is_well()
    admin = {"nats.user": "admin", "nats.password": "admin", "nats.inbox_prefix": None}
    nowhere = ["$JS.nowhere.API", "nats.domain"]
    site.refuses([({**admin, "nats.domain": "nowhere"}, "jetstream", nowhere)])


def test_a_worker_on_the_leaf_works_for_a_gateway_on_the_hub(world: World) -> None:
    site, at_hub, at_leaf = sites(world)
    gateway, _worker = site.both({**at_hub, **login("gateway")}, {**at_leaf, **login("worker")})
    site.completes(gateway)
