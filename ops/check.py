"""Checks that docker-compose.yml, the scripts and the configuration files describe one and the same deployment.

Called by ops/check.sh, from the project's root.
"""

import json
import pathlib
import re
import sys

from ruamel.yaml import YAML

ROOT = pathlib.Path(".")
problems = []


def check(holds, problem):
    if not holds:
        problems.append(problem)


def text(path):
    return (ROOT / path).read_text()


def only(pattern, path):
    """The content of the one match of a pattern in a file."""
    found = set(re.findall(pattern, text(path), re.MULTILINE))
    check(len(found) == 1, f"{path}: {pattern} should be found once, found {sorted(found)}")
    return found.pop() if found else None


def mounts(services):
    """Host path and container path of every file that is mounted."""
    for name, service in services.items():
        for volume in service.get("volumes", []):
            host, inside = volume.split(":")[:2]
            if host.startswith("."):
                yield name, host.removeprefix("./"), inside


compose = YAML(typ="safe", pure=True).load(text("docker-compose.yml"))
services = compose["services"]
scripts = text("ops/cluster.sh") + text("ops/scale-out.sh")

# Optional parts of a deployment: a compose profile, nothing that the scripts start.
optional = {name for name, service in services.items() if service.get("profiles")}

# The containers start the same processes as the scale-out script.
kinds = {"nats": 0, "redis": 0, "gateway": 0, "worker": 0}
for name, service in services.items():
    if name in optional:
        continue
    kinds[name.split("-")[0]] += service.get("deploy", {}).get("replicas", 1)
    check(service.get("healthcheck", {}).get("test"), f"{name} has no health check")
    for needed in service.get("depends_on", {}):
        check(needed in services, f"{name} depends on {needed}, which is no service")
    for port in service.get("ports", []):
        check(port.startswith("127.0.0.1:"), f"{name} publishes {port} beyond loopback")
check(kinds == {"nats": 3, "redis": 1, "gateway": 2, "worker": 3}, f"services: {kinds}")

# Files that others name.
included = {"ops/redis/users.acl"}
for path, name in [("ops/nats/cluster.conf", "common.conf"), ("ops/nats/common.conf", "accounts.conf")]:
    check(f'include "{name}"' in text(path), f"{path} does not include {name}")
    included.add(f"ops/nats/{name}")

# Children that MCP servers leave behind are reaped.
for name, service in services.items():
    if name.split("-")[0] in ("gateway", "worker"):
        check(service.get("init") is True, f"{name} has no init: true")

# Callers of a gateway are asked who they are, and by which host they call it.
for name, service in services.items():
    settings = service.get("environment", {}) or {}
    check("RUNBUS_GATEWAY__ALLOW_INSECURE" not in settings, f"{name} turns authentication off")
    if not name.startswith("gateway"):
        continue
    check(settings.get("RUNBUS_AUTH__MODE") == "required", f"{name} does not ask who its callers are")
    hosts = settings.get("RUNBUS_GATEWAY__HOSTS", "").split(",")
    check(name in hosts and all(re.fullmatch(r"[a-z0-9.-]+", host) for host in hosts), f"{name} has the hosts {hosts}")
    keys = settings.get("RUNBUS_AUTH__API_KEYS", "")
    for variable in ["GATEWAY_KEY_SHA256", "METRICS_KEY_SHA256"]:
        check(f"${{{variable}:?" in keys, f"{name}: nothing is said when {variable} is not set")
        check(f"{variable}=" in text("ops/keys.sh"), f"ops/keys.sh does not make {variable}")
    keys = json.loads(re.sub(r"\$\{[^}]*\}", "0" * 64, keys))
    check(keys["prometheus"]["scopes"] == ["metrics"], f"{name}: Prometheus may do more than read metrics")
check("ops/keys.sh" in scripts, "ops/scale-out.sh does not make keys as docker-compose.yml has them")

# Every mounted file exists and is the one that the scripts use.
seen = set()
for name, host, inside in mounts(services):
    seen.add(host)
    # Keys are made by ops/keys.sh, once.
    if not host.startswith(".runbus/keys/"):
        check((ROOT / host).is_file(), f"{name} mounts {host}, which is no file")
    if name in optional:
        continue
    in_use = host in scripts or host in included
    check(in_use, f"{name} mounts {host}, which neither ops/cluster.sh nor ops/scale-out.sh uses")
    command = " ".join(services[name].get("command", []) + services[name]["healthcheck"]["test"])
    environment = " ".join(str(value) for value in services[name].get("environment", {}).values())
    check(
        inside in command or inside in environment or host in included,
        f"{name} mounts {inside}, which its command, health check and environment don't name",
    )
for path in ["nats/common.conf", "nats/accounts.conf", "nats/cluster.conf", "redis/redis.conf", "redis/users.acl", "redis/start.sh", "runbus/gateway.toml", "runbus/worker.toml"]:
    check(f"ops/{path}" in seen, f"ops/{path} is mounted by no service")
for name, service in services.items():
    for volume in service.get("volumes", []):
        if not volume.startswith("."):
            check(volume.split(":")[0] in compose["volumes"], f"{name} uses the undeclared volume {volume}")

# Alerts ask for metrics that there are.
metrics = text("docs/metrics.md")
for name in set(re.findall(r"runbus_\w+", re.sub(r'summary:.*', "", text("ops/prometheus/alerts.yml")))):
    check(f"`{re.sub(r'_bucket$', '', name)}`" in metrics, f"ops/prometheus/alerts.yml: docs/metrics.md has no {name}")

# ... by labels and values that they have.
alerts = re.sub(r'summary:.*', "", text("ops/prometheus/alerts.yml"))
for name, selector in re.findall(r"(runbus_\w+)\{([^}]*)\}", alerts):
    row = next((line for line in metrics.splitlines() if line.startswith(f"| `{re.sub(r'_bucket$', '', name)}` ")), "")
    known = {label: re.findall(r"`([^`]*)`", values) for label, values in re.findall(r"`(\w+)`: ([^;|]*)", row)}
    for label, values in re.findall(r'(\w+)\s*[!=]~?\s*"([^"]*)"', selector):
        check(label in known, f"ops/prometheus/alerts.yml: {name} has no label {label}")
        for value in values.split("|"):
            check(value in known.get(label, []), f"ops/prometheus/alerts.yml: {name} is never {label}={value}")

# Every variable of the servers' files is set by both.
for path in ["ops/nats/common.conf", "ops/nats/accounts.conf", "ops/nats/cluster.conf", "ops/nats/secured.conf", "ops/nats/single.conf"]:
    for variable in re.findall(r"^[^#\n]*\$(NATS_\w+)", text(path), re.MULTILINE):
        check(f"{variable}=" in scripts, f"{path}: ops/cluster.sh does not set {variable}")
        for name in ["nats-1", "nats-2", "nats-3"]:
            check(variable in services[name]["environment"], f"{path}: {name} does not set {variable}")

# Numbers that stand in several places.
shards = only(r"^shards = (\d+)", "ops/runbus/worker.toml")
check(shards == only(r"^shards = (\d+)", "ops/runbus/gateway.toml"), "gateway.toml and worker.toml differ in shards")
check(shards == only(r"\{\{partition\((\d+),3\)\}\}", "ops/nats/accounts.conf"), f"accounts.conf maps to other shards than {shards}")
nats = only(r"^NATS_VERSION=(\S+)", "ops/tools.sh")
check(only(r"image: nats:([0-9.]+)", "docker-compose.yml") == nats, f"docker-compose.yml has another nats than {nats}")
rust = only(r'^rust-version = "([0-9.]+)"', "Cargo.toml")
check(only(r"^FROM rust:([0-9.]+)", "ops/Dockerfile") == rust, f"ops/Dockerfile has another Rust than {rust}")

for path in ROOT.glob("ops/**/*.py"):
    compile(path.read_text(), str(path), "exec")

if problems:
    sys.exit("\n".join(f"ops: {problem}" for problem in problems))
print(f"ops: {len(seen)} mounted files, {len(services)} services, one deployment")
