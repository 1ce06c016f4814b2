"""A small web service, as its users would write it: FastAPI, instrumented by
prometheus-fastapi-instrumentator.

`/control` makes it fail or slow for the time being: what a deploy does by accident.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass

from fastapi import FastAPI, Response
from prometheus_fastapi_instrumentator import Instrumentator


@dataclass
class Behaviour:
    failing: bool = False


app = FastAPI()
behaviour = Behaviour()


@app.get("/orders")
async def orders() -> Response:
    await asyncio.sleep(0.001)
    return Response("no" if behaviour.failing else "yes", 500 if behaviour.failing else 200)


@app.get("/healthz")
async def healthz() -> Response:
    return Response(status_code=503 if behaviour.failing else 200)


@app.get("/control")
async def control(failing: bool) -> Response:
    behaviour.failing = failing
    return Response()


Instrumentator(excluded_handlers=["/metrics", "/control", "/healthz"]).instrument(app).expose(app)
