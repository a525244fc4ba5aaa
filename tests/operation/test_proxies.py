"""HAProxy and nginx with the PROXY protocol in front of a gateway: the client's own address counts for limits and is in the log."""

from __future__ import annotations

import contextlib
import hashlib
import pathlib
import re
import socket
import ssl

from certificates import Authority
from deployment import Deployment, Gateway
from world import PATIENCE_S, World, free_ports, tool, until

KEY = "a key of the test, of 32 letters"

BEHIND = {
    "gateway.trusted_addresses": ["127.0.0.1"],
    "gateway.max_connections": 16,
    "gateway.max_connections_per_address": 2,
    "telemetry.filter": "info,runbus_gateway=debug",
    "telemetry.format": "json",
    "auth.mode": "required",
    "auth.api_keys.test.sha256": hashlib.sha256(KEY.encode()).hexdigest(),
    "auth.api_keys.test.scopes": ["*"],
}


def site(world: World) -> Deployment:
    """Gateway and worker on the embedded backend: brokers have no part in this."""
    made = Deployment(world, {"log.backend": "embedded", "store.backend": "embedded", "nats.shards": None})
    made.settings["embedded.synchronous"] = "normal"
    return made


def start(world: World, own: dict) -> int:
    """A deployment whose gateway is not asked for readiness: it takes connections of its proxy alone."""
    made = site(world)
    program = made.start("gateway", {"gateway.listen": "127.0.0.1:0", **BEHIND, **own})
    port = int(program.wait_for(r'"address":"127.0.0.1:(\d+)"')[1])
    made.start("worker", {"telemetry.metrics_listen": "127.0.0.1:0"}).wait_for("worker is ready")
    return port


def shares(at: str, context: ssl.SSLContext | None = None) -> None:
    """Two streams of one address are taken and the third is refused; those of another address are taken."""
    with contextlib.ExitStack() as held:
        for source, status in [("127.0.0.2", 200), ("127.0.0.2", 200), ("127.0.0.2", 429), ("127.0.0.3", 200)]:
            connection = client(at, context, source).connect()
            held.callback(connection.close)
            connection.request("GET", "/v1/events/stream", headers={"accept": "text/event-stream", "x-api-key": KEY})
            answer = connection.getresponse()
            assert answer.status == status, (source, answer.status, answer.read(300))


def client(at: str, context: ssl.SSLContext | None, source: str, key: str = KEY) -> Gateway:
    made = Gateway(at, context, source)
    made.headers["x-api-key"] = key
    return made


def is_logged(program, at: str, context: ssl.SSLContext | None = None) -> None:
    """The log of a refused key has the client's address, and no line has the proxy's as a client's."""
    address = "127.0.0.5"
    assert client(at, context, address, "a wrong key").ask("GET", "/v1/stats")[0] == 401
    program.wait_for(rf'"client\.address":"{re.escape(address)}"')
    assert not any('"client.address":"127.0.0.1"' in line for line in program.lines), "the proxy is logged as a client"


def is_closed(port: int, first: bytes = b"") -> bool:
    """Whether a connection without a header of the proxy is closed without an answer."""
    with socket.create_connection(("127.0.0.1", port), timeout=PATIENCE_S) as link:
        link.sendall(first or b"GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n")
        try:
            return link.recv(1) == b""
        except ConnectionError:
            return True


def through(at: str, context: ssl.SSLContext | None = None) -> None:
    """An execution completes through the proxy, and its events arrive over SSE as they happen."""
    gateway = client(at, context, "127.0.0.4")
    with gateway.stream("/v1/events/stream?stream_id=one") as messages:
        assert next(messages)["type"] == "subscribed"
        gateway.post("/v1/executions", {"definition": "council", "execution_id": "one", "stream_id": "one", "input": "Explain a log."})
        events = gateway.follow(messages, "one")
    assert events[-1]["type"] == "execution_completed", events[-1]
    assert [event["id"] for event in events] == [event["id"] for event in gateway.stored("one")]
    connection = gateway.connect()
    headers = {"connection": "upgrade", "upgrade": "websocket", "sec-websocket-version": "13"}
    headers |= {"x-api-key": KEY, "sec-websocket-key": "dGhlIHNhbXBsZSBub25jZQ==", "sec-websocket-protocol": "runbus.v1"}
    connection.request("GET", "/v1/ws", headers=headers)
    assert connection.getresponse().status == 101
    connection.close()


def haproxy(world: World, text: str) -> None:
    world.program(tool("RUNBUS_HAPROXY"), "-db", "-f", world.file("haproxy.cfg", text))


def nginx(world: World, text: str) -> None:
    """nginx in the foreground, with its files in the case's folder."""
    folder = world.folder / "nginx"
    folder.mkdir()
    head = f"daemon off; pid {folder}/pid; error_log stderr info; master_process off;\n"
    config = world.file("nginx.conf", head + text)
    world.program(tool("RUNBUS_NGINX"), "-p", f"{folder}/", "-c", config, "-e", "stderr")


def temporary(folder: pathlib.Path) -> str:
    return "".join(f"{name}_temp_path {folder}/{name};\n" for name in ("client_body", "proxy", "fastcgi", "uwsgi", "scgi"))


def listens(port: int) -> None:
    def look() -> bool | None:
        with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), timeout=1):
            return True
        return None

    until(f"a proxy on port {port}", look)


def test_haproxy_names_clients_by_version_2_in_front_of_a_gateway_with_tls(world: World) -> None:
    ours = Authority(world.folder / "ours")
    certificate, key = ours.certificate("gateway")
    own = {"gateway.proxy_protocol": True, "gateway.tls_cert_file": str(certificate), "gateway.tls_key_file": str(key)}
    port = start(world, own)
    gateway = world.programs[0]
    (front,) = free_ports(1)
    haproxy(
        world,
        f"""defaults
  mode tcp
  timeout connect 5s
  timeout client 90s
  timeout server 90s
frontend runbus
  bind 127.0.0.1:{front}
  default_backend gateways
backend gateways
  option httpchk
  http-check send meth GET uri /readyz ver HTTP/1.1 hdr Host localhost
  server one 127.0.0.1:{port} send-proxy-v2 check check-ssl verify none inter 200ms
""",
    )
    listens(front)
    context = ssl.create_default_context(cafile=str(ours.file))
    at = f"127.0.0.1:{front}"
    until("a gateway that HAProxy finds healthy", lambda: ready(at, context))
    shares(at, context)
    through(at, context)
    is_logged(gateway, at, context)
    assert is_closed(port), "a connection of the proxy without a header"


def ready(at: str, context: ssl.SSLContext | None = None) -> bool | None:
    found = Gateway(at, context).readiness()
    return True if found and found[0] == 200 else None


def test_nginx_names_clients_by_version_1(world: World) -> None:
    port = start(world, {"gateway.proxy_protocol": True})
    gateway = world.programs[0]
    (front,) = free_ports(1)
    nginx(
        world,
        f"""{stream_module(world)}
events {{}}
stream {{
  server {{
    listen 127.0.0.1:{front};
    proxy_pass 127.0.0.1:{port};
    proxy_protocol on;
  }}
}}
""",
    )
    listens(front)
    at = f"127.0.0.1:{front}"
    until("a gateway behind nginx", lambda: ready(at))
    shares(at)
    through(at)
    is_logged(gateway, at)
    assert is_closed(port), "a connection of the proxy without a header"


def stream_module(world: World) -> str:
    """The line that loads the module for TCP, where it is a file of its own."""
    options = world.run(tool("RUNBUS_NGINX"), "-V").stderr
    if "--with-stream=dynamic" not in options:
        return ""
    folder = re.search(r"--modules-path=(\S+)", options)[1]
    return f"load_module {folder}/ngx_stream_module.so;"


def test_nginx_behind_haproxy_names_clients_by_a_header(world: World) -> None:
    """HAProxy names the client to nginx by version 2, and nginx to the gateway by `X-Forwarded-For`."""
    port = start(world, {})
    gateway = world.programs[0]
    front, middle = free_ports(2)
    nginx(
        world,
        f"""events {{}}
http {{
  access_log off;
  {temporary(world.folder / "nginx")}
  map $http_upgrade $connection_upgrade {{ default upgrade; '' ''; }}
  server {{
    listen 127.0.0.1:{middle} proxy_protocol;
    location / {{
      proxy_pass http://127.0.0.1:{port};
      proxy_http_version 1.1;
      proxy_set_header Host $http_host;
      proxy_set_header Upgrade $http_upgrade;
      proxy_set_header Connection $connection_upgrade;
      proxy_set_header X-Forwarded-For $proxy_protocol_addr;
      proxy_read_timeout 90s;
    }}
  }}
}}
""",
    )
    haproxy(
        world,
        f"""defaults
  mode tcp
  timeout connect 5s
  timeout client 90s
  timeout server 90s
frontend runbus
  bind 127.0.0.1:{front}
  default_backend nginx
backend nginx
  server one 127.0.0.1:{middle} send-proxy-v2
""",
    )
    listens(front)
    listens(middle)
    at = f"127.0.0.1:{front}"
    until("a gateway behind both", lambda: ready(at))
    shares(at)
    through(at)
    is_logged(gateway, at)
