"""Measured use of workloads from one Prometheus (or what speaks its API), by range queries alone.

In: an address, a token, the workloads. Out: a ``Reading``; what did not answer is a finding in it. Never: an exception
for an outage, a redirect followed, a label value or an address in a message, a zero that stands for "no data".
"""

from bot.edges.prometheus.metrics import PrometheusMetrics

__all__ = ["PrometheusMetrics"]
