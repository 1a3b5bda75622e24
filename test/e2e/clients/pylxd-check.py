"""What pylxd 2.2.10 does, against the cluster: every method people use. Arguments: URL, server certificate, image file, password."""

import sys
import time

import pylxd
from pylxd import exceptions

url, server_certificate, image_file, password = sys.argv[1:5]
done = []


def check(what, holds):
    if not holds:
        sys.exit(f"pylxd: {what}: does not hold")
    done.append(what)


client = pylxd.Client(endpoint=url, cert=("client.crt", "client.key"), verify=server_certificate)
check("a stranger is not trusted", not client.trusted)
client.authenticate(password)
check("trusted by the password", client.trusted)
check("the own certificate is listed", len(client.certificates.all()) >= 1)
check("host_info names the cluster", client.host_info["environment"]["server_clustered"] is True)

with open(image_file, "rb") as file:
    image = client.images.create(file.read(), wait=True)
image.add_alias("py", "of pylxd")
check("image by alias", client.images.get_by_alias("py").fingerprint == image.fingerprint)
check("image list", image.fingerprint in [each.fingerprint for each in client.images.all()])
with image.export() as exported:
    check("image export", len(exported.read()) > 1000)

config = {"name": "py1", "source": {"type": "image", "alias": "py"}, "config": {"user.a": "1"}}
py1 = client.containers.create(config, wait=True)
check("created", client.containers.exists("py1") and py1.status == "Stopped")
py1.start(wait=True)
check("started", py1.status == "Running")
result = py1.execute(["sh", "-c", "echo out; echo err >&2; exit 3"])
check("execute", (result.exit_code, result.stdout, result.stderr) == (3, "out\n", "err\n"))
result = py1.execute(["cat"], stdin_payload="typed")
check("execute with input", (result.exit_code, result.stdout) == (0, "typed"))
check("environment", py1.execute(["sh", "-c", "echo $A"], environment={"A": "b"}).stdout == "b\n")
check("state", py1.state().status_code == 103 and "lo" in py1.state().network)

py1.files.put("/root/note", "line\n", mode="0600", uid=0, gid=0)
check("file put and get", py1.files.get("/root/note") == b"line\n")
check("file mode", py1.execute(["stat", "-c", "%a %u", "/root/note"]).stdout == "600 0\n")
py1.files.delete("/root/note")
try:
    py1.files.get("/root/note")
    check("no such file", False)
except exceptions.NotFound:
    check("no such file", True)

py1.config["user.a"] = "2"
py1.save(wait=True)
check("save", client.containers.get("py1").config["user.a"] == "2")

py1.freeze(wait=True)
check("frozen", py1.status == "Frozen")
py1.unfreeze(wait=True)
check("thawed", py1.status == "Running")
py1.restart(wait=True)
check("restarted", py1.status == "Running")

snapshot = py1.snapshots.create("s1", wait=True)
check("snapshots", [each.name for each in py1.snapshots.all()] == ["s1"])
snapshot = py1.snapshots.get("s1")
snapshot.rename("s2", wait=True)
py1.stop(wait=True)
check("stopped", py1.status == "Stopped")
py1.restore_snapshot("s2", wait=True)
py1.snapshots.get("s2").delete(wait=True)
check("no snapshots", py1.snapshots.all() == [])
py1.rename("py2", wait=True)
check("renamed", [each.name for each in client.containers.all()] == ["py2"])

there = client.containers.create(
    {"name": "py3", "source": {"type": "image", "alias": "py"}}, target="n3", wait=True
)
check("created on a target", there.api.get().json()["metadata"]["location"] == "n3")
there.delete(wait=True)

profile = client.profiles.create("py", {"limits.memory": "64MiB"}, {})
profile.description = "of pylxd"
profile.save()
check("profile", client.profiles.get("py").config["limits.memory"] == "64MiB")
check("profile description", client.profiles.get("py").description == "of pylxd")
profile.rename("pz")
check("profiles", "pz" in [each.name for each in client.profiles.all()])
client.profiles.get("pz").delete()

check("networks", len(client.networks.all()) >= 1)
pool = client.storage_pools.all()[0]
check("storage pool", pool.resources.get().space["total"] > 0)
check("members", sorted(each.server_name for each in client.cluster.members.all())[0] == "n1")

try:
    client.containers.get("nobody")
    check("NotFound", False)
except exceptions.NotFound:
    check("NotFound", True)

client.containers.get("py2").delete(wait=True)
check("deleted", not client.containers.exists("py2"))
client.images.get_by_alias("py").delete(wait=True)
deadline = time.time() + 5
while image.fingerprint in [each.fingerprint for each in client.images.all()] and time.time() < deadline:
    time.sleep(0.1)
check("image deleted", image.fingerprint not in [each.fingerprint for each in client.images.all()])
print(f"{len(done)} checks")
