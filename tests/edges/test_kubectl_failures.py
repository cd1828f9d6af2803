"""What kubectl and the API server say becomes a code, a sentence and the next step. The texts are theirs, as recorded."""

from __future__ import annotations

import pytest

from bot.edges.kubectl.failures import Failed, plain, trouble
from bot.edges.kubectl.process import Ran
from bot.errors import Code, Refused, Unavailable

SERVER = "Error from server "
FORBIDDEN = (
    'deployments.apps "web" is forbidden: User "ci" cannot patch resource "deployments" in API group "apps" in the '
    'namespace "shop"'
)
CONFLICT = (
    'error: Apply failed with 2 conflicts: conflicts with "kubectl-client-side-apply" using apps/v1:\n'
    '- .spec.replicas\n- .spec.template.spec.containers[name="web"].image\nPlease review the fields above--they '
    "currently have other managers."
)
REFUSALS = [
    (CONFLICT, Code.CONFLICT, "`kubectl-client-side-apply` owns `.spec.replicas`"),
    (f"{SERVER}(Forbidden): {FORBIDDEN}", Code.KUBERNETES_AUTH, "may not `patch` `deployments.apps` in the namespace"),
    ((f'{SERVER}(Forbidden): namespaces is forbidden: User "ci" cannot create resource "namespaces" in API group "" at '
     "the cluster scope"), Code.KUBERNETES_AUTH, "may not `create` `namespaces`."),
    ((f'{SERVER}(Forbidden): persistentvolumeclaims "x" is forbidden: exceeded quota: limit, requested: '
     "persistentvolumeclaims=1, used: persistentvolumeclaims=0, limited: persistentvolumeclaims=0"), Code.CAPACITY,
     "exceeded quota: limit"),
    ('The Deployment "web" is invalid: spec.replicas: Invalid value: -5: must be greater than or equal to 0',
     Code.POLICY, "must be greater than or equal to 0"),
    ('The Deployment "web" is invalid: spec.selector: Invalid value: {"matchLabels":{}}: field is immutable',
     Code.CONFLICT, "field is immutable"),
    (f'{SERVER}(BadRequest): admission webhook "guard.example.com" denied the request: no latest tags', Code.POLICY,
     "no latest tags"),
    (f'{SERVER}(Forbidden): pods "web" is forbidden: violates PodSecurity "restricted:latest": hostPath', Code.POLICY,
     "hostPath"),
    ('error: unable to recognize "STDIN": no matches for kind "Application" in version "argoproj.io/v1alpha1"',
     Code.CONFIG, "does not know a kind"),
    (f'{SERVER}(NotFound): namespaces "shop" not found', Code.CONFIG, "The namespace `shop` does not exist"),
    ("error: You must be logged in to the server (Unauthorized)", Code.KUBERNETES_AUTH, "does not accept"),
    (("Unable to connect to the server: tls: failed to verify certificate: x509: certificate signed by unknown "
     "authority"), Code.TLS, "not trusted"),
    ("error: current-context must exist in order to minify", Code.CONFIG, "kubeconfig"),
    ("something new", Code.CONFIG, "something new"),
]  # fmt: skip
OUTAGES = [
    "The connection to the server 10.0.0.1:6443 was refused - did you specify the right host or port?",
    "Unable to connect to the server: net/http: TLS handshake timeout",
    "Unable to connect to the server: dial tcp 10.0.0.1:6443: i/o timeout",
    f"{SERVER}(ServiceUnavailable): the server is currently unable to handle the request",
    f"{SERVER}(InternalError): etcdserver: request timed out",
]


def failed(text: str, *, stopped: str = "") -> Failed:
    return Failed(Ran(1, "", text, stopped), "apply of 3 objects", lambda words: words.replace("hunter2", "***"))


@pytest.mark.parametrize(("text", "code", "told"), REFUSALS)
def test_a_refusal_has_its_code_its_words_and_a_next_step(text: str, code: Code, told: str) -> None:
    problem = trouble(failed(text))
    assert isinstance(problem, Refused)
    assert (problem.refusal.code, told in problem.refusal.message) == (code, True), problem.refusal.message
    assert problem.refusal.remedy


@pytest.mark.parametrize("text", OUTAGES)
def test_an_api_server_that_does_not_answer_is_an_outage_without_its_address(text: str) -> None:
    """S02."""
    problem = trouble(failed(text))
    assert isinstance(problem, Unavailable)
    assert problem.code is Code.CAPACITY
    assert "10.0.0.1" not in str(problem)


def test_no_conflict_is_ever_answered_with_force() -> None:
    problem = trouble(failed(CONFLICT))
    assert isinstance(problem, Refused)
    assert "--force" not in problem.refusal.remedy
    assert "Nothing was overwritten" in problem.refusal.message


def test_the_time_limit_is_an_outage_and_a_signal_a_stop_that_can_go_on() -> None:
    assert isinstance(trouble(failed("", stopped="the time limit")), Unavailable)
    problem = trouble(failed("", stopped="SIGINT"))
    assert isinstance(problem, Refused)
    assert "stopped by SIGINT" in problem.refusal.message


def test_a_text_of_the_cluster_is_one_plain_bounded_line() -> None:
    text = "hunter2\n\x1b[31mred`\u202eback https://10.0.0.1:6443/api " + "x" * 900
    told = plain(text, redact=lambda words: words.replace("hunter2", "***"))
    assert told.startswith("*** [31mred' back (address) x")
    assert len(told) == 501


def test_log_prefixes_and_warnings_are_left_out() -> None:
    noise = 'E1121 20:46:57.026541 21004 memcache.go:265] "Unhandled Error" err="couldn\'t get current server API group list: x"'
    problem = trouble(failed(f"{noise}\nWarning: old\nThe connection to the server a:1 was refused"))
    assert "kubectl says: The connection to the server" in str(problem)
