"""Redis as operators run it: TLS with a private authority, the shipped ACL, Sentinel with a failover, Cluster."""

from __future__ import annotations

import ssl

from certificates import Authority
from deployment import Deployment, approves, asks, plain_nats, redis_server
from resp import ask
from world import World, free_ports, tool, until

ADMIN = ("admin", "admin")


def acl(world: World, *more: str) -> str:
    """The printed ACL in a file, with the users' names as passwords."""
    printed = Deployment(world).command("permissions", "redis").stdout
    text = printed.replace("${REDIS_ADMIN_PASSWORD}", "admin").replace("${REDIS_PASSWORD}", "runbus")
    return str(world.file("users.acl", text + "".join(f"{line}\n" for line in more)))


def tls(authority: Authority, port: int) -> list:
    """Arguments of a server that speaks TLS alone and wants client certificates."""
    certificate, key = authority.certificate(f"server-{port}")
    files = ["--tls-cert-file", certificate, "--tls-key-file", key, "--tls-ca-cert-file", authority.file]
    return ["--port", 0, "--tls-port", port, *files]


def files(authority: Authority) -> tuple[dict, ssl.SSLContext]:
    """The settings of a client with a certificate, and the same for commands of a test."""
    certificate, key = authority.certificate("client")
    context = ssl.create_default_context(cafile=str(authority.file))
    context.load_cert_chain(certificate, key)
    settings = {"redis.tls_ca_file": str(authority.file), "redis.tls_cert_file": str(certificate), "redis.tls_key_file": str(key)}
    return settings, context


LOGIN = {"redis.user": "runbus", "redis.password": "runbus"}


def test_tls_with_a_private_authority_under_the_shipped_acl(world: World) -> None:
    ours, others = Authority(world.folder / "ours"), Authority(world.folder / "others")
    (port,) = free_ports(1)
    redis_server(world, *tls(ours, port), "--aclfile", acl(world), port=port)
    client, _context = files(ours)
    site = Deployment(world, plain_nats(world), LOGIN, client, {"redis.url": f"rediss://127.0.0.1:{port}"})
    gateway, _worker = site.both(worker=site.clerk)
    approves(gateway, "sum", asks(gateway, "sum"))
    site.is_well()
    old, stranger = ours.certificate("old", expired=True), others.certificate("stranger")
    (late,) = free_ports(1)
    expired = ours.certificate("expired", expired=True)
    late_files = ["--tls-cert-file", expired[0], "--tls-key-file", expired[1], "--tls-ca-cert-file", ours.file]
    redis_server(world, "--port", 0, "--tls-port", late, *late_files, port=late)

    def shown(pair: tuple) -> dict:
        return {"redis.tls_cert_file": str(pair[0]), "redis.tls_key_file": str(pair[1])}

    plain = redis_server(world)
    site.refuses(
        [
            ({"redis.url": f"rediss://127.0.0.1:{plain}"}, "store", ["TLS handshake", "redis:// is without TLS", "redis.url"]),
            ({"redis.tls_ca_file": str(others.file)}, "store", ["UnknownIssuer", "redis.tls_ca_file"]),
            ({"redis.tls_ca_file": None}, "store", ["UnknownIssuer", "redis.tls_ca_file"]),
            ({"redis.tls_ca_file": "nowhere.pem"}, "store", ["redis.tls_ca_file", "nowhere.pem", "No such file"]),
            ({"redis.tls_cert_file": None, "redis.tls_key_file": None}, "store", ["CertificateRequired", "redis.tls_cert_file"]),
            (shown(old), "store", ["CertificateExpired", "redis.tls_cert_file", "expired"]),
            (shown(stranger), "store", ["alert", "redis.tls_cert_file"]),
            (shown((old[0], stranger[1])), "store", ["redis.tls_key_file", "KeyMismatch"]),
            ({"redis.url": f"rediss://127.0.0.1:{late}"}, "store", ["certificate expired", "renew"]),
            ({"redis.password": "wrong"}, "store", ["redis.user", "redis.password"]),
            ({"redis.user": "nobody"}, "store", ["redis.user", "redis.password"]),
            ({"redis.user": None, "redis.password": None}, "store", ["redis.user", "redis.password"]),
            ({"redis.prefix": "other"}, "store", ["redis.user", "runbus permissions redis"]),
        ]
    )


def test_sentinel_leads_to_the_next_primary_while_an_execution_waits(world: World) -> None:
    users = acl(world, "user replica on >replica resetchannels -@all +psync +replconf +ping")
    first, second, *sentinels = free_ports(5)
    replication = ["--aclfile", users, "--masteruser", "replica", "--masterauth", "replica", "--repl-diskless-sync-delay", 0]
    redis_server(world, *replication, port=first)
    primary = world.programs[-1]
    redis_server(world, *replication, "--replicaof", f"127.0.0.1 {first}", port=second)
    until("the replica", lambda: ask(first, "ROLE", login=ADMIN)[2] or None)
    for port in sentinels:
        # Nothing fails over before the test lets it.
        text = f"""port {port}
bind 127.0.0.1
requirepass sentinel
user runbus on >sentinel-login resetchannels -@all +ping +sentinel|get-master-addr-by-name
sentinel monitor main 127.0.0.1 {first} 2
sentinel auth-user main admin
sentinel auth-pass main admin
sentinel down-after-milliseconds main 600000
sentinel failover-timeout main 10000
"""
        file = world.file(f"sentinel-{port}/sentinel.conf", text)
        world.program(tool("RUNBUS_REDIS_SERVER"), file, "--sentinel").wait_for("Sentinel ID is|\\+monitor")
    watcher = {"login": ("default", "sentinel")}
    for port in sentinels:
        until("the other sentinels", lambda: len(ask(port, "SENTINEL", "SENTINELS", "main", **watcher)) == 2 or None)
        until("the replica", lambda: ask(port, "SENTINEL", "REPLICAS", "main", **watcher) or None)
    settings = {
        "redis.mode": "sentinel",
        "redis.urls": [f"redis://127.0.0.1:{port}" for port in sentinels],
        "redis.service": "main",
        "redis.sentinel_user": "runbus",
        "redis.sentinel_password": "sentinel-login",
    }
    site = Deployment(world, plain_nats(world), LOGIN, settings)
    gateway, worker = site.both(worker=site.clerk)
    site.is_well()
    before = asks(gateway, "before")
    primary.kill()
    for one in (gateway, worker):
        checks = one.wait_until(200, "degraded")
        assert (checks["log"], checks["queue"]) == ("ok", "ok") and checks["store"] != "ok", checks
    # Executions need no store.
    meanwhile = asks(gateway, "meanwhile")
    for port in sentinels:
        ask(port, "SENTINEL", "SET", "main", "down-after-milliseconds", 1000, **watcher)
    for one in (gateway, worker):
        one.wait_until(200, "ready")
    assert ask(second, "ROLE", login=ADMIN)[0] == "master"
    for execution, approval in (("before", before), ("meanwhile", meanwhile)):
        approves(gateway, execution, approval)
        until("the list", lambda: entry(gateway, execution, "completed"))
    site.refuses(
        [
            ({"redis.service": "other"}, "store", ["redis.service", "other"]),
            ({"redis.sentinel_password": "wrong"}, "store", ["redis.sentinel_user", "redis.sentinel_password"]),
            ({"redis.sentinel_user": None, "redis.sentinel_password": None}, "store", ["redis.sentinel_user", "redis.sentinel_password"]),
            ({"redis.password": "wrong"}, "store", ["redis.user", "redis.password"]),
        ]
    )


def entry(gateway, execution: str, status: str) -> dict | None:
    """The entry of an execution in the list, once it has this status."""
    for one in gateway.get("/v1/executions?limit=100")["executions"]:
        if one["execution_id"] == execution and one["status"] == status:
            return one
    return None


def test_a_cluster_with_tls_under_the_shipped_acl(world: World) -> None:
    ours = Authority(world.folder / "ours")
    client, context = files(ours)
    users = acl(world)
    ports, buses = free_ports(3), free_ports(3)
    for port, bus in zip(ports, buses):
        cluster = ["--cluster-enabled", "yes", "--cluster-port", bus, "--tls-cluster", "yes", "--aclfile", users]
        redis_server(world, *tls(ours, port), *cluster, port=port)
    admin = {"login": ADMIN, "context": context}
    for number, port in enumerate(ports):
        ask(port, "CLUSTER", "ADDSLOTSRANGE", number * 5462, min(number * 5462 + 5461, 16383), **admin)
        ask(port, "CLUSTER", "SET-CONFIG-EPOCH", number + 1, **admin)
        ask(port, "CLUSTER", "MEET", "127.0.0.1", ports[0], buses[0], **admin) if number else None
    for port in ports:
        until(
            "the cluster",
            lambda: ("cluster_state:ok" in (info := ask(port, "CLUSTER", "INFO", **admin)) and "cluster_known_nodes:3" in info) or None,
        )
    settings = {"redis.mode": "cluster", "redis.urls": [f"rediss://127.0.0.1:{port}" for port in ports]}
    site = Deployment(world, plain_nats(world), LOGIN, client, settings)
    gateway, _worker = site.both(worker=site.clerk)
    site.is_well()
    executions = [f"run-{number}" for number in range(6)]
    waiting = {execution: asks(gateway, execution) for execution in executions}
    until("the approvals", lambda: len(gateway.get("/v1/approvals?limit=100")["approvals"]) == 6 or None)
    for execution, approval in waiting.items():
        approves(gateway, execution, approval)
        until("the list", lambda: entry(gateway, execution, "completed"))
    sessions = until("the sessions", lambda: len(found := gateway.get("/v1/sessions?limit=100")["sessions"]) == 6 and found)
    assert {one["session_id"] for one in sessions} == {f"{execution}-talk" for execution in executions}
    messages = gateway.get("/v1/sessions/run-0-talk/messages")["messages"]
    assert any("43.50" in str(message) for message in messages), messages
    sizes = [ask(port, "DBSIZE", **admin) for port in ports]
    assert all(sizes), f"every node has a part: {sizes}"
    site.refuses(
        [
            ({"redis.password": "wrong"}, "store", ["redis.user", "redis.password"]),
            ({"redis.tls_ca_file": None}, "store", ["UnknownIssuer", "redis.tls_ca_file"]),
        ]
    )
