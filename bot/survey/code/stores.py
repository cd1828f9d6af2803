"""Client libraries and what they talk to.

In: an import path, a Python module, an npm package, a URL scheme or an SQL driver name. Out: a dependency kind. Never:
a guess from a name that is not in the table.
"""

from __future__ import annotations

import re

from bot.model.profile import DependencyKind

GO_STORES: tuple[tuple[str, DependencyKind], ...] = (
    ("github.com/lib/pq", "postgresql"),
    ("github.com/jackc/pgx", "postgresql"),
    ("github.com/go-pg/pg", "postgresql"),
    ("gorm.io/driver/postgres", "postgresql"),
    ("github.com/uptrace/bun/driver/pgdriver", "postgresql"),
    ("entgo.io/ent/dialect/postgres", "postgresql"),
    ("github.com/go-sql-driver/mysql", "mysql"),
    ("gorm.io/driver/mysql", "mysql"),
    ("gorm.io/driver/sqlserver", "mssql"),
    ("github.com/microsoft/go-mssqldb", "mssql"),
    ("github.com/denisenkom/go-mssqldb", "mssql"),
    ("github.com/mattn/go-sqlite3", "sqlite"),
    ("modernc.org/sqlite", "sqlite"),
    ("gorm.io/driver/sqlite", "sqlite"),
    ("github.com/glebarez/sqlite", "sqlite"),
    ("go.mongodb.org/mongo-driver", "mongodb"),
    ("gopkg.in/mgo.v2", "mongodb"),
    ("github.com/globalsign/mgo", "mongodb"),
    ("github.com/redis/go-redis", "redis"),
    ("github.com/redis/rueidis", "redis"),
    ("github.com/go-redis/redis", "redis"),
    ("github.com/gomodule/redigo", "redis"),
    ("github.com/garyburd/redigo", "redis"),
    ("github.com/xyproto/simpleredis", "redis"),
    ("github.com/hibiken/asynq", "redis"),
    ("github.com/valkey-io/valkey-go", "valkey"),
    ("github.com/bradfitz/gomemcache", "memcached"),
    ("github.com/streadway/amqp", "rabbitmq"),
    ("github.com/rabbitmq/amqp091-go", "rabbitmq"),
    ("github.com/wagslane/go-rabbitmq", "rabbitmq"),
    ("github.com/segmentio/kafka-go", "kafka"),
    ("github.com/IBM/sarama", "kafka"),
    ("github.com/Shopify/sarama", "kafka"),
    ("github.com/twmb/franz-go", "kafka"),
    ("github.com/confluentinc/confluent-kafka-go", "kafka"),
    ("github.com/nats-io/nats.go", "nats"),
    ("github.com/nats-io/stan.go", "nats"),
    ("github.com/elastic/go-elasticsearch", "elasticsearch"),
    ("github.com/olivere/elastic", "elasticsearch"),
    ("github.com/opensearch-project/opensearch-go", "opensearch"),
    ("github.com/aws/aws-sdk-go-v2/service/s3", "s3"),
    ("github.com/aws/aws-sdk-go/service/s3", "s3"),
    ("github.com/minio/minio-go", "s3"),
    ("github.com/hashicorp/consul/api", "consul"),
    ("go.etcd.io/etcd/client", "etcd"),
    ("github.com/gocql/gocql", "cassandra"),
    ("cloud.google.com/go/spanner", "spanner"),
    ("gopkg.in/gomail.v2", "smtp"),
    ("net/smtp", "smtp"),
)

PYTHON_STORES: dict[str, tuple[DependencyKind, tuple[str, ...]]] = {
    "psycopg": ("postgresql", ("psycopg", "psycopg-binary")),
    "psycopg2": ("postgresql", ("psycopg2", "psycopg2-binary")),
    "asyncpg": ("postgresql", ("asyncpg",)),
    "pg8000": ("postgresql", ("pg8000",)),
    "aiopg": ("postgresql", ("aiopg",)),
    "pymysql": ("mysql", ("pymysql",)),
    "MySQLdb": ("mysql", ("mysqlclient",)),
    "aiomysql": ("mysql", ("aiomysql",)),
    "mysql": ("mysql", ("mysql-connector-python",)),
    "mariadb": ("mariadb", ("mariadb",)),
    "pyodbc": ("mssql", ("pyodbc",)),
    "pymssql": ("mssql", ("pymssql",)),
    "sqlite3": ("sqlite", ()),
    "aiosqlite": ("sqlite", ("aiosqlite",)),
    "pymongo": ("mongodb", ("pymongo",)),
    "motor": ("mongodb", ("motor",)),
    "mongoengine": ("mongodb", ("mongoengine", "flask-mongoengine")),
    "beanie": ("mongodb", ("beanie",)),
    "redis": ("redis", ("redis",)),
    "aioredis": ("redis", ("aioredis",)),
    "django_redis": ("redis", ("django-redis",)),
    "flask_redis": ("redis", ("flask-redis",)),
    "rq": ("redis", ("rq",)),
    "arq": ("redis", ("arq",)),
    "valkey": ("valkey", ("valkey",)),
    "pymemcache": ("memcached", ("pymemcache",)),
    "pylibmc": ("memcached", ("pylibmc",)),
    "pika": ("rabbitmq", ("pika",)),
    "aio_pika": ("rabbitmq", ("aio-pika",)),
    "aiokafka": ("kafka", ("aiokafka",)),
    "kafka": ("kafka", ("kafka-python", "kafka-python-ng")),
    "confluent_kafka": ("kafka", ("confluent-kafka",)),
    "faust": ("kafka", ("faust", "faust-streaming")),
    "nats": ("nats", ("nats-py",)),
    "elasticsearch": ("elasticsearch", ("elasticsearch",)),
    "elasticsearch_dsl": ("elasticsearch", ("elasticsearch-dsl",)),
    "opensearchpy": ("opensearch", ("opensearch-py",)),
    "minio": ("s3", ("minio",)),
    "consul": ("consul", ("python-consul", "py-consul")),
    "etcd3": ("etcd", ("etcd3",)),
    "cassandra": ("cassandra", ("cassandra-driver", "scylla-driver")),
    "google.cloud.spanner": ("spanner", ("google-cloud-spanner",)),
    "smtplib": ("smtp", ()),
}

NODE_STORES: dict[str, DependencyKind] = {
    "pg": "postgresql",
    "pg-promise": "postgresql",
    "postgres": "postgresql",
    "@vercel/postgres": "postgresql",
    "mysql": "mysql",
    "mysql2": "mysql",
    "mariadb": "mariadb",
    "mssql": "mssql",
    "tedious": "mssql",
    "sqlite3": "sqlite",
    "better-sqlite3": "sqlite",
    "sqlite": "sqlite",
    "mongodb": "mongodb",
    "mongoose": "mongodb",
    "@nestjs/mongoose": "mongodb",
    "redis": "redis",
    "ioredis": "redis",
    "connect-redis": "redis",
    "bull": "redis",
    "bullmq": "redis",
    "iovalkey": "valkey",
    "memjs": "memcached",
    "memcached": "memcached",
    "amqplib": "rabbitmq",
    "amqp-connection-manager": "rabbitmq",
    "kafkajs": "kafka",
    "node-rdkafka": "kafka",
    "nats": "nats",
    "@elastic/elasticsearch": "elasticsearch",
    "@opensearch-project/opensearch": "opensearch",
    "@aws-sdk/client-s3": "s3",
    "minio": "s3",
    "consul": "consul",
    "etcd3": "etcd",
    "cassandra-driver": "cassandra",
    "@google-cloud/spanner": "spanner",
    "nodemailer": "smtp",
}

PYTHON_ORMS = frozenset({"sqlalchemy", "sqlmodel", "flask_sqlalchemy", "databases", "tortoise", "peewee", "django"})
NODE_ORMS = frozenset({"sequelize", "typeorm", "knex", "@prisma/client", "drizzle-orm", "@nestjs/typeorm", "objection"})

SQL_DRIVERS: dict[str, DependencyKind] = {
    "postgres": "postgresql",
    "postgresql": "postgresql",
    "postgis": "postgresql",
    "cloudsqlpostgres": "postgresql",
    "pgx": "postgresql",
    "pg": "postgresql",
    "mysql": "mysql",
    "mysql2": "mysql",
    "mariadb": "mariadb",
    "sqlserver": "mssql",
    "mssql": "mssql",
    "sqlite": "sqlite",
    "sqlite3": "sqlite",
    "better-sqlite3": "sqlite",
    "mongodb": "mongodb",
}
"""Names of drivers and dialects: ``sql.Open``, sequelize ``dialect``, typeorm ``type``, prisma ``provider``, Django."""

_SCHEMES: dict[str, DependencyKind] = {
    "postgres": "postgresql",
    "postgresql": "postgresql",
    "mysql": "mysql",
    "mariadb": "mariadb",
    "mssql": "mssql",
    "sqlserver": "mssql",
    "sqlite": "sqlite",
    "mongodb": "mongodb",
    "redis": "redis",
    "rediss": "redis",
    "amqp": "rabbitmq",
    "amqps": "rabbitmq",
    "nats": "nats",
}
_URL = re.compile(r"([a-z]{4,10})(?:\+[a-z0-9_]{1,20})?://")

RELATIONAL_OR_FILE = frozenset({"postgresql", "mysql", "mariadb", "mssql", "sqlite"})


def go_store(path: str) -> DependencyKind | None:
    """The store behind a Go import path, or None."""
    for prefix, kind in GO_STORES:
        if path == prefix or path.startswith((prefix + "/", prefix + ".")):
            return kind
    return None


def url_store(text: str) -> DependencyKind | None:
    """The store that a connection URL names by its scheme (``postgresql+asyncpg://``), or None."""
    match = _URL.match(text)
    return _SCHEMES.get(match[1]) if match else None
