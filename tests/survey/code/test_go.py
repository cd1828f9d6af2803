"""Go: routes and their groups, ports, stores, variables."""

from __future__ import annotations

import pytest

from tests.survey.code.trees import framework, go, in_use, named, ports, read, routes

GIN = "github.com/gin-gonic/gin"
GOMOD = "module example.com/app\n\ngo 1.22\n\nrequire (\n\t{}\n\tgolang.org/x/net v0.1.0 // indirect\n)\n"


def main(body: str) -> str:
    return "func main() {\n" + body + "\n}\n"


ROUTES = {
    "nethttp-handlefunc": (["net/http"], 'http.HandleFunc("/x", f)\nhttp.ListenAndServe(":8080", nil)', ["ANY /x"]),
    "nethttp-method-pattern": (
        ["net/http"],
        'mux := http.NewServeMux()\nmux.HandleFunc("GET /items/{id}", f)\nmux.Handle("POST api.example.com/items", h)\nhttp.ListenAndServe(":1", mux)',
        ["POST /items", "GET /items/{id}"],
    ),
    "gin-groups": (
        [GIN],
        'r := gin.Default()\nr.GET("/ping", f)\napi := r.Group("/api")\nv1 := api.Group("/v1")\n{\n v1.POST("/items", mw, f)\n v1.GET("", f)\n}\nr.Run()',
        ["GET /api/v1", "POST /api/v1/items", "GET /ping"],
    ),
    "gin-chained-group": (
        [GIN],
        'r := gin.New()\nr.Group("/a").Group("/b").PUT("/c", f)\nr.Run(":80")',
        ["PUT /a/b/c"],
    ),
    "gin-handle": (
        [GIN],
        'r := gin.New()\nr.Handle("DELETE", "/c/:id", f)\nr.Any("/any", f)\nr.Run(":80")',
        ["ANY /any", "DELETE /c/:id"],
    ),
    "echo-group": (
        ["github.com/labstack/echo/v4"],
        'e := echo.New()\ng := e.Group("/admin")\ng.GET("/users", f)\ne.Logger.Fatal(e.Start(":1323"))',
        ["GET /admin/users"],
    ),
    "fiber-group": (
        ["github.com/gofiber/fiber/v2"],
        'app := fiber.New()\napi := app.Group("/api")\napi.Get("/list", f)\napi.Post("/list", f)\napp.Listen(":3000")',
        ["GET /api/list", "POST /api/list"],
    ),
    "chi-route": (
        ["net/http", "github.com/go-chi/chi/v5"],
        'r := chi.NewRouter()\nr.Get("/", f)\nr.Route("/articles", func(r chi.Router) {\n r.Get("/", f)\n r.Route("/{id}", func(r chi.Router) {\n r.Put("/", f)\n })\n})\nr.MethodFunc("GET", "/m", f)\nhttp.ListenAndServe(":3333", r)',
        ["GET /", "GET /articles", "PUT /articles/{id}", "GET /m"],
    ),
    "gorilla-methods-and-subrouter": (
        ["net/http", "github.com/gorilla/mux"],
        'r := mux.NewRouter()\nr.HandleFunc("/a", f).Methods("GET", http.MethodPut)\ns := r.PathPrefix("/sub").Subrouter()\ns.HandleFunc("/b", f)\nr.Path("/c").Methods("POST").HandlerFunc(f)\nhttp.ListenAndServe(":80", r)',
        ["GET /a", "PUT /a", "POST /c", "ANY /sub/b"],
    ),
    "constant-path": (
        ["net/http"],
        'const p = "/v1"\nhttp.HandleFunc(p+"/x", f)\nhttp.ListenAndServe(":1", nil)',
        ["ANY /v1/x"],
    ),
    "client-calls-are-no-routes": (
        ["net/http"],
        'resp, err := http.Get("/healthz")\nhttp.Post("/x", "text/plain", nil)\nhttp.ListenAndServe(":1", nil)',
        [],
    ),
    "comments-and-strings": (
        ["net/http"],
        '// http.HandleFunc("/commented", f)\n/* http.HandleFunc("/block", f) */\ns := `http.HandleFunc("/raw", f)`\nhttp.HandleFunc("/real", f)\nhttp.ListenAndServe(":1", nil)',
        ["ANY /real"],
    ),
}


@pytest.mark.parametrize("case", ROUTES.values(), ids=ROUTES.keys())
def test_routes(case: tuple[list[str], str, list[str]]) -> None:
    imports, body, expected = case
    assert routes(read({"main.go": go(main(body), *imports)})) == expected


def test_group_passed_to_a_function_in_another_package() -> None:
    files = {
        "go.mod": GOMOD.format(GIN + " v1.9.1"),
        "main.go": go(
            main('r := gin.Default()\nhandlers.Register(r.Group("/api"))\nr.Run(":8080")'),
            GIN,
            "example.com/app/handlers",
        ),
        "handlers/items.go": go(
            'func Register(rg *gin.RouterGroup) {\n\trg.GET("/items", list)\n}', GIN, package="handlers"
        ),
    }
    clues = read(files)
    assert routes(clues) == ["GET /api/items"]
    assert clues.endpoints[0].evidence.path == "handlers/items.go"
    assert clues.endpoints[0].evidence.line == 8


PORTS = {
    "literal": (["net/http"], 'http.ListenAndServe(":8080", nil)', [(8080, "http")], None),
    "host-and-port": (["net/http"], 'http.ListenAndServe("0.0.0.0:9000", nil)', [(9000, "http")], None),
    "getenv-then-default": (
        ["net/http", "os"],
        'port := os.Getenv("PORT")\nif port == "" {\n port = "7070"\n}\nhttp.ListenAndServe(":"+port, nil)',
        [(7070, "http")],
        "PORT",
    ),
    "default-then-env": (
        ["net/http", "os"],
        'port := "8081"\nif p := os.Getenv("APP_PORT"); p != "" {\n port = p\n}\nhttp.ListenAndServe(":"+port, nil)',
        [(8081, "http")],
        "APP_PORT",
    ),
    "getenv-helper": (["net/http"], 'http.ListenAndServe(":"+getEnv("PORT", "4000"), nil)', [(4000, "http")], "PORT"),
    "cmp-or": (
        ["net/http", "os", "cmp"],
        'http.ListenAndServe(":"+cmp.Or(os.Getenv("PORT"), "4001"), nil)',
        [(4001, "http")],
        "PORT",
    ),
    "sprintf": (
        ["net/http", "fmt"],
        'p := 6000\nhttp.ListenAndServe(fmt.Sprintf("%s:%d", host, p), nil)',
        [(6000, "http")],
        None,
    ),
    "server-literal": (
        ["net/http"],
        's := &http.Server{Addr: ":5001", Handler: h}\ns.ListenAndServe()',
        [(5001, "http")],
        None,
    ),
    "flag": (
        ["net/http", "flag"],
        'addr := flag.String("addr", ":4444", "listen")\nflag.Parse()\nhttp.ListenAndServe(*addr, nil)',
        [(4444, "http")],
        None,
    ),
    "intvar": (
        ["net/http", "flag", "fmt"],
        'flag.IntVar(&cfg.port, "port", 4500, "x")\nhttp.ListenAndServe(fmt.Sprintf(":%d", cfg.port), nil)',
        [(4500, "http")],
        None,
    ),
    "viper-default": (
        ["net/http", "github.com/spf13/viper"],
        'viper.SetDefault("server.port", 9191)\nhttp.ListenAndServe(":"+viper.GetString("server.port"), nil)',
        [(9191, "http")],
        None,
    ),
    "gin-default": ([GIN], "r := gin.Default()\nr.Run()", [(8080, "http")], "PORT"),
    "gin-address": ([GIN], 'r := gin.Default()\nr.Run(":9999")', [(9999, "http")], None),
    "grpc": (
        ["net", "google.golang.org/grpc"],
        'lis, _ := net.Listen("tcp", ":50051")\ns := grpc.NewServer()\ns.Serve(lis)',
        [(50051, "grpc")],
        None,
    ),
    "tcp": (["net"], 'l, _ := net.Listen("tcp", ":2525")\n_ = l', [(2525, "tcp")], None),
    "port-zero-is-none": (["net"], 'l, _ := net.Listen("tcp", ":0")\n_ = l', [], None),
    "unknown-is-none": (["net/http"], "http.ListenAndServe(addr(), nil)", [], None),
    "too-large-is-none": (["net/http"], 'http.ListenAndServe(":99999", nil)', [], None),
}


@pytest.mark.parametrize("case", PORTS.values(), ids=PORTS.keys())
def test_ports(case: tuple[list[str], str, list[tuple[int, str]], str | None]) -> None:
    imports, body, expected, variable = case
    clues = read({"main.go": go(main(body), *imports)})
    assert ports(clues) == expected
    assert clues.listens is True
    assert [claim.from_env for claim in clues.ports] == [variable] * len(expected)


def test_struct_tags_give_port_and_variable() -> None:
    body = 'type Config struct {\n\tPort int `env:"HTTP_PORT" envDefault:"8099"`\n}\n' + main(
        'cfg := Config{}\nhttp.ListenAndServe(fmt.Sprintf(":%d", cfg.Port), nil)'
    )
    clues = read({"main.go": go(body, "net/http", "fmt")})
    assert [(claim.port, claim.from_env) for claim in clues.ports] == [(8099, "HTTP_PORT")]
    assert [item.name for item in clues.env] == ["HTTP_PORT"]


def test_metrics_and_debug_ports_are_told_apart() -> None:
    body = main('go http.ListenAndServe(":8080", mux)\nstartMetrics()\nstartPprof()')
    body += 'func startMetrics() {\n\thttp.ListenAndServe(":9090", m)\n}\nfunc startPprof() {\n\thttp.ListenAndServe(":6060", nil)\n}\n'
    found = {claim.port: (claim.name, claim.debug) for claim in read({"main.go": go(body, "net/http")}).ports}
    assert found == {8080: ("http", False), 9090: ("metrics", False), 6060: ("debug", True)}


def test_config_file_gives_the_port_of_one_program() -> None:
    server = 'type Server struct {\n\tPort int\n}\nfunc (s *Server) Run() error {\n\treturn http.ListenAndServe(fmt.Sprintf(":%d", s.Port), nil)\n}'
    start = 'cfg := load("config.json")\np, _ := strconv.Atoi(cfg["{}"])\ns := &{}.Server{{Port: p}}\ns.Run()'
    files = {
        "go.mod": "module m\n",
        "config.json": '{"APort": "7001", "BPort": "7002"}',
        "cmd/a/main.go": go(main(start.format("APort", "a")), "strconv", "m/services/a"),
        "cmd/b/main.go": go(main(start.format("BPort", "b")), "strconv", "m/services/b"),
        "services/a/s.go": go(server, "net/http", "fmt", package="a"),
        "services/b/s.go": go(server, "net/http", "fmt", package="b"),
    }
    assert ports(read(files, "cmd/a")) == [(7001, "http")]
    assert ports(read(files, "cmd/b")) == [(7002, "http")]
    both = read(files)
    assert {port for port, _ in ports(both)} == {7001, 7002}
    assert any("2 Go programs" in note for note in both.notes)


STORES = {
    "pgxpool": (["github.com/jackc/pgx/v5/pgxpool"], "pool, _ := pgxpool.New(ctx, url)", ["postgresql"]),
    "lib-pq-blank": (["database/sql", '_ "github.com/lib/pq"'], 'db, _ := sql.Open("postgres", dsn)', ["postgresql"]),
    "gorm": (
        ["gorm.io/gorm", "gorm.io/driver/postgres"],
        "db, _ := gorm.Open(postgres.Open(dsn), nil)",
        ["postgresql"],
    ),
    "mysql-by-name": (
        ["database/sql", '_ "github.com/go-sql-driver/mysql"'],
        'db, _ := sql.Open("mysql", dsn)',
        ["mysql"],
    ),
    "redis": (["github.com/redis/go-redis/v9"], 'c := redis.NewClient(&redis.Options{Addr: "redis:6379"})', ["redis"]),
    "mongo-kafka": (
        ["go.mongodb.org/mongo-driver/mongo", "github.com/segmentio/kafka-go"],
        "mongo.Connect(ctx)\nkafka.NewReader(cfg)",
        ["kafka", "mongodb"],
    ),
    "amqp": (['amqp "github.com/rabbitmq/amqp091-go"'], "amqp.Dial(url)", ["rabbitmq"]),
    "s3-nats": (
        ["github.com/aws/aws-sdk-go-v2/service/s3", "github.com/nats-io/nats.go"],
        "s3.NewFromConfig(c)\nnats.Connect(u)",
        ["nats", "s3"],
    ),
    "sqlite": (["database/sql", '_ "github.com/mattn/go-sqlite3"'], 'sql.Open("sqlite3", "/data/app.db")', ["sqlite"]),
    "import-alone": (['_ "github.com/lib/pq"'], "", []),
    "type-alone": (["github.com/redis/go-redis/v9"], "var c *redis.Client\n_ = c", []),
    "behind-a-setting": (
        ["os", "github.com/redis/go-redis/v9"],
        'if addr := os.Getenv("REDIS_ADDR"); addr != "" {\n redis.NewClient(&redis.Options{Addr: addr})\n}',
        [],
    ),
    "behind-a-switch": (["github.com/redis/go-redis/v9"], "if cfg.Redis.Enabled {\n redis.NewClient(opts)\n}", []),
    "error-branch-is-no-switch": (
        ["github.com/redis/go-redis/v9"],
        "if err == nil {\n redis.NewClient(opts)\n}",
        ["redis"],
    ),
}


@pytest.mark.parametrize("case", STORES.values(), ids=STORES.keys())
def test_stores_in_use(case: tuple[list[str], str, list[str]]) -> None:
    imports, body, expected = case
    assert in_use(read({"main.go": go(main(body), *imports)})) == expected


def test_a_database_is_missing_not_optional_when_its_address_is_required() -> None:
    body = 'url := os.Getenv("DATABASE_URL")\nif url == "" {\n log.Fatal("DATABASE_URL is required")\n}\npgxpool.New(ctx, url)'
    clues = read({"main.go": go(main(body), "os", "log", "github.com/jackc/pgx/v5/pgxpool")})
    assert in_use(clues) == ["postgresql"]
    assert [(item.name, item.required, item.secret) for item in clues.env] == [("DATABASE_URL", True, True)]


def test_named_in_go_mod_only_is_not_in_use() -> None:
    files = {"go.mod": GOMOD.format("github.com/lib/pq v1.10.9"), "main.go": go(main(""), "fmt")}
    clues = read(files)
    assert (in_use(clues), named(clues)) == ([], ["postgresql"])


def test_indirect_requirements_are_nothing() -> None:
    files = {"go.mod": "module m\nrequire github.com/lib/pq v1 // indirect\n", "main.go": go(main(""), "fmt")}
    assert read(files).dependencies == ()


def test_supporting_many_databases_needs_none() -> None:
    body = main("gorm.Open(postgres.Open(a))\ngorm.Open(mysql.Open(b))\ngorm.Open(sqlite.Open(c))")
    clues = read(
        {
            "main.go": go(
                body, "gorm.io/gorm", "gorm.io/driver/postgres", "gorm.io/driver/mysql", "gorm.io/driver/sqlite"
            )
        }
    )
    assert in_use(clues) == []
    assert named(clues) == ["mysql", "postgresql", "sqlite"]


def test_shared_code_that_a_program_does_not_call_is_no_use() -> None:
    files = {
        "go.mod": "module m\n",
        "cmd/a/main.go": go(main("tune.Init()"), "m/tune"),
        "tune/tune.go": go(
            "func Init() {}\nfunc NewCache() *memcache.Client {\n\treturn memcache.New(addr)\n}",
            "github.com/bradfitz/gomemcache/memcache",
            package="tune",
        ),
    }
    assert in_use(read(files, "cmd/a")) == []


FRAMEWORKS = {
    "gin": ([GIN], "r := gin.Default()\nr.Run()", "gin"),
    "gorilla-over-nethttp": (
        ["net/http", "github.com/gorilla/mux"],
        'http.ListenAndServe(":1", mux.NewRouter())',
        "gorilla/mux",
    ),
    "grpc-server": (
        ["net", "google.golang.org/grpc"],
        'l, _ := net.Listen("tcp", ":1")\ngrpc.NewServer().Serve(l)',
        "grpc",
    ),
    "grpc-client-only": (
        ["net/http", "google.golang.org/grpc"],
        'grpc.NewClient(a)\nhttp.ListenAndServe(":1", nil)',
        "net/http",
    ),
    "grpc-with-metrics": (
        ["net", "net/http", "google.golang.org/grpc"],
        'go http.ListenAndServe(":9090", nil)\nl, _ := net.Listen("tcp", ":1")\ngrpc.NewServer().Serve(l)',
        "grpc",
    ),
}


@pytest.mark.parametrize("case", FRAMEWORKS.values(), ids=FRAMEWORKS.keys())
def test_framework(case: tuple[list[str], str, str]) -> None:
    imports, body, expected = case
    assert framework(read({"main.go": go(main(body), *imports)})) == expected


def test_a_queue_consumer_listens_on_nothing() -> None:
    body = main(
        'conn, _ := amqp.Dial(u)\nch, _ := conn.Channel()\nmsgs, _ := ch.Consume("q", "", true, false, false, false, nil)\nfor range msgs {\n}'
    )
    clues = read({"main.go": go(body, "github.com/streadway/amqp")})
    assert clues.listens is False
    assert (clues.kind, framework(clues), clues.ports, clues.endpoints) == ("worker", "amqp", (), ())


def test_a_library_that_may_serve_leaves_the_question_open() -> None:
    assert read({"main.go": go(main("x.Start()"), "github.com/acme/webserver")}).listens is None


def test_health_over_http_and_grpc() -> None:
    body = main(
        'http.HandleFunc("/api/health", f)\nhttp.HandleFunc("/healthz", f)\nhttp.HandleFunc("/readyz", f)\nhealthpb.RegisterHealthServer(s, h)\nhttp.ListenAndServe(":1", nil)'
    )
    clues = read({"main.go": go(body, "net/http", 'healthpb "google.golang.org/grpc/health/grpc_health_v1"')})
    assert [(item.kind, item.path, item.ready_path) for item in clues.health] == [
        ("http", "/healthz", "/readyz"),
        ("grpc", None, None),
    ]


def test_health_is_never_invented() -> None:
    body = main(
        'http.HandleFunc("/", f)\nhttp.HandleFunc("/healthy-recipes/{id}", f)\nhttp.HandleFunc("/health/{id}", f)\nhttp.ListenAndServe(":1", nil)'
    )
    assert read({"main.go": go(body, "net/http")}).health == ()


def test_variables_required_and_optional() -> None:
    body = main(
        'mustMapEnv(&a, "CART_SERVICE_ADDR")\nb := os.Getenv("LOG_LEVEL")\nif os.Getenv("ENABLE_X") == "1" {\n}\n'
        'c, ok := os.LookupEnv("REDIS_HOST")\nif !ok {\n c = "redis"\n}\nd := getEnv("API_TOKEN", "x")\ne := os.Getenv("STRIPE_SECRET_KEY")'
    )
    clues = read({"main.go": go(body, "os")})
    assert {item.name: (item.required, item.secret) for item in clues.env} == {
        "CART_SERVICE_ADDR": (True, False),
        "LOG_LEVEL": (False, False),
        "ENABLE_X": (False, False),
        "REDIS_HOST": (False, False),
        "API_TOKEN": (False, True),
        "STRIPE_SECRET_KEY": (True, True),
    }
    assert clues.calls == ("cart-service",)


def test_version_module_and_volume() -> None:
    files = {
        "go.mod": GOMOD.format("x v1"),
        "main.go": go(main('os.MkdirAll("/data/uploads", 0o755)\nos.WriteFile("/tmp/x", b, 0)'), "os"),
    }
    clues = read(files)
    assert [(claim.value, claim.evidence.line) for claim in clues.versions] == [("1.22", 3)]
    assert [volume.path for volume in clues.volumes] == ["/data/uploads"]
    assert clues.languages[0].value == "go"
