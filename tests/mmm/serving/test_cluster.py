"""Two Ray nodes on this machine: nothing is lost when a replica or a node dies, no bit differs."""

import os
import socket
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest

import mmm
from mmm.serving.client import RemoteModel
from mmm.serving.limits import Limits
from tests.mmm.networks import tiny_clip

ray = pytest.importorskip("ray", reason="needs pip install .[serve]")
psutil = pytest.importorskip("psutil")

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(sys.platform != "linux", reason="names of processes"),
    # Two raylets, a proxy and two replicas start on two cores.
    pytest.mark.timeout(400),
    # Ray's own: deprecations of pydantic, pipes left open.
    pytest.mark.filterwarnings("ignore"),
]
ROOT = Path(__file__).parents[3]
STORE_BYTES = 100_000_000
REQUESTS = 200
CLIP = tiny_clip(60)


@pytest.fixture(scope="module")
def cluster(tiny_checkpoint):
    from ray.cluster_utils import Cluster

    with pytest.MonkeyPatch.context() as patch:
        # Raylets hand their environment on to the replicas.
        patch.setenv("MMM_CHECKPOINTS", str(tiny_checkpoint.parent))
        patch.setenv("PYTHONPATH", os.pathsep.join([str(ROOT), os.environ.get("PYTHONPATH", "")]))
        head = {
            "num_cpus": 1,
            "object_store_memory": STORE_BYTES,
            "include_dashboard": False,
        }
        cluster = Cluster(initialize_head=True, connect=False, head_node_args=head)
        yield cluster
        # First: the head cannot be taken from under a connection that a fixture left open.
        ray.shutdown()
        cluster.shutdown()


@pytest.fixture(scope="module")
def server(cluster):
    """A connection to two replicas, one a node: each node has a single CPU."""
    from ray import serve

    from mmm.serving import cluster as serving

    add_node(cluster)
    ray.init(address=cluster.address, log_to_driver=False)
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    serve.start(http_options={"host": "127.0.0.1", "port": port})
    limits = Limits(workers=2, models=1)
    serve.run(serving.deployment(limits, replicas=2, least=2), name=serving.NAME)
    yield mmm.connect(f"http://127.0.0.1:{port}")
    serve.shutdown()
    ray.shutdown()


@pytest.fixture(scope="module")
def local(tiny_checkpoint):
    """The bits of local results, by the name of the method."""
    model = mmm.load_model(tiny_checkpoint)
    return {
        "tiny-ecm": bits(mmm.recover(model, CLIP, hidden())),
        "slerp": bits(mmm.interpolate("slerp", CLIP, hidden())),
    }


def hidden():
    pattern = np.zeros((60, 6), bool)
    pattern[20:40] = True
    return pattern


def bits(result):
    motion = result.recovered.motion
    return motion.rotations.tobytes() + motion.root_m.tobytes()


def add_node(cluster):
    return cluster.add_node(num_cpus=1, object_store_memory=STORE_BYTES)


def replicas():
    """The replicas' processes: children of this test's raylets, so nobody else's."""
    found = []
    for process in psutil.Process().children(recursive=True):
        try:
            if "ServeReplica" in " ".join(process.cmdline()):
                found.append(process)
        # Processes end while the list is walked.
        except psutil.Error:
            continue
    return found


def until(condition, seconds=90):
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        if condition():
            return
        time.sleep(0.5)
    raise AssertionError(f"not within {seconds} s")


def ask_many(server, local, count, break_something):
    """Requests of four clients, in the middle of which something breaks; how many answers differ."""
    done = threading.Semaphore(0)

    def ask(number):
        name = ("slerp", "tiny-ecm")[number % 2]
        answer = server.recover(RemoteModel(name, {}), CLIP, hidden())
        done.release()
        return bits(answer) == local[name]

    with ThreadPoolExecutor(4) as pool:
        answers = [pool.submit(ask, number) for number in range(count)]
        for _ in range(count // 4):
            done.acquire()
        break_something()
        assert not all(answer.done() for answer in answers)
        return [answer.result() for answer in answers]


def test_a_dead_replica_is_replaced_and_loses_no_request(server, local):
    until(lambda: len(replicas()) == 2)
    first, other = replicas()
    assert all(ask_many(server, local, 60, first.kill))
    until(lambda: len(replicas()) == 2 and first.pid not in {p.pid for p in replicas()})
    assert other.is_running()


def test_a_node_killed_amid_200_requests_loses_none(cluster, server, local):
    until(lambda: len(replicas()) == 2)
    (node,) = cluster.worker_nodes
    answers = ask_many(
        server, local, REQUESTS, lambda: cluster.remove_node(node, allow_graceful=False)
    )
    assert len(answers) == REQUESTS
    assert all(answers)
    assert len(ray.nodes()) == 2
    until(lambda: [n["Alive"] for n in ray.nodes()].count(True) == 1)
    # A new node gets the lost replica.
    add_node(cluster)
    until(lambda: len(replicas()) == 2)


def test_a_generation_is_streamed_by_a_replica_as_the_library_makes_it(server, tiny_checkpoint):
    options = {"prefix_frames": 20, "frames": 40, "random_seed": 3}
    here = mmm.generate_clip(mmm.load_model(tiny_checkpoint), CLIP, **options)
    there = server.generate_clip(server.load_model("tiny-ecm"), CLIP, **options)
    assert there.clip.motion.rotations.tobytes() == here.clip.motion.rotations.tobytes()
    assert there.clip.motion.root_m.tobytes() == here.clip.motion.root_m.tobytes()
