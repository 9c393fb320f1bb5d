"""The HTTP API: FastAPI routes around an :class:`mmm.serving.engine.Engine`."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from functools import partial
from typing import Annotated, Any

import numpy as np
from fastapi import FastAPI, Form
from fastapi.exceptions import RequestValidationError
from fastapi.responses import Response, StreamingResponse
from starlette.datastructures import UploadFile
from starlette.exceptions import HTTPException

from mmm import __version__, edits
from mmm.checkpoints import list_checkpoints, read_json
from mmm.errors import MMMError, SpecError
from mmm.masks import Mask
from mmm.motion.clip import Clip
from mmm.motion.roles import parse_roles
from mmm.serving import answers, faults, forms, reader, uploads
from mmm.serving.engine import Deadline, Engine, Workers
from mmm.serving.gate import Counters, Gate
from mmm.serving.limits import Limits
from mmm.serving.streaming import stream, with_progress
from mmm.serving.uploads import Upload

FILE: dict[int | str, dict[str, Any]] = {
    200: {
        "description": "JSON, or a file in the requested format",
        "content": {
            media: {"schema": {}}
            for media in (
                *answers.MEDIA_TYPES.values(),
                "application/octet-stream",
                "application/x-ndjson",
            )
        },
    }
}
"""Answers of the routes that return files."""


class Service:
    """The routes, and the objects that they share."""

    def __init__(self, limits: Limits) -> None:
        self.limits, self.engine, self.counters = limits, Engine(limits), Counters()
        self.workers = Workers(limits)

    def deadline(self) -> Deadline:
        """The deadline of a request that begins now."""
        return Deadline(self.limits.seconds)

    async def health(self) -> forms.Health:
        """Whether the server answers, and how busy it is."""
        workers = self.workers
        return forms.Health(version=__version__, running=workers.running, waiting=workers.waiting)

    async def metrics(self) -> Response:
        """Counters in Prometheus' text format."""
        self.counters.running.set(self.workers.running)
        self.counters.waiting.set(self.workers.waiting)
        return Response(self.counters.text(), media_type="text/plain; version=0.0.4")

    async def checkpoints(self) -> list[forms.CheckpointFacts]:
        """The checkpoints of this server."""
        # In a thread, because reading files would block all other requests.
        return await asyncio.to_thread(
            lambda: [
                forms.CheckpointFacts(
                    **{
                        field: getattr(info, field)
                        for field in forms.CheckpointFacts.model_fields
                        if field not in ("config", "trained_masks")
                    },
                    trained_masks=list(info.trained_masks),
                    config=read_json(info.path / "config.json"),
                )
                for info in list_checkpoints()
            ]
        )

    async def convert(
        self, form: Annotated[forms.ConvertForm, Form(media_type="multipart/form-data")]
    ) -> Response:
        """One motion file to another format, or to a film or a page."""
        deadline, files = self.deadline(), await _files(form)

        def work() -> bytes:
            return answers.exported(_clip(form, files, deadline), form.format, deadline)

        return _file(await self.workers.run(deadline, work), form.format)

    async def recover(
        self, form: Annotated[forms.RecoverForm, Form(media_type="multipart/form-data")]
    ) -> Response:
        """Hide part of a clip and recover it."""
        deadline, files = self.deadline(), await _files(form)
        # Parsed before the request queues, so that a misspelt role fails at once.
        joint_names = parse_roles(form.role)

        def work() -> bytes:
            clip, mask = _hidden(form, files, deadline)
            result = self.engine.recover(
                form.checkpoint,
                clip,
                mask,
                deadline,
                joint_names=joint_names,
                lock_feet=form.lock_feet,
                noise=np.array(form.noise, np.float32) if form.noise else None,
            )
            if form.format == "exact":
                return answers.exact(result)
            if form.format != "json":
                return answers.exported(result, form.format, deadline)
            # Imported here, with torch: health checks must not wait for it.
            from mmm.evaluation.evaluate import report, with_baselines

            return answers.line(report(with_baselines(result), form.hide or "hidden", form.seed))

        if form.format == "exact":
            lines = await with_progress(self.workers, deadline, work)
            return StreamingResponse(lines, media_type="application/octet-stream")
        return _file(await self.workers.run(deadline, work), form.format)

    async def explain(
        self, form: Annotated[forms.ExplainForm, Form(media_type="multipart/form-data")]
    ) -> forms.Explanation:
        """How far changes of the music move a recovery."""
        deadline, files = self.deadline(), await _files(form)

        def work() -> forms.Explanation:
            edited = edits.apply(form.hide, _clip(form, files, deadline), form.seed)
            rows = self.engine.explain(
                form.checkpoint, edited.clip, edited.mask, form.change, deadline
            )
            return forms.Explanation(
                clip=edited.clip.name,
                checkpoint=form.checkpoint,
                hide=form.hide,
                seed=form.seed,
                rows=[dict(row) for row in rows],
            )

        return await self.workers.run(deadline, work)

    async def generate(
        self, form: Annotated[forms.GenerateForm, Form(media_type="multipart/form-data")]
    ) -> Response:
        """Continue a clip from its first frames, streamed as lines of JSON or as one file."""
        deadline, files = self.deadline(), await _files(form)
        joint_names = parse_roles(form.role)

        # One call for both formats, so that the motion is the same.
        def work(on_chunk: Any = None) -> Any:
            clip = _clip(form, files, deadline)
            song = files.get("music")
            fps = clip.motion.fps
            return self.engine.generate(
                form.checkpoint,
                clip,
                form.frames,
                deadline,
                prefix_frames=form.prefix_frames,
                music=song and uploads.read_song(song, fps, form.music_start, deadline),
                temperature=form.temperature,
                random_seed=form.seed,
                joint_names=joint_names,
                on_chunk=on_chunk,
            )

        if form.format == "stream":
            lines = await stream(self.workers, deadline, work)
            return StreamingResponse(lines, media_type="application/x-ndjson")

        def whole() -> bytes:
            generation = work()
            if form.format != "json":
                return answers.exported(generation, form.format, deadline)
            from mmm.generation.result import report

            return answers.line(report(generation, generation.evaluate()))

        return _file(await self.workers.run(deadline, whole), form.format)


def build_app(limits: Limits | None = None) -> FastAPI:
    """The API as an ASGI application, which any server can run."""
    service = Service(limits or Limits())

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        # Started now, so that the first upload does not wait for a reader process.
        reader.readers().prepare()
        yield
        reader.readers().close()

    app = FastAPI(
        title="Masked motion modelling",
        version=__version__,
        description="Recover and generate human motion. Options are those of the command line.",
        responses=faults.FAULTS,
        lifespan=lifespan,
    )
    app.get("/v1/health")(service.health)
    app.get("/v1/checkpoints")(service.checkpoints)
    app.get("/metrics", response_class=Response)(service.metrics)
    app.post("/v1/recover", response_class=Response, responses=FILE)(service.recover)
    app.post("/v1/generate", response_class=Response, responses=FILE)(service.generate)
    app.post("/v1/convert", response_class=Response, responses=FILE)(service.convert)
    app.post("/v1/explain")(service.explain)
    app.add_exception_handler(MMMError, faults.library_error)
    app.add_exception_handler(RequestValidationError, faults.form_error)
    app.add_exception_handler(HTTPException, faults.http_error)
    # FastAPI keeps this schema, so that /openapi.json answers at once.
    paths = frozenset(app.openapi()["paths"])
    app.add_middleware(
        Gate,
        limits=service.limits,
        counters=service.counters,
        refuse=faults.answer,
        paths=paths,
    )
    return app


async def _files(form: Any) -> dict[str, Upload]:
    """The files of a form, by field."""
    given = {name: getattr(form, name) for name in type(form).model_fields}
    return {
        name: Upload(value.filename or name, await value.read())
        for name, value in given.items()
        # Starlette's class is the base of FastAPI's, and forms hold either.
        if isinstance(value, UploadFile)
    }


def _clip(form: Any, files: dict[str, Upload], deadline: Deadline) -> Clip:
    """The clip of a form; for ``generate``, without the music to dance to."""
    deadline()
    # ``read_clip`` takes the frame rate, the range and the files as arguments of their own.
    options = {name: getattr(form, name) for name in ("unit", "facing", "true_fps", "body")}
    options["up"] = form.up and form.up.lower()
    read = partial(
        uploads.read_clip, files["clip"], report=deadline, asf=files.get("asf"), fps=form.fps
    )
    if isinstance(form, forms.GenerateForm):
        return read(options)
    if form.music_start:
        options["music_start_s"] = form.music_start
    return read(options, music=files.get("music"), frames=form.frames)


def _hidden(
    form: forms.RecoverForm, files: dict[str, Upload], deadline: Deadline
) -> tuple[Clip, Mask]:
    """The clip of a form with what is hidden in it, from a SPEC or from packed bits."""
    packed = files.get("hidden")
    if (form.hide is None) == (packed is None):
        raise SpecError(
            "hide",
            "both hide and hidden" if packed else "nothing",
            "one of hide and hidden",
            "name a SPEC",
        )
    # Packed bits need the clip's shape. A SPEC may change the clip.
    clip = _clip(form, files, deadline)
    if packed is not None:
        return clip, uploads.read_hidden(packed.content, clip)
    edited = edits.apply(form.hide or "", clip, form.seed)
    return edited.clip, edited.mask


def _file(content: bytes, kind: str) -> Response:
    media = answers.MEDIA_TYPES.get(kind, "application/octet-stream")
    # An HTML page made of a user's file must not run with this server's origin.
    headers = {"X-Content-Type-Options": "nosniff"}
    if kind != "json":
        headers["Content-Disposition"] = f'attachment; filename="result.{kind}"'
    return Response(content, media_type=media, headers=headers)
