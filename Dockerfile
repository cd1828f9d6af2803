# The service as an image: one process tree, no root, nothing writable but /data and /tmp.
#
# The base is named by its exact version. To pin it by content as well, build with
#   --build-arg PYTHON_IMAGE=python:3.13.14-slim-trixie@sha256:<digest>      (docs/operations.md says where to read it)
# Debian 13 and not 12: Python 3.12 and later need SQLite 3.42 for the queue, and Debian 12 has 3.40.
ARG PYTHON_IMAGE=python:3.13.14-slim-trixie

FROM ${PYTHON_IMAGE} AS build
ENV PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_NO_CACHE_DIR=1 PIP_ROOT_USER_ACTION=ignore
WORKDIR /source
COPY requirements/runtime.lock requirements/
COPY deploy/build.lock deploy/
# Wheels alone, every one with its hash: nothing is compiled here, so no compiler is needed in any stage.
RUN python -m venv --without-pip /opt/ai-provision \
    && pip --python /opt/ai-provision/bin/python install --require-hashes --only-binary :all: -r requirements/runtime.lock \
    && python -m venv --without-pip /opt/build \
    && pip --python /opt/build/bin/python install --require-hashes --only-binary :all: -r deploy/build.lock
COPY pyproject.toml README.md LICENSE ./
COPY templates templates
COPY examples examples
COPY bot bot
RUN /opt/build/bin/python -m hatchling build -t wheel -d /opt/wheels \
    && pip --python /opt/ai-provision/bin/python install --no-deps --no-index /opt/wheels/*.whl

FROM ${PYTHON_IMAGE}
# Debian keeps one version of a package at a time, so a pinned one breaks the build at its next security update.
# hadolint ignore=DL3008
RUN apt-get update \
    && apt-get install --yes --no-install-recommends git \
    && rm -rf /var/lib/apt/lists/* \
    && groupadd --gid 10001 ai-provision \
    && useradd --uid 10001 --gid 10001 --home-dir /data --no-create-home --shell /usr/sbin/nologin ai-provision \
    && install --directory --owner 10001 --group 10001 --mode 0700 /data
COPY --from=build /opt/ai-provision /opt/ai-provision
ENV PATH=/opt/ai-provision/bin:$PATH \
    HOME=/data \
    PYTHONDONTWRITEBYTECODE=1 \
    PYTHONUNBUFFERED=1 \
    AI_PROVISION_DATABASE_URL=sqlite:////data/ai-provision.sqlite
USER 10001:10001
WORKDIR /data
VOLUME /data
EXPOSE 8080
HEALTHCHECK --interval=30s --timeout=5s --start-period=20s --retries=3 \
    CMD ["python", "-c", "import urllib.request as u; u.urlopen('http://127.0.0.1:8080/healthz', timeout=4).read()"]
ENTRYPOINT ["ai-provision"]
CMD ["serve", "--host", "0.0.0.0"]
