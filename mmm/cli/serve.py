"""``mmm serve``: the library's calls as an HTTP API."""

from importlib.util import find_spec
from typing import Annotated

import typer

from mmm.errors import MMMError
from mmm.serving.limits import Limits

DEFAULTS = Limits()


def serve(
    host: Annotated[
        str, typer.Option(help="address to listen on; 0.0.0.0 for all interfaces")
    ] = "127.0.0.1",
    port: Annotated[int, typer.Option(min=1, max=65535, help="port")] = 8000,
    local: Annotated[bool, typer.Option("--local", help="in this process, without Ray")] = False,
    workers: Annotated[
        int, typer.Option(min=1, help="requests that each replica computes at a time")
    ] = DEFAULTS.workers,
    queue: Annotated[int, typer.Option(min=0, help="most waiting requests")] = DEFAULTS.queue,
    upload_mb: Annotated[
        float, typer.Option(min=0.001, help="largest request, in megabytes")
    ] = DEFAULTS.upload_mb,
    time_limit: Annotated[
        float, typer.Option(min=0.1, metavar="S", help="longest time of a request, in seconds")
    ] = DEFAULTS.seconds,
    api_key: Annotated[
        str | None,
        typer.Option(
            envvar="MMM_API_KEY",
            show_default=False,
            help="key that requests must send; default: $MMM_API_KEY",
        ),
    ] = None,
    ray: Annotated[
        str | None,
        typer.Option(
            metavar="ADDRESS", help="a running Ray cluster; default: start one on this machine"
        ),
    ] = None,
    replicas: Annotated[
        int, typer.Option(min=1, help="most replicas; their number follows the load")
    ] = 2,
    cpus: Annotated[float, typer.Option(min=0, help="CPUs of a replica")] = 1.0,
    gpus: Annotated[float, typer.Option(min=0, help="GPUs of a replica, e.g. 0.25")] = 0.0,
) -> None:
    """Serve recover, generate, explain and convert over HTTP; needs pip install .[serve].

    The API describes itself at /docs. With Ray, replicas start and end with the load.
    """
    for package in ("fastapi", "uvicorn", "multipart", "prometheus_client", "ray"):
        if find_spec(package) is None and not (local and package == "ray"):
            raise MMMError(
                "mmm serve", f"{package} is not installed", cure="pip install '.[serve]'"
            )
    limits = Limits(
        workers=workers, queue=queue, upload_mb=upload_mb, seconds=time_limit, api_key=api_key
    )
    # Imported here: only this command needs FastAPI and Ray.
    if local:
        import uvicorn

        from mmm.serving.api import build_app

        uvicorn.run(build_app(limits), host=host, port=port, log_level="warning")
        return
    from mmm.serving.cluster import run

    run(limits, host=host, port=port, address=ray, replicas=replicas, cpus=cpus, gpus=gpus)
