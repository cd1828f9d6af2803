"""Python: routes, ports, stores, variables."""

from __future__ import annotations

import pytest

from tests.survey.code.trees import framework, in_use, named, ports, read, routes

FLASK = "from flask import Flask, Blueprint\napp = Flask(__name__)\n"
FASTAPI = "from fastapi import FastAPI, APIRouter\napp = FastAPI()\n"

ROUTES = {
    "flask-default-get": (FLASK + "@app.route('/x')\ndef x(): ...\n", ["GET /x"]),
    "flask-methods": (FLASK + "@app.route('/x', methods=['POST', 'GET'])\ndef x(): ...\n", ["GET /x", "POST /x"]),
    "flask-verb": (FLASK + "@app.delete('/x/<int:id>')\ndef x(id): ...\n", ["DELETE /x/<int:id>"]),
    "flask-blueprint": (
        FLASK
        + "bp = Blueprint('b', __name__, url_prefix='/api')\n@bp.get('/x')\ndef x(): ...\napp.register_blueprint(bp)\n",
        ["GET /api/x"],
    ),
    "flask-register-replaces-prefix": (
        FLASK
        + "bp = Blueprint('b', __name__, url_prefix='/old')\n@bp.get('/x')\ndef x(): ...\napp.register_blueprint(bp, url_prefix='/new')\n",
        ["GET /new/x"],
    ),
    "flask-add-url-rule": (FLASK + "app.add_url_rule('/r', view_func=f, methods=['PUT'])\n", ["PUT /r"]),
    "fastapi": (FASTAPI + "@app.get('/items/{id}')\nasync def x(id: int): ...\n", ["GET /items/{id}"]),
    "fastapi-routers": (
        FASTAPI
        + "r = APIRouter(prefix='/users')\nouter = APIRouter()\n@r.post('/')\ndef a(): ...\nouter.include_router(r)\napp.include_router(outer, prefix='/api/v1')\n",
        ["POST /api/v1/users"],
    ),
    "fastapi-constant-prefix": (
        "from fastapi import APIRouter\nP = '/v2'\nr = APIRouter(prefix=P + '/z')\n@r.get('')\ndef a(): ...\n",
        ["GET /v2/z"],
    ),
    "aiohttp": (
        "from aiohttp import web\napp = web.Application()\napp.router.add_get('/a', h)\napp.add_routes([web.post('/b', h)])\n",
        ["GET /a", "POST /b"],
    ),
    "starlette": (
        "from starlette.applications import Starlette\nfrom starlette.routing import Route\napp = Starlette(routes=[Route('/s', f, methods=['POST'])])\n",
        ["POST /s"],
    ),
    "tornado": ("import tornado.web\napp = tornado.web.Application([(r'/t', H)])\n", ["ANY /t"]),
    "mock-patch-is-no-route": (
        "from flask import Flask\nfrom unittest import mock\n@mock.patch('a.b')\ndef x(): ...\n",
        [],
    ),
    "strings-are-no-code": (FLASK + "doc = '''\n@app.route('/never')\n'''\n", []),
}


@pytest.mark.parametrize("case", ROUTES.values(), ids=ROUTES.keys())
def test_routes(case: tuple[str, list[str]]) -> None:
    text, expected = case
    assert routes(read({"app.py": text})) == expected


def test_router_of_another_file_and_its_line() -> None:
    files = {
        "requirements.txt": "fastapi\nuvicorn\n",
        "app/main.py": "from fastapi import FastAPI\nfrom .routers import items, users\napp = FastAPI()\napp.include_router(items.router, prefix='/api')\napp.include_router(users.router)\n",
        "app/routers/__init__.py": "",
        "app/routers/items.py": "from fastapi import APIRouter\nrouter = APIRouter()\n@router.get('/items')\ndef f(): ...\n",
        "app/routers/users.py": "from fastapi import APIRouter\nrouter = APIRouter(prefix='/users')\n@router.get('/me')\ndef f(): ...\n",
    }
    clues = read(files)
    assert routes(clues) == ["GET /api/items", "GET /users/me"]
    assert (clues.endpoints[0].evidence.path, clues.endpoints[0].evidence.line) == ("app/routers/items.py", 3)


def test_django_urls_with_include() -> None:
    files = {
        "requirements.txt": "Django\npsycopg2-binary\n",
        "site/urls.py": "from django.urls import path, include\nurlpatterns = [path('shop/', include('store.urls')), path('healthz', f)]\n",
        "store/urls.py": "from django.urls import path\nurlpatterns = [path('items/<int:pk>/', f)]\n",
        "site/settings.py": "import django\nDATABASES = {'default': {'ENGINE': 'django.db.backends.postgresql'}}\n",
    }
    clues = read(files)
    assert routes(clues) == ["ANY /healthz", "ANY /shop/items/<int:pk>/"]
    assert (framework(clues), in_use(clues)) == ("django", ["postgresql"])
    assert [item.path for item in clues.health] == ["/healthz"]


PORTS = {
    "flask-port": (FLASK + "app.run(host='0.0.0.0', port=5001)\n", [(5001, "http")], None),
    "flask-default": (FLASK + "app.run()\n", [(5000, "http")], None),
    "flask-env": (FLASK + "import os\napp.run(port=int(os.environ.get('PORT', 8080)))\n", [(8080, "http")], "PORT"),
    "flask-variable": (
        FLASK + "import os\nport = int(os.getenv('APP_PORT', '7000'))\napp.run('0.0.0.0', port)\n",
        [(7000, "http")],
        "APP_PORT",
    ),
    "uvicorn": (
        FASTAPI + "import uvicorn\nuvicorn.run('app:app', host='0.0.0.0', port=8123)\n",
        [(8123, "http")],
        None,
    ),
    "uvicorn-default": (FASTAPI + "import uvicorn\nuvicorn.run(app)\n", [(8000, "http")], None),
    "uvicorn-settings": (
        FASTAPI
        + "import uvicorn\nfrom pydantic_settings import BaseSettings\nclass S(BaseSettings):\n    port: int = 8077\nsettings = S()\nuvicorn.run(app, port=settings.port)\n",
        [(8077, "http")],
        None,
    ),
    "argparse": (
        FLASK
        + "import argparse\np = argparse.ArgumentParser()\np.add_argument('--port', type=int, default=6001)\nargs = p.parse_args()\napp.run(port=args.port)\n",
        [(6001, "http")],
        None,
    ),
    "grpc": (
        "import grpc\nimport os\ns = grpc.server(pool)\nport = os.environ.get('PORT', '50051')\ns.add_insecure_port('[::]:' + port)\n",
        [(50051, "grpc")],
        "PORT",
    ),
    "grpc-fstring": (
        "import grpc\ns = grpc.server(pool)\nP = 9000\ns.add_insecure_port(f'0.0.0.0:{P}')\n",
        [(9000, "grpc")],
        None,
    ),
    "aiohttp-default": ("from aiohttp import web\nweb.run_app(web.Application())\n", [(8080, "http")], None),
    "stdlib": (
        "from http.server import HTTPServer\nHTTPServer(('', 8085), H).serve_forever()\n",
        [(8085, "http")],
        None,
    ),
    "unknown": (FLASK + "app.run(port=settings.whatever())\n", [(5000, "http")], None),
    "subprocess-run-is-none": (FLASK + "import subprocess\nsubprocess.run(['x'])\n", [], None),
}


@pytest.mark.parametrize("case", PORTS.values(), ids=PORTS.keys())
def test_ports(case: tuple[str, list[tuple[int, str]], str | None]) -> None:
    text, expected, variable = case
    clues = read({"app.py": text})
    assert ports(clues) == expected
    assert [claim.from_env for claim in clues.ports] == [variable] * len(expected)
    assert clues.listens is True


def test_a_second_server_behind_a_setting_is_left_out() -> None:
    text = (
        FLASK + "import grpc, os\ndef serve():\n    s = grpc.server(p)\n    s.add_insecure_port('[::]:9090')\n"
        "if __name__ == '__main__':\n    if os.getenv('GRPC_ENABLED') == 'True':\n        serve()\n    else:\n        app.run(port=8080)\n"
    )
    assert ports(read({"app.py": text})) == [(8080, "http")]


def test_start_command_beats_the_debug_server() -> None:
    text = FLASK + "if __name__ == '__main__':\n    app.run(port=5000)\n"
    clues = read({"app.py": text, "Procfile": "web: gunicorn app:app -b 0.0.0.0:8090 -w 3\n"})
    assert (ports(clues), clues.workers) == ([(8090, "http")], 3)
    assert clues.start_command == ("gunicorn", "app:app", "-b", "0.0.0.0:8090", "-w", "3")


WORKERS = {
    "uwsgi-ini": ({"app.ini": "[uwsgi]\nprocesses = 2\nhttp-socket = :8080\n"}, 2, [(8080, "http")]),
    "gunicorn-conf": ({"gunicorn.conf.py": "bind = '0.0.0.0:8001'\nworkers = 5\n"}, 5, [(8001, "http")]),
    "dockerfile-cmd": (
        {"Dockerfile": 'FROM x\nCMD ["gunicorn", "a:b", "-b", "0.0.0.0:80", "--workers", "4"]\n'},
        4,
        [(80, "http")],
    ),
    "dockerfile-shell": ({"Dockerfile": "FROM x\nCMD uvicorn a:b --port=8002 --workers=6\n"}, 6, [(8002, "http")]),
}


@pytest.mark.parametrize("case", WORKERS.values(), ids=WORKERS.keys())
def test_workers_from_files(case: tuple[dict[str, str], int, list[tuple[int, str]]]) -> None:
    files, workers, expected = case
    clues = read({"app.py": FLASK, **files})
    assert (clues.workers, ports(clues)) == (workers, expected)


STORES = {
    "redis": ("from redis import Redis\nr = Redis(host='redis')\n", "redis", ["redis"]),
    "redis-module": ("import redis\nr = redis.from_url(u)\n", "redis", ["redis"]),
    "psycopg": ("import psycopg2\nc = psycopg2.connect(dsn)\n", "psycopg2-binary", ["postgresql"]),
    "sqlalchemy-url": (
        "from sqlalchemy import create_engine\ne = create_engine('postgresql+asyncpg://u:p@db/x')\n",
        "sqlalchemy",
        ["postgresql"],
    ),
    "sqlalchemy-driver": (
        "import os\nfrom sqlalchemy import create_engine\ne = create_engine(os.environ['DB_URL'])\n",
        "sqlalchemy\npymysql",
        ["mysql"],
    ),
    "sqlalchemy-two-drivers": (
        "import os\nfrom sqlalchemy import create_engine\ne = create_engine(os.environ['DB_URL'])\n",
        "pymysql\npsycopg2",
        [],
    ),
    "pika": ("import pika\npika.BlockingConnection(p)\n", "pika", ["rabbitmq"]),
    "mongo": ("from pymongo import MongoClient\nMongoClient(u)\n", "pymongo", ["mongodb"]),
    "s3": ("import boto3\ns = boto3.client('s3')\n", "boto3", ["s3"]),
    "sqs-is-no-s3": ("import boto3\ns = boto3.client('sqs')\n", "boto3", []),
    "sqlite": ("import sqlite3\nsqlite3.connect('/data/app.db')\n", "", ["sqlite"]),
    "sqlite-memory": ("import sqlite3\nsqlite3.connect(':memory:')\n", "", []),
    "import-only": ("import redis\n", "redis", []),
    "listed-only": ("import os\n", "redis\npsycopg2", []),
    "import-may-fail": (
        "try:\n    import redis\n    r = redis.Redis()\nexcept ImportError:\n    redis = None\n",
        "",
        [],
    ),
    "behind-a-setting": (
        "import os, redis\nif os.getenv('REDIS_URL'):\n    r = redis.from_url(os.getenv('REDIS_URL'))\n",
        "redis",
        [],
    ),
    "when-missing-is-no-option": (
        "import os, redis\nif not os.getenv('NO'):\n    r = redis.Redis()\n",
        "redis",
        ["redis"],
    ),
    "celery-broker": (
        "from celery import Celery\nc = Celery('x', broker='amqp://guest@mq//')\n",
        "celery",
        ["rabbitmq"],
    ),
}


@pytest.mark.parametrize("case", STORES.values(), ids=STORES.keys())
def test_stores_in_use(case: tuple[str, str, list[str]]) -> None:
    text, requirements, expected = case
    assert in_use(read({"app.py": text, "requirements.txt": requirements})) == expected


def test_credentials_of_a_url_stay_out() -> None:
    text = "from sqlalchemy import create_engine\ne = create_engine('postgresql://admin:CANARY@db/x')\n"
    assert "CANARY" not in read({"app.py": text}).model_dump_json()


def test_listed_and_not_used() -> None:
    clues = read(
        {"app.py": "import os\n", "pyproject.toml": '[project]\ndependencies = ["redis>=5", "psycopg[binary]"]\n'}
    )
    assert (in_use(clues), named(clues)) == ([], ["postgresql", "redis"])
    assert clues.dependencies[1].evidence[0].line == 2


PACKAGES = {
    "requirements": ("requirements.txt", "# x\n--index-url https://u:p@host/\nFlask==3.0  # web\n"),
    "pep621": ("pyproject.toml", '[project]\nname = "a"\ndependencies = ["flask>=3"]\n'),
    "poetry": ("pyproject.toml", '[tool.poetry.dependencies]\npython = "^3.11"\nflask = "*"\n'),
    "pipfile": ("Pipfile", '[packages]\nflask = "*"\n'),
    "setup-cfg": ("setup.cfg", "[options]\ninstall_requires =\n    flask\n"),
    "setup-py": ("setup.py", "from setuptools import setup\nsetup(install_requires=['flask>=2'])\n"),
}


@pytest.mark.parametrize("case", PACKAGES.values(), ids=PACKAGES.keys())
def test_package_files(case: tuple[str, str]) -> None:
    name, text = case
    claim = read({"app.py": FLASK, name: text}).frameworks[0]
    assert (claim.value, claim.weight) == ("flask", 30)
    unlisted = read({"app.py": FLASK, name: text.replace("flask", "other").replace("Flask", "other")}).frameworks[0]
    assert unlisted.weight < claim.weight


FRAMEWORKS = {
    "fastapi-over-starlette": ("import fastapi\nimport starlette\n", "fastapi", True),
    "grpc": ("import grpc\ngrpc.server(x)\n", "grpc", True),
    "grpc-client": ("import grpc\ngrpc.insecure_channel('x')\n", None, None),
    "locust": ("from locust import HttpUser\n", "locust", False),
    "celery": ("from celery import Celery\napp = Celery('x')\n", "celery", False),
    "pika-consumer": ("import pika\nc.basic_consume(queue='q')\nc.start_consuming()\n", "amqp", False),
    "plain": ("print(1)\n", None, None),
}


@pytest.mark.parametrize("case", FRAMEWORKS.values(), ids=FRAMEWORKS.keys())
def test_framework_and_listening(case: tuple[str, str | None, bool | None]) -> None:
    text, expected, listens = case
    clues = read({"app.py": text})
    assert (framework(clues), clues.listens) == (expected, listens)
    assert clues.ports == ()


def test_variables() -> None:
    text = (
        "import os\na = os.environ['API_KEY']\nb = os.environ.get('LOG_LEVEL')\nc = os.getenv('REDIS_HOST', 'redis')\n"
        "try:\n    d = os.environ['MAYBE']\nexcept KeyError:\n    d = None\n"
        "e = os.environ.get('CATALOG_ADDR', '')\nif e == '':\n    raise Exception('no address')\nos.environ['SET_HERE'] = 'x'\n"
        "f = os.getenv('OTEL_COLLECTOR_URL')\n"
    )
    clues = read({"app.py": text})
    assert {item.name: (item.required, item.secret) for item in clues.env} == {
        "API_KEY": (True, True),
        "LOG_LEVEL": (False, False),
        "REDIS_HOST": (False, False),
        "MAYBE": (False, False),
        "CATALOG_ADDR": (True, False),
        "OTEL_COLLECTOR_URL": (False, False),
    }
    assert clues.calls == ("catalog",)


def test_a_file_that_does_not_parse_is_said_and_the_rest_is_read() -> None:
    clues = read({"app.py": FLASK + "@app.get('/x')\ndef x(): ...\n", "old.py": "print 'python 2'\n"})
    assert routes(clues) == ["GET /x"]
    assert clues.notes == ("old.py: not read as Python (syntax or nesting)",)
