"""Where an application is reached: hosts of Ingresses and HTTPRoutes, and what is known of their certificates.

In: a namespace. Out: ``Url``s. Never: the content of a secret, an exception for a kind that the cluster does not have.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final, Literal

from bot.edges.kubectl.program import Kubectl, Thing, failed, things
from bot.edges.kubectl.reading import name_of, namespace_of, rows, table
from bot.model.applied import Url

Tls = Literal["ready", "waiting", "none", "unknown"]
_INGRESSES: Final = "ingresses.networking.k8s.io"
_ROUTES: Final = "httproutes.gateway.networking.k8s.io"
_GATEWAYS: Final = "gateways.gateway.networking.k8s.io"
_CERTIFICATES: Final = "certificates.cert-manager.io"
_HOST: Final = re.compile(r"(?:\*\.)?[a-z0-9](?:[-a-z0-9.]{0,251}[a-z0-9])?")
_MISSING: Final = ("doesn't have a resource type", "could not find the requested resource", "(Forbidden)", "(NotFound)")


@dataclass(frozen=True)
class Addresses:
    """The addresses of one namespace."""

    kubectl: Kubectl
    namespace: str

    def urls(self) -> tuple[Url, ...]:
        """Sorted by host and path, each once."""
        found = [*self._ingresses(), *self._routes()]
        return tuple(sorted(dict.fromkeys(found), key=lambda url: (url.host, url.path)))

    def _ingresses(self) -> list[Url]:
        made = []
        for ingress in self.kubectl.get((_INGRESSES,), self.namespace, step="look at the ingresses"):
            spec = table(ingress.get("spec"))
            for rule in rows(spec.get("rules")):
                host = str(rule.get("host", ""))
                if _HOST.fullmatch(host):
                    tls = self._of_ingress(host, rows(spec.get("tls")))
                    made += [Url(host=host, path=path, tls=tls) for path in _paths(rule)]
        return made

    def _of_ingress(self, host: str, entries: list[Thing]) -> Tls:
        for entry in entries:
            if any(covers(str(each), host) for each in entry.get("hosts") or []):
                return self._certificate(str(entry.get("secretName", "")), self.namespace)
        return "none"

    def _certificate(self, secret: str, namespace: str) -> Tls:
        """By cert-manager where it is there, else by the mere existence of the secret; its content is not asked for."""
        if not secret:
            return "unknown"
        for each in self._optional(_CERTIFICATES, namespace):
            if table(each.get("spec")).get("secretName") == secret:
                return "ready" if _is_ready(each) else "waiting"
        ran = self.kubectl.tried("get", "secret", secret, f"--namespace={namespace}", "--output=name")
        if not failed(ran):
            return "ready"
        return "waiting" if "(NotFound)" in ran.err else "unknown"

    def _routes(self) -> list[Url]:
        made: list[Url] = []
        for route in self._optional(_ROUTES, self.namespace):
            spec = table(route.get("spec"))
            named = [str(each) for each in spec.get("hostnames") or []]
            hosts = [each for each in named if _HOST.fullmatch(each)]
            made += [Url(host=each, tls=self._of_route(each, rows(spec.get("parentRefs")))) for each in hosts]
        return made

    def _of_route(self, host: str, parents: list[Thing]) -> Tls:
        seen: list[Tls] = []
        for parent in parents:
            space = str(parent.get("namespace") or self.namespace)
            for gateway in self._optional(_GATEWAYS, space):
                if name_of(gateway) == parent.get("name"):
                    seen += self._of_gateway(host, gateway, str(parent.get("sectionName", "")))
        order: tuple[Tls, ...] = ("ready", "waiting", "none")
        return next((each for each in order if each in seen), "unknown")

    def _of_gateway(self, host: str, gateway: Thing, section: str) -> list[Tls]:
        made: list[Tls] = []
        for listener in rows(table(gateway.get("spec")).get("listeners")):
            named = listener.get("hostname")
            if section not in {"", listener.get("name")} or (isinstance(named, str) and not covers(named, host)):
                continue
            refs = rows(table(listener.get("tls")).get("certificateRefs"))
            secret = str(refs[0].get("name", "")) if refs else ""
            space = str(refs[0].get("namespace") or namespace_of(gateway) or self.namespace) if refs else self.namespace
            made.append(self._certificate(secret, space) if listener.get("protocol") == "HTTPS" else "none")
        return made

    def _optional(self, kind: str, namespace: str) -> list[Thing]:
        """Objects of a kind; none where the cluster does not know it or the role may not look."""
        ran = self.kubectl.tried("get", kind, f"--namespace={namespace}", "--output=json")
        if failed(ran) and any(each in ran.err for each in _MISSING):
            return []
        if failed(ran):
            raise self.kubectl.trouble(ran, f"look at {kind.partition('.')[0]}")
        return things(ran.out)


def covers(pattern: str, host: str) -> bool:
    """Whether a name of a certificate, a wildcard of one label among them, stands for a host."""
    if pattern.startswith("*."):
        return host.partition(".")[2] == pattern[2:] or host == pattern
    return pattern == host


def _paths(rule: Thing) -> list[str]:
    found = [str(each.get("path") or "/") for each in rows(table(rule.get("http")).get("paths"))]
    return list(dict.fromkeys(each for each in found if len(each) <= 200)) or ["/"]


def _is_ready(thing: Thing) -> bool:
    found = rows(table(thing.get("status")).get("conditions"))
    return any(each.get("type") == "Ready" and each.get("status") == "True" for each in found)
