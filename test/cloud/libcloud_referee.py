"""Drives a Compute API with Apache Libcloud, and prints what it is answered."""

import functools
import json
import sys
import urllib.parse

from libcloud.common.google import GoogleBaseConnection, ResourceExistsError, ResourceNotFoundError
from libcloud.compute.drivers.gce import GCEConnection
from libcloud.compute.providers import get_driver
from libcloud.compute.types import Provider

endpoint, key_file, zone, token_file = sys.argv[1:5]
with open(key_file) as file:
    key = json.load(file)
url = urllib.parse.urlparse(endpoint)
GoogleBaseConnection.poll_interval = 0.05
# The driver itself cannot be told a port.
GCEConnection.host = url.hostname
GCEConnection.__init__ = functools.partialmethod(GCEConnection.__init__, port=url.port)
gce = get_driver(Provider.GCE)(
    key["client_email"],
    key["private_key"],
    datacenter=zone,
    project=key["project_id"],
    auth_type="SA",
    # Libcloud's own address for tokens cannot be changed. A token that it finds in this file it uses.
    credential_file=token_file,
    secure=False,
)
seen = {}


def step(name, call):
    try:
        seen[name] = call()
    except (ResourceExistsError, ResourceNotFoundError) as error:
        seen[name] = {"error": type(error).__name__, "status": error.http_code, "reason": error.code}


def create(name):
    node = gce.create_node(
        name,
        "n1-standard-2",
        "debian-13-trixie-v20261015",
        ex_network="default",
        ex_tags=["kubernetes-io-cluster-one", "kubernetes-io-role-node"],
        ex_metadata={"user-data": "#cloud-config"},
        ex_disk_auto_delete=True,
    )
    return [node.name, node.state, node.size.rsplit("/")[-1], node.extra["tags"], len(node.private_ips), len(node.public_ips)]


step("zones", lambda: sorted(found.name for found in gce.ex_list_zones()))
step("create", lambda: create("lib-a"))
step("create again", lambda: create("lib-a"))
step("create another", lambda: create("lib-b"))
step("list", lambda: sorted(node.name for node in gce.list_nodes(ex_zone=zone)))
step("list all", lambda: sorted(node.name for node in gce.list_nodes(ex_zone="all")))
step("describe", lambda: [gce.ex_get_node("lib-a", zone=zone).extra[field] for field in ("status", "tags", "metadata")][:2])
step("volumes", lambda: sorted(volume.name for volume in gce.list_volumes(ex_zone=zone)))
step("delete", lambda: gce.destroy_node(gce.ex_get_node("lib-a", zone=zone)))
step("deleted", lambda: gce.ex_get_node("lib-a", zone=zone))
print(json.dumps(seen))
