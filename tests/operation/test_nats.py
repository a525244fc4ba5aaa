"""NATS as operators run it: TLS, client certificates, NKeys, credentials files, accounts with limits, an imported API."""

from __future__ import annotations

import re
import signal

from certificates import Authority
from deployment import Deployment, approves, asks, nats_request, nats_server, plain_redis
from nkeys import Key, credentials, jwt
from world import World, free_ports


def server(world: World, *parts: str, port: int | None = None) -> int:
    """A nats-server with JetStream and these parts of a configuration; its port."""
    port = port or free_ports(1)[0]
    base = f'host: 127.0.0.1\nport: {port}\njetstream {{ store_dir: "{world.folder}/nats" }}\n'
    nats_server(world, "nats", base + "\n".join(parts))
    return port


def test_tls_with_a_private_authority(world: World) -> None:
    ours, others = Authority(world.folder / "ours"), Authority(world.folder / "others")
    own, key = ours.certificate("server")
    port = server(world, f'tls {{ cert_file: "{own}", key_file: "{key}" }}')
    settings = {"nats.servers": [f"tls://127.0.0.1:{port}"], "nats.tls_ca_file": str(ours.file)}
    site = Deployment(world, plain_redis(world), settings)
    gateway, _worker = site.both()
    site.completes(gateway)
    site.is_well()
    empty, old = world.file("empty.pem", "no certificate\n"), free_ports(1)[0]
    expired = ours.certificate("expired", expired=True)
    named = ours.certificate("named", names="DNS:nats.example.com")
    for name, (certificate, private) in (("expired", expired), ("named", named)):
        text = f'host: 127.0.0.1\nport: {old}\ntls {{ cert_file: "{certificate}", key_file: "{private}" }}\n'
        nats_server(world, name, text)
        words = {"expired": ["certificate expired", "renew"], "named": ["not valid for name", "nats.servers"]}[name]
        site.refuses([({"nats.servers": [f"tls://127.0.0.1:{old}"]}, "connection", words)])
        (old,) = free_ports(1)
    site.refuses(
        [
            ({"nats.tls_ca_file": str(others.file)}, "connection", ["UnknownIssuer", "nats.tls_ca_file"]),
            ({"nats.tls_ca_file": None}, "connection", ["UnknownIssuer", "nats.tls_ca_file"]),
            ({"nats.tls_ca_file": str(empty)}, "connection", ["nats.tls_ca_file", "it holds none"]),
            ({"nats.tls_ca_file": "nowhere.pem"}, "connection", ["nats.tls_ca_file", "nowhere.pem", "No such file"]),
        ]
    )


def test_client_certificates_and_their_replacement(world: World) -> None:
    ours, others = Authority(world.folder / "ours"), Authority(world.folder / "others")
    own, key = ours.certificate("server")
    port = server(world, f'tls {{ cert_file: "{own}", key_file: "{key}", ca_file: "{ours.file}", verify: true }}')
    certificate, private = ours.certificate("client")
    settings = {
        "nats.servers": [f"tls://127.0.0.1:{port}"],
        "nats.tls_ca_file": str(ours.file),
        "nats.tls_cert_file": str(certificate),
        "nats.tls_key_file": str(private),
    }
    site = Deployment(world, plain_redis(world), settings)
    gateway, _worker = site.both()
    site.completes(gateway)

    def shown(pair: tuple) -> dict:
        return {"nats.tls_cert_file": str(pair[0]), "nats.tls_key_file": str(pair[1])}

    site.refuses(
        [
            ({"nats.tls_cert_file": None, "nats.tls_key_file": None}, "connection", ["CertificateRequired", "nats.tls_cert_file", "nats.tls_key_file"]),
            (shown(ours.certificate("old", expired=True)), "connection", ["CertificateExpired", "nats.tls_cert_file", "expired"]),
            (shown(others.certificate("stranger")), "connection", ["alert", "nats.tls_cert_file"]),
            (shown((certificate, key)), "connection", ["nats.tls_key_file", "KeyMismatch"]),
        ]
    )


def test_a_password_in_a_file_is_read_again(world: World) -> None:
    users = 'authorization {{ users: [{{ user: runbus, password: "{0}" }}] }}'
    port = server(world, users.format("first"))
    nats = world.programs[-1]
    secret = world.file("password", "first\n")
    settings = {"nats.servers": [f"nats://127.0.0.1:{port}"], "nats.user": "runbus", "nats.password_file": str(secret)}
    # One connection, so that its new beginning is the end of the change.
    settings |= {"nats.connections": 1}
    site = Deployment(world, plain_redis(world), settings)
    gateway, worker = site.both()
    site.completes(gateway)
    # A reload closes the connections of the old password.
    since = len(nats.lines)
    before = [(process, len(process.program.lines)) for process in (gateway, worker)]
    config = world.folder / "nats.conf"
    config.write_text(config.read_text().replace('"first"', '"second"'))
    secret.write_text("second\n")
    nats.process.send_signal(signal.SIGHUP)
    nats.wait_for("Reloaded", since)
    for process, lines in before:
        process.program.wait_for("connected to NATS", lines)
        process.wait_until(200, "ready")
    site.completes(gateway, "second")
    words = ["authorization violation", "nats.user", "nats.password"]
    site.refuses(
        [
            ({"nats.password_file": None, "nats.password": "wrong"}, "connection", words),
            ({"nats.user": None, "nats.password_file": None}, "connection", ["authorization violation", "without a login", "nats.user"]),
            ({"nats.password_file": "nowhere"}, "connection", ["nowhere", "No such file"]),
        ]
    )


def test_nkeys(world: World) -> None:
    user, stranger = Key("user"), Key("user")
    port = server(world, f"authorization {{ users: [{{ nkey: {user.public} }}] }}")
    seed = world.file("user.nk", user.seed + "\n")
    settings = {"nats.servers": [f"nats://127.0.0.1:{port}"], "nats.nkey_file": str(seed)}
    site = Deployment(world, plain_redis(world), settings)
    gateway, _worker = site.both()
    site.completes(gateway)
    other, none = world.file("other.nk", stranger.seed), world.file("none.nk", "SUNOTHING")
    site.refuses(
        [
            ({"nats.nkey_file": str(other)}, "connection", ["authorization violation", "nats.nkey_file"]),
            ({"nats.nkey_file": str(none)}, "connection", ["none.nk", "no seed of an NKey"]),
        ]
    )


def test_a_credentials_file_of_an_operator(world: World) -> None:
    operator, system, account, user, stranger = (Key(kind) for kind in ("operator", "account", "account", "user", "account"))
    limits = {"subs": -1, "conn": -1, "leaf": -1, "imports": -1, "exports": -1, "data": -1, "payload": -1, "wildcards": True}
    limits |= {"mem_storage": -1, "disk_storage": 1 << 30, "streams": -1, "consumer": -1}
    permissions = {"pub": {}, "sub": {}, "subs": -1, "data": -1, "payload": -1, "type": "user"}
    top = jwt(operator, operator, "operator", {"type": "operator"})
    ours = jwt(operator, account, "runbus", {"type": "account", "limits": limits})
    others = jwt(operator, system, "system", {"type": "account", "limits": {**limits, "disk_storage": 0, "mem_storage": 0}})
    accounts = f"resolver_preload: {{ {account.public}: {ours}, {system.public}: {others} }}"
    parts = f"operator: {top}\nsystem_account: {system.public}\nresolver: MEMORY\n{accounts}"
    port = server(world, parts)
    good = world.file("good.creds", credentials(jwt(account, user, "runbus", permissions), user))
    bad = world.file("bad.creds", credentials(jwt(stranger, user, "runbus", permissions), user))
    none = world.file("none.creds", "nothing\n")
    settings = {"nats.servers": [f"nats://127.0.0.1:{port}"], "nats.credentials_file": str(good)}
    site = Deployment(world, plain_redis(world), settings)
    gateway, _worker = site.both()
    site.completes(gateway)
    site.refuses(
        [
            ({"nats.credentials_file": str(bad)}, "connection", ["authorization violation", "nats.credentials_file"]),
            ({"nats.credentials_file": str(none)}, "connection", ["none.creds", "no JWT and seed"]),
        ]
    )


def test_an_account_with_limits(world: World) -> None:
    limits = "jetstream: { max_file: 1GB, max_mem: 1MB, max_streams: 6, max_consumers: 3, max_bytes_required: true }"
    port = server(world, f"accounts {{ A {{ {limits}, users: [{{ user: u, password: p }}] }} }}")
    login = {"nats.servers": [f"nats://127.0.0.1:{port}"], "nats.user": "u", "nats.password": "p"}
    bounded = {"nats.max_bytes_mib": 64, "nats.state_max_bytes_mib": 64}
    site = Deployment(world, plain_redis(world), login, bounded)
    done = site.command("setup", own={name: None for name in bounded})
    assert done.returncode != 0 and len(done.stderr.splitlines()) == 1, done
    assert "nats.state_max_bytes_mib" in done.stderr or "nats.max_bytes_mib" in done.stderr, done.stderr
    gateway, _worker = site.both(worker=site.clerk)
    approves(gateway, "sum", asks(gateway, "sum"))
    site.is_well()


def test_streams_that_an_operator_edited_harmlessly_are_used_with_a_warning(world: World) -> None:
    port = server(world)
    site = Deployment(world, plain_redis(world), {"nats.servers": [f"nats://127.0.0.1:{port}"]})
    assert site.command("setup").returncode == 0
    edits = {"max_age": 3600 * 10**9, "max_bytes": 1 << 30, "max_msgs": 1_000_000, "description": "edited"}
    edits["placement"] = {"tags": ["ssd"]}
    config = nats_request(port, "$JS.API.STREAM.INFO.RB_EV_0", {})["config"]
    nats_request(port, "$JS.API.STREAM.UPDATE.RB_EV_0", {**config, **edits})
    gateway, worker = site.both()
    site.completes(gateway)
    for process in (gateway, worker):
        for field in edits:
            process.program.wait_for(f"WARN.*RB_EV_0.*{field}")
    after = nats_request(port, "$JS.API.STREAM.INFO.RB_EV_0", {})["config"]
    assert {name: after[name] for name in edits} == edits, "what the operator chose stays"


def test_a_denied_request_blames_the_permission_and_not_the_connection(world: World) -> None:
    """The user may log in, and may not use JetStream."""
    users = 'authorization { users: [{ user: plain, password: plain, permissions: { publish: { deny: "$JS.API.>" } } }] }'
    port = server(world, users)
    own = {"nats.servers": [f"nats://127.0.0.1:{port}"], "nats.user": "plain", "nats.password": "plain"}
    site = Deployment(world, plain_redis(world), own)
    for words in (["stats"], ["publish", "--type", "custom", "--stream", "s", "--data", "{}"]):
        done = site.command(*words)
        assert done.returncode in (64, 69, 70, 77), done
        assert len(done.stderr.splitlines()) == 1, done.stderr
        assert "Permissions Violation" in done.stderr and "no connection" not in done.stderr, done.stderr


def test_a_broker_that_is_away_is_reported_once(world: World) -> None:
    (port,) = free_ports(1)
    site = Deployment(world, plain_redis(world), {"nats.servers": [f"nats://127.0.0.1:{port}"]})
    waiting = site.start("worker", {"telemetry.filter": "info"})
    waiting.wait_for("the broker is not ready")
    server(world, port=port)
    waiting.wait_for("connected to NATS")
    lines = [line for line in waiting.lines if "async_nats" in line]
    assert not lines, lines
    assert sum("the broker is not ready" in line for line in waiting.lines) == 1, waiting.lines


def test_an_imported_api_under_the_printed_permissions(world: World) -> None:
    """The streams belong to another account, which exports its API under another name. The users have the printed permissions."""
    (port,) = free_ports(1)
    address = {"nats.servers": [f"nats://127.0.0.1:{port}"], "nats.api_prefix": "js.of.owner"}
    site = Deployment(world, plain_redis(world), address)
    printed = site.command("permissions", "nats", own={"nats.user": None}).stdout
    assert '"js.of.owner.STREAM.INFO.RB_EV_0"' in printed and '"$JS.API.' not in printed, printed
    users = {name: user_of(printed, name) for name in ("gateway", "worker")}
    services = ["rb.ev.>", "rb.ext.>", "rb.se.>", "rb.in.>", "rb.job.>", "rb.check.>", "rb.layout", "$JS.ACK.>"]
    exports = "".join(f'{{ service: "{one}" }}\n' for one in services)
    imports = "".join(f'{{ service: {{ account: OWNER, subject: "{one}" }} }}\n' for one in services)
    nats_server(
        world,
        "nats",
        f"""host: 127.0.0.1
port: {port}
jetstream {{ store_dir: "{world.folder}/nats" }}
accounts {{
  OWNER {{
    jetstream: enabled
    users: [{{ user: admin, password: admin }}]
    exports: [
      {{ service: "$JS.API.>", response_type: stream }}
      {{ stream: "rb.live.>" }}
      {exports}
    ]
  }}
  RUNBUS {{
    users: [ {users["gateway"]} {users["worker"]} ]
    imports: [
      {{ service: {{ account: OWNER, subject: "$JS.API.>" }}, to: "js.of.owner.>" }}
      {{ stream: {{ account: OWNER, subject: "rb.live.>" }} }}
      {imports}
    ]
  }}
}}
""",
    )

    def login(name: str) -> dict:
        return {"nats.user": name, "nats.password": name, "nats.inbox_prefix": f"rb.inbox.{name}"}

    site.settings |= login("gateway")
    gateway, _worker = site.both(worker=login("worker"))
    site.completes(gateway)


def user_of(printed: str, name: str) -> str:
    """A user's block of `runbus permissions nats`, with the user's name as its password."""
    found = re.search(rf'\{{\s+user: "{name}".*?\n      \}}\n', printed, re.DOTALL)
    assert found, printed
    return found[0].replace(f"$NATS_{name.upper()}_PASSWORD", name)
