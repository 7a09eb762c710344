"""Runs the same calls against an EC2 endpoint with boto3, and prints what was answered, without what differs from run to run."""

import json
import sys

import boto3
from botocore.config import Config
from botocore.exceptions import ClientError

endpoint, ami, subnet, group = sys.argv[1:]
ec2 = boto3.client(
    "ec2",
    endpoint_url=endpoint,
    region_name="eu-west-1",
    aws_access_key_id="test-access-key",
    aws_secret_access_key="test-secret-key",
    config=Config(retries={"max_attempts": 1}),
)
TAGS = [
    {"Key": "kubernetes.io/cluster/one", "Value": "1"},
    {"Key": "kubernetes.io/role/node", "Value": "1"},
]
seen = {}


def step(name, call):
    try:
        seen[name] = call()
    except ClientError as error:
        seen[name] = {
            "code": error.response["Error"]["Code"],
            "status": error.response["ResponseMetadata"]["HTTPStatusCode"],
        }


def launch(name):
    answer = ec2.run_instances(
        ImageId=ami,
        InstanceType="m5.large",
        MinCount=1,
        MaxCount=1,
        NetworkInterfaces=[{"SubnetId": subnet, "Groups": [group], "DeviceIndex": 0}],
        TagSpecifications=[{"ResourceType": "instance", "Tags": TAGS + [{"Key": "Name", "Value": name}]}],
    )
    return answer["Instances"][0]["InstanceId"]


def names(**search):
    answer = ec2.describe_instances(**search)
    found = [i for r in answer["Reservations"] for i in r["Instances"]]
    return sorted(t["Value"] for i in found for t in i.get("Tags", []) if t["Key"] == "Name")


def shape(instance_id):
    (reservation,) = ec2.describe_instances(InstanceIds=[instance_id])["Reservations"]
    (instance,) = reservation["Instances"]
    (nic,) = instance["NetworkInterfaces"]
    return {
        "state": instance["State"],
        "image": instance["ImageId"] == ami,
        "type": instance["InstanceType"],
        "subnet": instance["SubnetId"] == subnet,
        "dns": instance["PrivateDnsName"] == f"ip-{instance['PrivateIpAddress'].replace('.', '-')}.eu-west-1.compute.internal",
        "tags": sorted(t["Key"] for t in instance["Tags"]),
        "check": nic["SourceDestCheck"],
        "index": nic["Attachment"]["DeviceIndex"],
        "kind": nic["InterfaceType"],
    }


ids = [launch(name) for name in ("a", "b", "c")]
step("shape", lambda: shape(ids[0]))
step("image", lambda: [i["ImageId"] == ami for i in ec2.describe_images(ImageIds=[ami])["Images"]])
step("no image", lambda: ec2.describe_images(ImageIds=["ami-00000000000000bad"]))
step("bad image", lambda: ec2.describe_images(ImageIds=["image"]))
step("all", lambda: names())
step("by name", lambda: names(Filters=[{"Name": "tag:Name", "Values": ["a", "c"]}]))
step("by pattern", lambda: names(Filters=[{"Name": "tag:kubernetes.io/cluster/one", "Values": ["*"]}]))
step("by key", lambda: names(Filters=[{"Name": "tag-key", "Values": ["kubernetes.io/role/node"]}]))
step("by other key", lambda: names(Filters=[{"Name": "tag-key", "Values": ["kubernetes.io/role/other"]}]))
step("by state", lambda: names(Filters=[{"Name": "instance-state-name", "Values": ["running"]}]))
step("no instance", lambda: ec2.describe_instances(InstanceIds=["i-00000000000000bad"]))
step("pages and ids", lambda: ec2.describe_instances(InstanceIds=[ids[0]], MaxResults=5))


def pages():
    paginator = ec2.get_paginator("describe_instances")
    return [len(page["Reservations"]) for page in paginator.paginate(PaginationConfig={"PageSize": 2})]


step("pages", pages)


def check_off():
    instance = ec2.describe_instances(InstanceIds=[ids[0]])["Reservations"][0]["Instances"][0]
    nic = instance["NetworkInterfaces"][0]["NetworkInterfaceId"]
    ec2.modify_network_interface_attribute(NetworkInterfaceId=nic, SourceDestCheck={"Value": False})
    return shape(ids[0])["check"]


step("check off", check_off)
step("no interface", lambda: ec2.modify_network_interface_attribute(NetworkInterfaceId="eni-00000000000000bad", SourceDestCheck={"Value": False}))
step("dry run", lambda: ec2.terminate_instances(InstanceIds=[ids[1]], DryRun=True))
step("terminate", lambda: [i["CurrentState"]["Name"] for i in ec2.terminate_instances(InstanceIds=[ids[1]])["TerminatingInstances"]])
step("gone", lambda: ec2.describe_instances(InstanceIds=[ids[1]])["Reservations"][0]["Instances"][0]["State"])
step("terminate unknown", lambda: ec2.terminate_instances(InstanceIds=["i-00000000000000bad"]))

sts = boto3.client(
    "sts", endpoint_url=endpoint, region_name="eu-west-1", aws_access_key_id="x", aws_secret_access_key="x"
)
step(
    "web identity",
    lambda: sorted(
        sts.assume_role_with_web_identity(
            RoleArn="arn:aws:iam::123456789012:role/machines", RoleSessionName="referee", WebIdentityToken="a.web.token"
        )["Credentials"]
    ),
)
print(json.dumps(seen))
