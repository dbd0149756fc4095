# SPDX-License-Identifier: MIT
"""Debian's boto3 as a client of SQS's JSON protocol.

Its botocore (1.29) knows SQS by the older query protocol only, which the emulator does not speak; botocore itself
speaks AWS JSON 1.0 to other services. So its own description of SQS is given to it once more, marked as JSON.
"""

import json
import pathlib
import tempfile

import boto3
import botocore.session
import botocore.loaders

_VERSION = "2012-11-05"
# What only the query protocol's names need.
_QUERY_ONLY = {"locationName", "flattened", "resultWrapper", "xmlNamespace"}


def _as_json(part):
    if isinstance(part, dict):
        return {key: _as_json(value) for key, value in part.items() if key not in _QUERY_ONLY}
    if isinstance(part, list):
        return [_as_json(value) for value in part]
    return part


def _description():
    described = _as_json(botocore.loaders.Loader().load_service_model("sqs", "service-2", _VERSION))
    described["metadata"].update(protocol="json", jsonVersion="1.0", targetPrefix="AmazonSQS")
    return described


def sqs_client(endpoint, region, key, secret, **config):
    """A boto3 client for SQS at that address."""
    folder = pathlib.Path(tempfile.mkdtemp(prefix="rococo-boto3-"))
    target = folder / "sqs" / _VERSION / "service-2.json"
    target.parent.mkdir(parents=True)
    target.write_text(json.dumps(_description()))
    session = botocore.session.Session()
    session.get_component("data_loader").search_paths.insert(0, str(folder))
    return boto3.Session(botocore_session=session, region_name=region).client(
        "sqs",
        endpoint_url=endpoint,
        aws_access_key_id=key,
        aws_secret_access_key=secret,
        config=botocore.config.Config(**config),
    )
