# One image for workers and for every command. Kafka is a service beside it (KAFKA_BOOTSTRAP_SERVERS).
FROM python:3.11.15-slim-bookworm@sha256:d29f48a31a8b408ed19272ca1e7b10ebae13b240a27e862d3d4217c528e2e0c3 AS build
# For packages that have no wheel for this platform.
RUN apt-get update && apt-get install -y --no-install-recommends gcc libc6-dev && rm -rf /var/lib/apt/lists/*
RUN python -m venv /opt/venv
ENV PATH=/opt/venv/bin:$PATH PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_NO_CACHE_DIR=1
WORKDIR /src
# The packages change seldom, the code often: a layer each.
COPY requirements-runtime.lock ./
RUN pip install --require-hashes -r requirements-runtime.lock
# What builds our own package is pinned too: an isolated build would fetch the newest setuptools.
COPY requirements.lock ./
RUN sed -n '/^setuptools==/,/[^\\]$/p' requirements.lock > build.lock && pip install --require-hashes -r build.lock
COPY pyproject.toml README.md ./
COPY schemas schemas
COPY streams streams
RUN pip install --no-deps --no-build-isolation . && pip uninstall --yes setuptools

FROM python:3.11.15-slim-bookworm@sha256:d29f48a31a8b408ed19272ca1e7b10ebae13b240a27e862d3d4217c528e2e0c3
RUN useradd --create-home --uid 10001 streams
COPY --from=build /opt/venv /opt/venv
ENV PATH=/opt/venv/bin:$PATH PYTHONUNBUFFERED=1 \
    CONTACT_STREAMS_WEB_HOST=0.0.0.0 CONTACT_STREAMS_LOG_FORMAT=json
USER streams
WORKDIR /home/streams
EXPOSE 6066
# Not a shell: SIGTERM reaches the worker, which commits what is in flight and leaves its group.
ENTRYPOINT ["contact-streams"]
CMD ["worker"]
