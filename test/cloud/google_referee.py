"""Drives a Compute API with Google's own client, and prints what it is answered."""

import json
import sys

from google.api_core.client_options import ClientOptions
from google.api_core.exceptions import GoogleAPICallError
from google.auth import identity_pool
from google.auth.exceptions import GoogleAuthError
from google.auth.transport.requests import Request
from google.cloud import compute_v1
from google.oauth2 import credentials as oauth2
from google.oauth2 import service_account

endpoint, key_file, zone, audience, subject_token_file = sys.argv[1:6]
with open(key_file) as file:
    key = json.load(file)
project = key["project_id"]
credentials = service_account.Credentials.from_service_account_info(
    key, scopes=["https://www.googleapis.com/auth/cloud-platform"]
)
options = {"credentials": credentials, "client_options": ClientOptions(api_endpoint=endpoint)}
instances = compute_v1.InstancesClient(**options)
operations = compute_v1.ZoneOperationsClient(**options)
disks = compute_v1.DisksClient(**options)
where = {"project": project, "zone": zone}
seen = {}


def step(name, call):
    try:
        seen[name] = call()
    except GoogleAPICallError as error:
        seen[name] = {"status": error.code, "reason": [e["reason"] for e in error.errors], "message": error.message.split(": ", 1)[1]}


def body(name, **changes):
    return compute_v1.Instance(
        **{
            "name": name,
            "machine_type": f"zones/{zone}/machineTypes/n1-standard-2",
            "tags": compute_v1.Tags(items=["kubernetes-io-cluster-one", "kubernetes-io-role-node"]),
            "labels": {"name": name},
            "metadata": compute_v1.Metadata(items=[compute_v1.Items(key="user-data", value="#cloud-config\n")]),
            "disks": [
                compute_v1.AttachedDisk(
                    boot=True,
                    auto_delete=True,
                    initialize_params=compute_v1.AttachedDiskInitializeParams(
                        source_image="projects/debian-cloud/global/images/debian-13-trixie-v20261015",
                        disk_type=f"zones/{zone}/diskTypes/pd-balanced",
                        disk_size_gb=20,
                    ),
                )
            ],
            "network_interfaces": [compute_v1.NetworkInterface(subnetwork=f"regions/{zone[:-2]}/subnetworks/default", access_configs=[compute_v1.AccessConfig()])],
            "scheduling": compute_v1.Scheduling(automatic_restart=True, on_host_maintenance="MIGRATE"),
            **changes,
        }
    )


def insert(name, request_id=None, **changes):
    request = compute_v1.InsertInstanceRequest(**where, instance_resource=body(name, **changes), **({"request_id": request_id} if request_id else {}))
    operation = instances.insert_unary(request=request)
    done = operations.wait(**where, operation=operation.name)
    return {"type": operation.operation_type, "begins": operation.status.name, "ends": done.status.name, "progress": done.progress, "errors": [e.code for e in done.error.errors]}


def shape(name):
    instance = instances.get(**where, instance=name)
    (nic,) = instance.network_interfaces
    (disk,) = instance.disks
    return {
        "status": instance.status,
        "tags": list(instance.tags.items),
        "fingerprints": [bool(instance.tags.fingerprint), bool(instance.label_fingerprint), bool(instance.metadata.fingerprint)],
        "labels": dict(instance.labels),
        "metadata": {item.key: item.value for item in instance.metadata.items},
        "machine": instance.machine_type.split("/compute/v1/")[1],
        "zone": instance.zone.split("/compute/v1/")[1],
        "network": nic.network.split("/compute/v1/")[1],
        "addresses": [bool(nic.network_i_p), bool(nic.access_configs[0].nat_i_p)],
        "disk": [disk.source.split("/compute/v1/")[1], disk.disk_size_gb, disk.boot, disk.auto_delete],
    }


def names(**search):
    return [instance.name for instance in instances.list(request=compute_v1.ListInstancesRequest(**where, **search))]


def pages():
    return [[instance.name for instance in page.items] for page in instances.list(request=compute_v1.ListInstancesRequest(**where, max_results=2)).pages]


def everywhere():
    return {scope: [i.name for i in found.instances] for scope, found in instances.aggregated_list(project=project) if found.instances}


def delete(name):
    operation = instances.delete_unary(**where, instance=name)
    status = instances.get(**where, instance=name).status
    return [operation.operation_type, operation.status.name, status, operations.wait(**where, operation=operation.name).status.name]


def with_token(source):
    source.refresh(Request())
    client = compute_v1.InstancesClient(credentials=oauth2.Credentials(source.token), client_options=options["client_options"])
    return [instance.name for instance in client.list(**where)]


def external(**changes):
    return identity_pool.Credentials.from_info(
        {
            "type": "external_account",
            "audience": audience,
            "subject_token_type": "urn:ietf:params:oauth:token-type:jwt",
            "token_url": f"{endpoint}/v1/token",
            "credential_source": {"file": subject_token_file},
            **changes,
        },
        scopes=["https://www.googleapis.com/auth/cloud-platform"],
    )


def refused(source):
    try:
        source.refresh(Request())
    except GoogleAuthError as error:
        return str(error.args[0])


request_id = "11111111-2222-4333-8444-555555555555"
step("insert", lambda: insert("a"))
step("insert again", lambda: insert("a"))
step("request id", lambda: insert("b", request_id))
step("request id again", lambda: insert("b", request_id))
step("bad request id", lambda: insert("c", "00000000-0000-0000-0000-000000000000"))
step("another", lambda: insert("c"))
step("shape", lambda: shape("a"))
step("disk", lambda: [disks.get(**where, disk="a").size_gb, [u.split("/")[-1] for u in disks.get(**where, disk="a").users]])
step("disk in use", lambda: disks.delete_unary(**where, disk="a"))
step("no instance", lambda: shape("missing"))
step("no machine type", lambda: insert("d", machine_type=f"zones/{zone}/machineTypes/x9-huge"))
step("bare machine type", lambda: insert("d", machine_type="n1-standard-2"))
step("bad name", lambda: insert("D_1"))
step("no disk", lambda: insert("d", disks=[]))
step("no network", lambda: insert("d", network_interfaces=[]))
step("all", lambda: names())
step("by name", lambda: names(filter='name = "b"'))
step("by label", lambda: names(filter="(labels.name = a) AND (status = RUNNING)"))
step("bad filter", lambda: names(filter="name ="))
step("pages", pages)
step("everywhere", everywhere)
step("other zone", lambda: [i.name for i in instances.list(project=project, zone="us-central1-a")])
step("unknown zone", lambda: [i.name for i in instances.list(project=project, zone="mars-east1-a")])
step("other project", lambda: [i.name for i in instances.list(project="another-project", zone=zone)])
step("delete", lambda: delete("a"))
step("deleted", lambda: shape("a"))
step("disk of deleted", lambda: disks.get(**where, disk="a"))
step("delete unknown", lambda: delete("a"))
step("protected", lambda: [insert("e", deletion_protection=True)["ends"], delete("e")])
impersonation = f"{endpoint}/v1/projects/-/serviceAccounts/{key['client_email']}:generateAccessToken"
step("token of a key", lambda: with_token(credentials))
step("exchanged token", lambda: with_token(external()))
step("impersonated", lambda: with_token(external(service_account_impersonation_url=impersonation)))
step("other audience", lambda: refused(external(audience="//iam.googleapis.com/projects/2")))
step("unknown account", lambda: refused(service_account.Credentials.from_service_account_info({**key, "client_email": "nobody@example.com"}, scopes=["https://www.googleapis.com/auth/cloud-platform"])))
print(json.dumps(seen))
