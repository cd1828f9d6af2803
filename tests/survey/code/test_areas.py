"""Which files belong to an area, other languages, caps, and hostile input."""

from __future__ import annotations

import time

import pytest
from hypothesis import HealthCheck, given
from hypothesis import strategies as st

from bot.survey.code import sources
from bot.survey.code.names import FRAMEWORKS, GO_FRAMEWORKS, NODE_FRAMEWORKS, PYTHON_FRAMEWORKS
from bot.survey.code.reading import go_programs, read_code
from bot.survey.code.sources import Source
from bot.survey.code.tokens import scan_go, scan_js
from tests.daily import searched
from tests.survey.code.trees import framework, go, in_use, named, ports, read, routes, tree_of

SERVER = go('func main() {\n\thttp.HandleFunc("/x", f)\n\thttp.ListenAndServe(":8080", nil)\n}', "net/http")
PAGE = '{"name": "web", "dependencies": {"react": "1"}}'


def test_a_nested_package_is_not_read_with_its_parent() -> None:
    files = {
        "go.mod": "module m\n",
        "main.go": SERVER,
        "web/package.json": PAGE,
        "web/server.js": "const app = require('express')();\napp.listen(3000);\n",
    }
    assert ports(read(files)) == [(8080, "http")]
    assert ports(read(files, "web")) == [(3000, "http")]


def test_a_single_package_below_is_the_area_itself() -> None:
    files = {
        "svc/src/requirements.txt": "flask\n",
        "svc/src/app.py": "from flask import Flask\napp = Flask(__name__)\napp.run(port=5005)\n",
    }
    assert ports(read(files, "svc")) == [(5005, "http")]


def test_the_root_of_a_monorepo_says_nothing_of_its_parts() -> None:
    files = {
        "a/go.mod": "module a\n",
        "a/main.go": SERVER,
        "b/package.json": "{}",
        "b/index.js": "require('express')().listen(1);\n",
        "tools/gen.py": "import flask\n",
    }
    clues = read(files)
    assert (clues.languages, clues.ports) == ((), ())
    assert any("2 packages" in note for note in clues.notes)


def test_only_the_root_has_a_package_file() -> None:
    files = {
        "requirements.txt": "flask\n",
        "api/app.py": "from flask import Flask\napp = Flask(__name__)\n@app.get('/x')\ndef x(): ...\n",
    }
    assert routes(read(files)) == ["GET /x"]
    part = read(files, "api")
    assert (routes(part), part.frameworks[0].weight) == (["GET /x"], 30)


@pytest.mark.parametrize("folder", ["vendor/x", "node_modules/x", "tests", ".git", "testdata", "__tests__", "docs"])
def test_other_peoples_code_and_tests_are_left_out(folder: str) -> None:
    files = {"main.go": SERVER, f"{folder}/extra.go": SERVER.replace("/x", "/extra")}
    assert routes(read(files)) == ["ANY /x"]


def test_browser_scripts_do_not_make_a_node_service() -> None:
    files = {
        "requirements.txt": "flask\n",
        "app.py": "from flask import Flask\napp = Flask(__name__)\n",
        "static/js/app.js": "fetch('/x');\n",
    }
    clues = read(files)
    assert [claim.value for claim in clues.languages] == ["python"]


def test_the_server_leads_the_front_end_beside_it() -> None:
    files = {
        "package.json": '{"devDependencies": {"vite": "1"}}',
        "main.py": "from fastapi import FastAPI\napp = FastAPI()\n",
        "src/main.js": "import './x';\n",
    }
    clues = read(files)
    assert max(clues.languages, key=lambda claim: claim.weight).value == "python"
    assert (framework(clues), clues.kind) == ("fastapi", "api")


def test_go_programs_of_a_module() -> None:
    files = {"go.mod": "module m\n", "cmd/a/main.go": SERVER, "cmd/b/main.go": SERVER, "pkg/x.go": "package pkg\n"}
    assert go_programs(tree_of(files), "") == ("cmd/a", "cmd/b")


OTHERS = {
    "maven": (
        "pom.xml",
        "<dependency>\n<artifactId>spring-boot-starter-web</artifactId>\n<artifactId>postgresql</artifactId>\n",
        "java",
        "spring-boot",
        ["postgresql"],
    ),
    "webflux": ("pom.xml", "<artifactId>spring-boot-starter-webflux</artifactId>", "java", "webflux", []),
    "gradle-kotlin": (
        "build.gradle.kts",
        'plugins { id("org.springframework.boot") }\nimplementation("org.springframework.kafka:spring-kafka")',
        "kotlin",
        "spring-boot",
        ["kafka"],
    ),
    "gradle-quarkus": ("build.gradle", "implementation 'io.quarkus:quarkus-resteasy'", "java", "quarkus", []),
    "ruby": ("Gemfile", "gem 'rails', '~> 7'\ngem \"pg\"\n# gem 'sinatra'\n", "ruby", "rails", ["postgresql"]),
    "php": (
        "composer.json",
        '{"require": {"laravel/framework": "^11", "predis/predis": "*"}}',
        "php",
        "laravel",
        ["redis"],
    ),
    "csharp": (
        "app.csproj",
        '<Project Sdk="Microsoft.NET.Sdk.Web">\n<PackageReference Include="Npgsql" />',
        "csharp",
        "aspnet",
        ["postgresql"],
    ),
    "rust": (
        "Cargo.toml",
        '[dependencies]\naxum = "0.7"\nrusqlite = { version = "1", optional = true }\n',
        "rust",
        "axum",
        [],
    ),
    "elixir": ("mix.exs", '{:phoenix, "~> 1.7"},\n{:postgrex, ">= 0"}', "elixir", "phoenix", ["postgresql"]),
}


@pytest.mark.parametrize("case", OTHERS.values(), ids=OTHERS.keys())
def test_other_languages_from_package_files(case: tuple[str, str, str, str, list[str]]) -> None:
    name, text, language, expected, stores = case
    clues = read({name: text})
    assert [claim.value for claim in clues.languages] == [language]
    assert framework(clues) == expected
    assert (in_use(clues), named(clues)) == ([], stores)


HOSTS = {
    "address": ('"redis-cluster:6379"', ["redis-cluster"]),
    "url": ('"postgres://postgres:CANARY@db/votes"', ["db"]),
    "url-with-port": ('"amqp://guest:guest@rabbitmq:5672/"', ["rabbitmq"]),
    "localhost": ('"localhost:6379"', []),
    "other-port": ('"api:8080"', []),
    "word": ('"redis"', []),
    "web-address": ('"https://example.com/a"', []),
}


@pytest.mark.parametrize("case", HOSTS.values(), ids=HOSTS.keys())
@pytest.mark.parametrize("name", ["a.go", "a.js", "a.py"])
def test_hard_coded_store_hosts(name: str, case: tuple[str, list[str]]) -> None:
    literal, expected = case
    clues = read(
        {
            name: f"package main\nvar x = {literal}\n"
            if name == "a.go"
            else f"x = {literal} # process.env\n".replace("#", "//" if name == "a.js" else "#")
        }
    )
    assert [claim.value for claim in clues.hosts] == expected
    assert "CANARY" not in clues.model_dump_json()


def test_every_framework_name_is_in_the_table() -> None:
    names = (
        {name for _, name in GO_FRAMEWORKS}
        | {name for name, _ in PYTHON_FRAMEWORKS.values()}
        | set(NODE_FRAMEWORKS.values())
    )
    assert names <= FRAMEWORKS.keys()


def test_too_many_files_are_cut_and_said() -> None:
    files = {f"pkg/f{number:04}.go": "package pkg\n" for number in range(sources.MAX_FILES + 7)}
    clues = read({"main.go": SERVER, **files})
    assert f"read {sources.MAX_FILES} of {sources.MAX_FILES + 8} source files (limit)" in clues.notes
    assert ports(clues) == [(8080, "http")]


def test_too_many_bytes_are_cut_and_said() -> None:
    files = {f"f{number:02}.py": "#" * 200_000 + "\n" for number in range(30)}
    assert any("of 30 source files (limit)" in note for note in read(files).notes)


BOMBS = {
    "go-parens": ("a.go", 'package main\nimport "net/http"\nfunc main() { http.ListenAndServe(' + "f(" * 60_000),
    "go-sum": (
        "a.go",
        'package main\nimport "net/http"\nfunc main() { http.ListenAndServe(' + "a+" * 100_000 + "b, nil) }",
    ),
    "go-self-reference": (
        "a.go",
        'package main\nimport "net/http"\nfunc main() {\n'
        + "a := b + c\nb := a + c\nc := a + b\n" * 2_000
        + "http.ListenAndServe(a, nil) }",
    ),
    "go-flat-args": (
        "a.go",
        'package main\nimport "net/http"\nfunc main() { http.HandleFunc(' + "a, " * 80_000 + ") }",
    ),
    "go-many-routes": (
        "a.go",
        "package main\nfunc main() {\n" + 'r := r.Group("/a")\n' * 5_000 + 'r.GET("/x", f)\n' * 5_000 + "}",
    ),
    "go-open-comment": ("a.go", "package main\n/*" + "*" * 250_000),
    "js-templates": ("a.js", "`${" * 40_000),
    "js-regex": ("a.js", "x = /" + "[" * 100_000),
    "js-braces": ("a.js", "({" * 60_000),
    "js-chain": ("a.js", "app" + ".get('/x', f)" * 15_000),
    "js-or": ("a.js", "const app = express(); app.listen(" + "x||" * 60_000 + "1)"),
    "js-one-line": ("a.js", "a=1;" * 60_000),
    "py-parens": ("a.py", "(" * 200_000),
    "py-minus": ("a.py", "-" * 200_000 + "1"),
    "py-not": ("a.py", "not " * 50_000 + "1"),
    "py-attributes": ("a.py", "a" + ".b" * 100_000),
    "py-sum": ("a.py", "x = 'a'" + "+'a'" * 50_000),
    "py-decorators": ("a.py", "@app.get('/x')\n" * 15_000 + "def f(): ...\n"),
    "py-nested-ifs": ("a.py", "\n".join(" " * depth + "if a:" for depth in range(95)) + "\n" + " " * 95 + "pass"),
    "py-large-number": ("a.py", "import flask\napp = flask.Flask(1)\napp.run(port=0x" + "f" * 20_000 + ")\n"),
    "py-escape-warning": ("a.py", "import flask\nx = '\\d'\nassert (1, 'x')\n"),
    "nul": ("a.py", "import os\0\n"),
    "json-deep": ("package.json", "[" * 100_000),
    "json-number": ("package.json", '{"name": ' + "9" * 10_000 + "}"),
    "toml-deep": ("pyproject.toml", "a = " + "[" * 100_000),
    "pom": ("pom.xml", "<artifactId>" * 20_000),
    "gemfile": ("Gemfile", "gem " * 60_000),
    "setup": ("setup.py", "install_requires=" + '"' * 200_000),
}


@pytest.mark.parametrize("case", BOMBS.values(), ids=BOMBS.keys())
def test_bombs_are_read_in_bounded_time(case: tuple[str, str]) -> None:
    name, text = case
    files = {name: text, "requirements.txt": "flask", "go.mod": "module m\n"}
    started = time.process_time()
    read(files)
    assert time.process_time() - started < 8


@pytest.mark.parametrize("text", ["", "\ufeff", "\x00\x01\x02", "\ud800", "\r\r\r", "é" * 100], ids=range(6))
@pytest.mark.parametrize(
    "name",
    [
        "a.go",
        "a.py",
        "a.js",
        "a.vue",
        "package.json",
        "go.mod",
        "pyproject.toml",
        "Cargo.toml",
        "composer.json",
        "Procfile",
    ],
)
def test_rubbish(name: str, text: str) -> None:
    assert read({name: text}).endpoints == ()


_WORDS = st.sampled_from(
    ["package main", "import", "func", "(", ")", "{", "}", "[", "]", '"', "'", "`", "/", "*", "//", "/*", "\\", "\n", ":=", "=", "+", "||", "?", ":", ",", ".",
     "http", "ListenAndServe", "HandleFunc", '"/x"', '":8080"', "os.Getenv", '"PORT"', "app", "get", "require", "'express'", "process.env.PORT", "${", "@",
     "from", "flask", "Flask", "def", "if", "return", "port", "Group", "gin", "1", "\x00", "é", "&", "<", ">", "class", "use", "include_router", "prefix="]
)  # fmt: skip
_TEXT = st.one_of(
    st.text(max_size=200), st.lists(_WORDS, max_size=80).map(" ".join), st.lists(_WORDS, max_size=80).map("".join)
)


@searched(150, suppress_health_check=[HealthCheck.too_slow])
@given(text=_TEXT, name=st.sampled_from(["a.go", "a.py", "a.js", "a.ts", "a.vue"]))
def test_any_text_is_read(text: str, name: str) -> None:
    clues = read({name: text, "go.mod": "module m\n", "requirements.txt": "flask\n"})
    assert all(
        claim.evidence.line is None or 1 <= claim.evidence.line <= text.count("\n") + text.count("\r") + 1
        for claim in clues.ports
    )


@searched(60)
@given(text=_TEXT, name=st.sampled_from(["package.json", "pyproject.toml", "Cargo.toml", "composer.json", "pom.xml", "Gemfile", "go.mod", "Pipfile",
                                         "setup.cfg", "Procfile", "x.ini", "x.csproj", "schema.prisma", "gunicorn.conf.py", "config.json"]))  # fmt: skip
def test_any_package_file_is_read(text: str, name: str) -> None:
    read({name: text, "a.py": "import flask\n", "a.js": "1", "a.go": "package main\n"})


@searched(100)
@given(cut=st.integers(0, 400), junk=st.sampled_from(["", '"', "`", "{", ")", "/*", "\\", "'''", "\x00"]))
def test_mutations_of_real_code(cut: int, junk: str) -> None:
    script = "const express = require('express');\nconst app = express();\napp.get(`/a/${b}`, (req, res) => { res.send({ a: 1 }); });\napp.listen(process.env.PORT || 80);\n"
    python = "from flask import Flask\nimport os\napp = Flask(__name__)\n@app.route('/x', methods=['GET'])\ndef x():\n    return f'{1}'\napp.run(port=int(os.getenv('PORT', 1)))\n"
    files = {"a.go": SERVER, "a.js": script, "a.py": python}
    read({name: text[:cut] + junk + text[cut:] for name, text in files.items()})


@searched(150)
@given(text=_TEXT)
def test_the_scanners_keep_lines_and_pair_brackets(text: str) -> None:
    for code in (scan_go(Source("a", text)), scan_js(Source("a", text))):
        assert [token.line for token in code.tokens] == sorted(token.line for token in code.tokens)
        assert all(code.match[partner] == index for index, partner in enumerate(code.match) if partner >= 0)


TOKENS = {
    "comment": ("a // b\nc", ["a", "c"]),
    "block": ("a /* b\n */ c", ["a", "c"]),
    "string-with-slashes": ('"http://x" y', ['"http://x', "y"]),
    "escaped-quote": (r'"a\"b" c', ['"a"b', "c"]),
}


@pytest.mark.parametrize("case", TOKENS.values(), ids=TOKENS.keys())
def test_both_scanners(case: tuple[str, list[str]]) -> None:
    text, expected = case
    for code in (scan_go(Source("a", text)), scan_js(Source("a", text))):
        assert [code.text(index) for index in range(len(code.tokens))] == expected


def test_a_template_reads_as_the_sum_it_means() -> None:
    code = scan_js(Source("a", "`a${b}c`"))
    assert "".join(code.text(index) for index in range(len(code.tokens))) == '("a+(b)+"c)'


def test_division_is_no_regex() -> None:
    code = scan_js(Source("a", "a = b / c; d = 'x' / 2"))
    assert [token.text for token in code.tokens if token.kind == "name"] == ["a", "b", "c", "d"]


def test_the_same_tree_gives_the_same_clues() -> None:
    files = {"main.go": SERVER, "b.go": SERVER.replace("/x", "/y").replace("main()", "other()")}
    assert read_code(tree_of(files), "") == read_code(tree_of(dict(reversed(files.items()))), "")
