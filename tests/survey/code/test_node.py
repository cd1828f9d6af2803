"""JavaScript and TypeScript: routes, ports, stores, variables."""

from __future__ import annotations

import json

import pytest

from tests.survey.code.trees import framework, in_use, named, ports, read, routes

EXPRESS = "const express = require('express');\nconst app = express();\n"


def package(*dependencies: str, **more: object) -> str:
    return json.dumps({"name": "shop", "dependencies": dict.fromkeys(dependencies, "^1"), **more}, indent=1)


ROUTES = {
    "express": (EXPRESS + "app.get('/x', f);\napp.post(`/y`, f);\n", ["GET /x", "POST /y"]),
    "express-router": (
        EXPRESS + "const r = express.Router();\nr.delete('/:id', f);\napp.use('/api/items', auth, r);\n",
        ["DELETE /api/items/:id"],
    ),
    "express-template": (EXPRESS + "const base = '/v1';\napp.get(`${base}/x`, f);\n", ["GET /v1/x"]),
    "express-route-chain": (EXPRESS + "app.route('/b')\n  .get(f)\n  .put(g);\n", ["GET /b", "PUT /b"]),
    "setting-is-no-route": (EXPRESS + "app.set('port', 3000);\nconst p = app.get('port');\n", []),
    "client-is-no-route": (EXPRESS + "const axios = require('axios');\naxios.get('/x', { a: 1 });\n", []),
    "comments": (EXPRESS + "// app.get('/a', f)\n/* app.get('/b', f) */\nconst s = \"app.get('/c', f)\";\n", []),
    "regex-literals": (EXPRESS + "const q = /['\"`]/g;\napp.get('/after', f);\n", ["GET /after"]),
    "fastify": (
        "import Fastify from 'fastify';\nconst fastify = Fastify();\nfastify.get('/f', async () => 1);\n",
        ["GET /f"],
    ),
    "fastify-object": (
        "const fastify = require('fastify')();\nfastify.route({ method: ['GET', 'HEAD'], url: '/o', handler });\n",
        ["GET /o", "HEAD /o"],
    ),
    "koa-router": (
        "const Router = require('@koa/router');\nconst router = new Router({ prefix: '/u' });\nrouter.get('/me', f);\n",
        ["GET /u/me"],
    ),
    "hapi": (
        "const Hapi = require('@hapi/hapi');\nconst server = Hapi.server({ port: 3000 });\nserver.route({ method: 'GET', path: '/h', handler });\n",
        ["GET /h"],
    ),
}


@pytest.mark.parametrize("case", ROUTES.values(), ids=ROUTES.keys())
def test_routes(case: tuple[str, list[str]]) -> None:
    text, expected = case
    listening = "" if "Hapi" in text else "app.listen(3000);\n"
    assert routes(read({"server.js": text + listening})) == expected


def test_routers_of_other_files() -> None:
    files = {
        "package.json": package("express"),
        "src/index.ts": "import express from 'express';\nimport users from './users';\nconst app = express();\napp.use('/users', users);\napp.use('/orders', require('./orders'));\napp.listen(3000);\n",
        "src/users.ts": "import { Router } from 'express';\nconst router = Router();\nrouter.get('/:id', f);\nexport default router;\n",
        "src/orders.ts": "const router = require('express').Router();\nrouter.post('/', f);\nmodule.exports = router;\n",
    }
    clues = read(files)
    assert routes(clues) == ["POST /orders", "GET /users/:id"]
    assert clues.languages[0].value == "typescript"
    assert (clues.endpoints[1].evidence.path, clues.endpoints[1].evidence.line) == ("src/users.ts", 3)


def test_nest_controllers() -> None:
    files = {
        "package.json": package("@nestjs/core", "@nestjs/common", "express"),
        "src/main.ts": "import { NestFactory } from '@nestjs/core';\nasync function bootstrap() {\n  const app = await NestFactory.create(AppModule);\n  app.setGlobalPrefix('api');\n  await app.listen(process.env.PORT ?? 3001);\n}\n",
        "src/cats.controller.ts": "import { Controller, Get, Post } from '@nestjs/common';\n@Controller('cats')\nexport class Cats {\n  @Get()\n  all() {}\n  @Post(':id')\n  one() {}\n}\n",
    }
    clues = read(files)
    assert routes(clues) == ["GET /api/cats", "POST /api/cats/:id"]
    assert (framework(clues), ports(clues), clues.ports[0].from_env) == ("nestjs", [(3001, "http")], "PORT")


PORTS = {
    "literal": (EXPRESS + "app.listen(3000);\n", [(3000, "http")], None),
    "env-or": (EXPRESS + "app.listen(process.env.PORT || 8080, () => {});\n", [(8080, "http")], "PORT"),
    "env-nullish": (
        EXPRESS + "const port = process.env.PORT ?? '8081';\napp.listen(port);\n",
        [(8081, "http")],
        "PORT",
    ),
    "parsed": (
        EXPRESS + "const port = parseInt(process.env.PORT || '8082', 10);\napp.listen(port);\n",
        [(8082, "http")],
        "PORT",
    ),
    "ternary": (
        EXPRESS + "const port = process.env.PORT ? process.env.PORT : 8083;\napp.listen(port);\n",
        [(8083, "http")],
        "PORT",
    ),
    "typed": (
        "import express from 'express';\nconst app = express();\nconst port: number = 8084;\napp.listen(port);\n",
        [(8084, "http")],
        None,
    ),
    "config-object": (
        EXPRESS + "const config = { port: process.env.PORT || 8085 };\napp.listen(config.port);\n",
        [(8085, "http")],
        "PORT",
    ),
    "destructured-default": (
        EXPRESS + "app.set('port', process.env.PORT || 8086);\napp.listen(8086);\n",
        [(8086, "http")],
        None,
    ),
    "http-server": ("const http = require('http');\nhttp.createServer(f).listen(8087);\n", [(8087, "http")], None),
    "fastify-object": (
        "const app = require('fastify')();\napp.listen({ port: 8088, host: '0.0.0.0' });\n",
        [(8088, "http")],
        None,
    ),
    "grpc": (
        "const grpc = require('@grpc/grpc-js');\nconst server = new grpc.Server();\nserver.bindAsync(`0.0.0.0:${process.env.PORT || 50051}`, grpc.ServerCredentials.createInsecure(), f);\n",
        [(50051, "grpc")],
        "PORT",
    ),
    "unknown": (EXPRESS + "app.listen(findPort());\n", [], None),
}


@pytest.mark.parametrize("case", PORTS.values(), ids=PORTS.keys())
def test_ports(case: tuple[str, list[tuple[int, str]], str | None]) -> None:
    text, expected, variable = case
    clues = read({"server.js": text})
    assert ports(clues) == expected
    assert clues.listens is True
    assert [claim.from_env for claim in clues.ports] == [variable] * len(expected)


def test_a_port_only_from_the_environment_is_required_and_not_invented() -> None:
    clues = read({"server.js": EXPRESS + "const PORT = process.env.PORT;\napp.listen(PORT);\n"})
    assert (clues.ports, clues.listens) == ((), True)
    assert [(item.name, item.required) for item in clues.env] == [("PORT", True)]


def test_listening_on_events_is_no_server() -> None:
    clues = read({"a.js": "const history = createHistory();\nhistory.listen(() => {});\n"})
    assert (clues.listens, clues.ports) == (None, ())


STORES = {
    "pg": ("const { Pool } = require('pg');\nconst p = new Pool();\n", ["pg"], ["postgresql"]),
    "mongoose": (
        "import mongoose from 'mongoose';\nmongoose.connect(process.env.MONGO_URL);\n",
        ["mongoose"],
        ["mongodb"],
    ),
    "ioredis": ("import Redis from 'ioredis';\nconst r = new Redis(process.env.REDIS_URL);\n", ["ioredis"], ["redis"]),
    "amqplib": ("const amqp = require('amqplib');\namqp.connect(u);\n", ["amqplib"], ["rabbitmq"]),
    "kafkajs": ("import { Kafka } from 'kafkajs';\nconst k = new Kafka({});\n", ["kafkajs"], ["kafka"]),
    "sequelize": (
        "const { Sequelize } = require('sequelize');\nnew Sequelize({ dialect: 'mysql' });\n",
        ["sequelize", "mysql2"],
        ["mysql"],
    ),
    "typeorm": (
        "import { DataSource } from 'typeorm';\nnew DataSource({ type: 'postgres' });\n",
        ["typeorm", "pg"],
        ["postgresql"],
    ),
    "typeorm-by-driver": (
        "import { DataSource } from 'typeorm';\nnew DataSource(options);\n",
        ["typeorm", "pg"],
        ["postgresql"],
    ),
    "import-only": ("const pg = require('pg');\n", ["pg"], []),
    "listed-only": ("const x = 1;\n", ["pg", "redis"], []),
    "behind-a-setting": (
        "const redis = require('redis');\nif (process.env.REDIS_URL) {\n  redis.createClient({ url: process.env.REDIS_URL });\n}\n",
        ["redis"],
        [],
    ),
}


@pytest.mark.parametrize("case", STORES.values(), ids=STORES.keys())
def test_stores_in_use(case: tuple[str, list[str], list[str]]) -> None:
    text, dependencies, expected = case
    assert in_use(read({"index.js": text, "package.json": package(*dependencies)})) == expected


def test_prisma_datasource() -> None:
    files = {
        "package.json": package("@prisma/client"),
        "index.js": "const { PrismaClient } = require('@prisma/client');\nnew PrismaClient();\n",
        "prisma/schema.prisma": 'generator client {\n  provider = "prisma-client-js"\n}\ndatasource db {\n  provider = "postgresql"\n}\n',
    }
    clues = read(files)
    assert in_use(clues) == ["postgresql"]
    assert [claim.value for claim in clues.migrations] == ["prisma"]


def test_named_only() -> None:
    clues = read({"index.js": "1;\n", "package.json": package("pg", "redis")})
    assert named(clues) == ["postgresql", "redis"]


FRONTS = {
    "react-vite": (["react", "react-dom"], {"vite": "^5"}, "react"),
    "vue": (["vue"], {}, "vue"),
    "angular": (["@angular/core"], {}, "angular"),
}


@pytest.mark.parametrize("case", FRONTS.values(), ids=FRONTS.keys())
def test_a_front_end_without_server_is_static(case: tuple[list[str], dict[str, str], str]) -> None:
    dependencies, tools, expected = case
    files = {
        "package.json": package(*dependencies, devDependencies=tools, scripts={"start": "vite"}),
        "src/main.js": "import x from './App';\n",
    }
    clues = read(files)
    assert (framework(clues), clues.kind, clues.listens, clues.ports) == (expected, "static", None, ())


def test_next_listens_by_convention() -> None:
    clues = read(
        {"package.json": package("next", "react"), "pages/index.js": "export default function P() { return 1 }\n"}
    )
    assert (framework(clues), ports(clues), clues.ports[0].seen) == ("nextjs", [(3000, "http")], "convention")


def test_variables_and_calls() -> None:
    text = (
        "const a = process.env.DB_PASSWORD;\nconst b = process.env['LOG_LEVEL'];\nconst c = process.env.CATALOGUE_HOST || 'catalogue';\n"
        "if (process.env.DEBUG === '1') {}\nconst d = process.env.STRIPE_PUBLIC_KEY;\n"
    )
    clues = read({"a.js": text, "package.json": package("express")})
    assert {item.name: (item.required, item.secret) for item in clues.env} == {
        "DB_PASSWORD": (True, True),
        "LOG_LEVEL": (False, False),
        "CATALOGUE_HOST": (False, False),
        "DEBUG": (False, False),
        "STRIPE_PUBLIC_KEY": (False, False),
    }
    assert clues.calls == ("catalogue",)


STARTS = {
    "node": ({"start": "node server.js"}, ("node", "server.js")),
    "tool": ({"start": "nest start"}, ("npm", "start")),
    "none": ({"test": "jest"}, None),
}


@pytest.mark.parametrize("case", STARTS.values(), ids=STARTS.keys())
def test_start_command(case: tuple[dict[str, str], tuple[str, ...] | None]) -> None:
    scripts, expected = case
    assert read({"package.json": package("express", scripts=scripts), "server.js": EXPRESS}).start_command == expected


def test_package_facts() -> None:
    clues = read(
        {"package.json": package("express", engines={"node": ">=20.1"}), "server.js": EXPRESS + "app.listen(1);\n"}
    )
    assert [claim.value for claim in clues.versions] == ["20.1"]
    assert [claim.value for claim in clues.names] == ["shop"]
    assert clues.frameworks[0].weight == 30
