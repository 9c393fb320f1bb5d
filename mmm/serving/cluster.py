"""The API on Ray Serve: as many replicas as the load needs, on one machine or on many.

A replica is the whole API in a process of its own and computes each request by itself. Windows of
several requests are not batched: whether a batch gives exactly the local bits is not measured yet.
"""

import time
from typing import Any

import ray
from ray import serve

from mmm.serving.limits import Limits

NAME = "mmm"


class Replica:
    """The whole API in a process of Ray."""


def deployment(
    limits: Limits, *, replicas: int = 2, least: int = 1, cpus: float = 1.0, gpus: float = 0.0
) -> Any:
    """The application for ``serve.run``.

    Args:
        limits: of each replica.
        replicas: the largest number of replicas.
        least: the number that runs without load.
        cpus, gpus: what Ray reserves for one replica; a fraction of a GPU shares it.
    """

    options = serve.deployment(
        name=NAME,
        ray_actor_options={"num_cpus": cpus, "num_gpus": gpus},
        # A replica accepts what it computes and four more; Ray sends the rest to other replicas.
        max_ongoing_requests=limits.workers + 4,
        max_queued_requests=limits.queue,
        autoscaling_config={
            "min_replicas": least,
            "max_replicas": replicas,
            "target_ongoing_requests": limits.workers,
        },
        # A dead replica is noticed within seconds; Ray's own period is longer.
        health_check_period_s=2,
        health_check_timeout_s=10,
    )
    # Called inside the replica, because an application holds locks, which cannot be pickled.
    replica = serve.ingress(lambda: _app(limits))(Replica)
    # Ray's decorator adds bind(), which type checkers do not see.
    return getattr(options(replica), "bind")()  # noqa: B009


def _app(limits: Limits) -> Any:
    # Imported in the replica; the process that starts the server does not need it.
    from mmm.serving.api import build_app

    return build_app(limits)


def run(
    limits: Limits,
    *,
    host: str,
    port: int,
    address: str | None,
    replicas: int,
    cpus: float,
    gpus: float,
) -> None:
    """Serve until interrupted.

    Args:
        address: a running cluster; None starts one on this machine.

    The others are those of :func:`deployment`.
    """
    # Replicas keep logs of their own; copied here, they would hide ours.
    ray.init(address=address, log_to_driver=False)
    try:
        serve.start(http_options={"host": host, "port": port})
        serve.run(deployment(limits, replicas=replicas, cpus=cpus, gpus=gpus), name=NAME)
        while True:
            time.sleep(1)
    finally:
        # A running cluster goes on; only our application ends.
        serve.delete(NAME)
        ray.shutdown()
