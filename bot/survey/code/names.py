"""The names of languages and frameworks that the survey says and the sizing table knows.

In: an import path, a Python module or an npm package. Out: one normalised name from ``FRAMEWORKS``. Never: a name that
is not in the table.

Languages, lower case: go, python, javascript, typescript, java, kotlin, scala, csharp, php, ruby, rust, elixir, nginx.
"""

from __future__ import annotations

from typing import Literal, NamedTuple

Role = Literal["server", "worker", "static", "load"]


class Framework(NamedTuple):
    """A framework: what a process of it does, and how strongly it names the process when several are present."""

    role: Role
    rank: int


FRAMEWORKS: dict[str, Framework] = {
    # Go
    "gin": Framework("server", 30),
    "echo": Framework("server", 30),
    "fiber": Framework("server", 30),
    "chi": Framework("server", 30),
    "iris": Framework("server", 30),
    "beego": Framework("server", 30),
    "negroni": Framework("server", 31),
    "gorilla/mux": Framework("server", 29),
    "httprouter": Framework("server", 28),
    "fasthttp": Framework("server", 28),
    "net/http": Framework("server", 15),
    # Python
    "fastapi": Framework("server", 31),
    "flask": Framework("server", 30),
    "django": Framework("server", 30),
    "starlette": Framework("server", 29),
    "sanic": Framework("server", 30),
    "tornado": Framework("server", 29),
    "aiohttp": Framework("server", 28),
    "bottle": Framework("server", 28),
    "falcon": Framework("server", 30),
    "pyramid": Framework("server", 30),
    "litestar": Framework("server", 30),
    "quart": Framework("server", 30),
    "streamlit": Framework("server", 27),
    "gradio": Framework("server", 27),
    "celery": Framework("worker", 13),
    "locust": Framework("load", 14),
    # Node
    "nestjs": Framework("server", 33),
    "nextjs": Framework("server", 32),
    "nuxt": Framework("server", 32),
    "remix": Framework("server", 32),
    "express": Framework("server", 30),
    "fastify": Framework("server", 30),
    "koa": Framework("server", 30),
    "hapi": Framework("server", 30),
    "hono": Framework("server", 30),
    "apollo": Framework("server", 27),
    "socket.io": Framework("server", 17),
    "ws": Framework("server", 16),
    "node-http": Framework("server", 15),
    "bullmq": Framework("worker", 13),
    "react": Framework("static", 9),
    "vue": Framework("static", 9),
    "angular": Framework("static", 9),
    "svelte": Framework("static", 9),
    "vite": Framework("static", 8),
    # any language
    "grpc": Framework("server", 20),
    "amqp": Framework("worker", 12),
    "kafka": Framework("worker", 12),
    "nats": Framework("worker", 12),
    # others, from package files alone
    "webflux": Framework("server", 31),
    "spring-boot": Framework("server", 30),
    "quarkus": Framework("server", 30),
    "micronaut": Framework("server", 30),
    "vertx": Framework("server", 29),
    "dropwizard": Framework("server", 29),
    "helidon": Framework("server", 29),
    "play": Framework("server", 29),
    "ktor": Framework("server", 30),
    "akka-http": Framework("server", 29),
    "http4s": Framework("server", 29),
    "rails": Framework("server", 30),
    "sinatra": Framework("server", 29),
    "roda": Framework("server", 29),
    "sidekiq": Framework("worker", 13),
    "laravel": Framework("server", 30),
    "symfony": Framework("server", 29),
    "slim": Framework("server", 28),
    "codeigniter": Framework("server", 28),
    "cakephp": Framework("server", 28),
    "aspnet": Framework("server", 30),
    "dotnet-worker": Framework("worker", 12),
    "actix-web": Framework("server", 30),
    "axum": Framework("server", 30),
    "rocket": Framework("server", 30),
    "warp": Framework("server", 29),
    "hyper": Framework("server", 27),
    "phoenix": Framework("server", 30),
}

GO_FRAMEWORKS: tuple[tuple[str, str], ...] = (
    ("github.com/gin-gonic/gin", "gin"),
    ("github.com/labstack/echo", "echo"),
    ("github.com/gofiber/fiber", "fiber"),
    ("github.com/go-chi/chi", "chi"),
    ("github.com/kataras/iris", "iris"),
    ("github.com/beego/beego", "beego"),
    ("github.com/astaxie/beego", "beego"),
    ("github.com/urfave/negroni", "negroni"),
    ("github.com/codegangsta/negroni", "negroni"),
    ("github.com/gorilla/mux", "gorilla/mux"),
    ("github.com/julienschmidt/httprouter", "httprouter"),
    ("github.com/valyala/fasthttp", "fasthttp"),
)

PYTHON_FRAMEWORKS: dict[str, tuple[str, tuple[str, ...]]] = {
    "fastapi": ("fastapi", ("fastapi", "fastapi-slim")),
    "flask": ("flask", ("flask",)),
    "flask_restful": ("flask", ("flask-restful",)),
    "django": ("django", ("django",)),
    "rest_framework": ("django", ("djangorestframework",)),
    "starlette": ("starlette", ("starlette", "fastapi")),
    "sanic": ("sanic", ("sanic",)),
    "tornado.web": ("tornado", ("tornado",)),
    "tornado.httpserver": ("tornado", ("tornado",)),
    "aiohttp.web": ("aiohttp", ("aiohttp",)),
    "bottle": ("bottle", ("bottle",)),
    "falcon": ("falcon", ("falcon",)),
    "pyramid": ("pyramid", ("pyramid",)),
    "litestar": ("litestar", ("litestar",)),
    "quart": ("quart", ("quart",)),
    "streamlit": ("streamlit", ("streamlit",)),
    "gradio": ("gradio", ("gradio",)),
    "celery": ("celery", ("celery",)),
    "locust": ("locust", ("locust",)),
}

NODE_FRAMEWORKS: dict[str, str] = {
    "@nestjs/core": "nestjs",
    "next": "nextjs",
    "nuxt": "nuxt",
    "@remix-run/node": "remix",
    "express": "express",
    "fastify": "fastify",
    "koa": "koa",
    "@hapi/hapi": "hapi",
    "hapi": "hapi",
    "hono": "hono",
    "@apollo/server": "apollo",
    "apollo-server": "apollo",
    "socket.io": "socket.io",
    "ws": "ws",
    "@grpc/grpc-js": "grpc",
    "grpc": "grpc",
    "bullmq": "bullmq",
    "bull": "bullmq",
    "react": "react",
    "react-dom": "react",
    "vue": "vue",
    "@angular/core": "angular",
    "svelte": "svelte",
    "vite": "vite",
}

CONVENTION_PORTS: dict[str, int] = {"nextjs": 3000, "nuxt": 3000, "remix": 3000, "nestjs": 3000, "rails": 3000}
"""Documented defaults of frameworks whose start command listens without being told a port."""


def go_framework(path: str) -> str | None:
    """The framework of a Go import path (major-version suffixes included), or None."""
    for prefix, name in GO_FRAMEWORKS:
        if path == prefix or path.startswith(prefix + "/"):
            return name
    return None


def node_package(module: str) -> str:
    """The npm package of an import: ``@scope/name/sub`` and ``name/sub`` lose their sub-path."""
    parts = module.removeprefix("node:").split("/")
    return "/".join(parts[:2]) if module.startswith("@") else parts[0]
