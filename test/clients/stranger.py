"""A client that knows nothing of this project: it learns the contract by reflection, and prints what it saw as JSON.

Usage: stranger.py <address>, for example unix:/tmp/host.sock
"""

import base64
import json
import sys

import grpc
from google.protobuf import json_format
from google.protobuf.descriptor_pool import DescriptorPool
from google.protobuf.message_factory import GetMessageClass
from grpc_health.v1 import health_pb2, health_pb2_grpc
from grpc_reflection.v1alpha.proto_reflection_descriptor_database import ProtoReflectionDescriptorDatabase
from grpc_status import rpc_status

channel = grpc.insecure_channel(sys.argv[1])
reflection = ProtoReflectionDescriptorDatabase(channel)
pool = DescriptorPool(reflection)
driver = pool.FindServiceByName("mcm.driver.v1.Driver")
detail_class = GetMessageClass(pool.FindMessageTypeByName("mcm.driver.v1.ErrorDetail"))


def call(name, request):
    """Calls a method of the Driver service with JSON, and returns the answer or the error as JSON."""
    method = driver.methods_by_name[name]
    send = channel.unary_unary(
        f"/{driver.full_name}/{name}",
        request_serializer=lambda message: message.SerializeToString(),
        response_deserializer=GetMessageClass(method.output_type).FromString,
    )
    message = json_format.ParseDict(request, GetMessageClass(method.input_type)(), descriptor_pool=pool)
    try:
        return {"ok": json_format.MessageToDict(send(message, timeout=30))}
    except grpc.RpcError as error:
        status = rpc_status.from_call(error)
        details = []
        for item in status.details if status else []:
            detail = detail_class()
            if item.Unpack(detail):
                details.append(json_format.MessageToDict(detail))
        return {"error": error.code().name, "message": error.details(), "details": details}


def encode(text):
    return base64.b64encode(text.encode()).decode()


spec = {
    "region": "eu-1",
    "zone": "eu-1a",
    "machineType": "small-1",
    "image": "linux-1",
    "tags": {"kubernetes.io/cluster/strangers": "1", "kubernetes.io/role/node": "1"},
    "endpoint": sys.argv[2],
}
machine = {"metadata": {"name": "from-python", "namespace": "default"}, "spec": {"class": {"name": "c"}}}
secret = {"data": {"token": encode("strangers:token"), "userData": encode("#cloud-config")}}


def request(**changes):
    machine_class = {"metadata": {"name": "c"}, "provider": "fake", "providerSpec": {**spec, **changes.pop("spec", {})}}
    machine_class.update(changes.pop("machineClass", {}))
    return {"machine": machine, "machineClass": machine_class, "secret": secret, **changes}


health = health_pb2_grpc.HealthStub(channel)
serving = {
    service: health_pb2.HealthCheckResponse.ServingStatus.Name(
        health.Check(health_pb2.HealthCheckRequest(service=service)).status
    )
    for service in ["", "fake"]
}

print(
    json.dumps(
        {
            "services": sorted(reflection.get_services()),
            "health": serving,
            "created": call("CreateMachine", request()),
            "again": call("CreateMachine", request()),
            "status": call("GetMachineStatus", request()),
            "unknownProvider": call("CreateMachine", request(machineClass={"provider": "nobody; $(id)"})),
            "badSpec": call("CreateMachine", request(spec={"machineType": 7, "zone": None, "unknown": True})),
            "missingSecretKey": call("CreateMachine", request(secret={"data": {}})),
            "notFound": call("GetMachineStatus", request(machine={"metadata": {"name": "nobody", "namespace": "default"}})),
            "uninitializedCreated": call(
                "CreateMachine",
                request(machine={"metadata": {"name": "raw", "namespace": "default"}}, spec={"initialization": "required"}),
            ),
            "uninitialized": call(
                "GetMachineStatus",
                request(machine={"metadata": {"name": "raw", "namespace": "default"}}, spec={"initialization": "required"}),
            ),
            "list": call("ListMachines", {"machineClass": request()["machineClass"], "secret": secret}),
            "deleted": call("DeleteMachine", request()),
            "deletedAgain": call("DeleteMachine", request()),
            "empty": call("CreateMachine", {}),
        }
    )
)
