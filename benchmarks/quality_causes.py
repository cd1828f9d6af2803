"""Why each miss happens, as a person found out by reading the repository.

In: nothing. Out: a closed table. Never: an excuse; a miss without an entry is shown as not looked at.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

_CSHARP: Final = "C# sources are not read; the project file names several client libraries, and none shows a use."
_HELM: Final = "It stands only in Helm templates, which are never rendered."
_RUBY: Final = "Ruby sources (`config/routes.rb`) are not read, and Helm templates are never rendered."
_S3: Final = "The gem `aws-sdk-s3` is listed, but the use stands in `config/storage.yml`; a client alone is no use."
_GEO: Final = "Code reads the port from `config.json` at run time; without manifests nothing else states it."

CAUSES: Final[Mapping[tuple[str, str], str]] = {
    ("microservices-demo/cartservice", "dependencies"): _CSHARP,
    ("microservices-demo/cartservice", "health"): "C# sources are not read, so the gRPC health service is not seen.",
    ("microservices-demo/adservice", "health"): "Java sources are not read, so the gRPC health service is not seen.",
    ("podinfo/podinfo", "ports"): "The flags of the other two ports default to 0, which is off; manifests switch "
    "them on. Without manifests 9898 is right.",
    ("sykepengesoknad-backend/sykepengesoknad-backend", "dependencies"): "The code says `cache.type: redis`; that the "
    "server is Valkey, which speaks the same protocol, stands in a manifest template.",
    ("laa-apply-for-legal-aid/web", "dependencies"): _S3,
    ("laa-apply-for-legal-aid/web", "health"): _RUBY,
    ("laa-apply-for-legal-aid/worker", "dependencies"): _S3,
    ("laa-apply-for-legal-aid/worker", "health"): _HELM,
    ("laa-apply-for-legal-aid/worker", "ports"): "7433 is a port for health checks. " + _HELM,
    ("examples/php-redis", "dependencies"): "PHP sources are not read, and the folder has no `composer.json`; the "
    "description names Redis, so the plan asks for it all the same.",
    ("DeathStarBench/hotel-geo", "ports"): _GEO,
    ("DeathStarBench/hotel-geo", "protocol"): "No port, so no protocol. " + _GEO,
    ("spring-petclinic-microservices/spring-petclinic-customers-service", "Dockerfile"): "The module has none of its "
    "own: a Maven property of its `pom.xml` points at the shared one. The plan says that no Dockerfile was found.",
    ("vaultwarden/vaultwarden", "dependencies"): "The database is a Cargo feature that a build argument switches on; "
    "all three are optional in `Cargo.toml`. State is seen from VOLUME, so there is one replica and a volume.",
    ("vaultwarden/vaultwarden", "health"): "The image's own HEALTHCHECK is a script; it calls `/alive`.",
}
