# Two images of one kerasd: `serve` answers with versions that are compiled already and has no
# TensorFlow; `full`, the default, compiles and trains as well.
#
#   docker build --target serve --tag kerasd:serve .
#   docker build --tag kerasd .

ARG PYTHON_IMAGE=python:3.11-slim-bookworm

# Below: what is only needed to build.
FROM ${PYTHON_IMAGE} AS tools
ARG UV_VERSION=0.13.9
RUN apt-get update \
 && apt-get install --yes --no-install-recommends binutils \
 && pip install --no-cache-dir --root-user-action ignore uv==${UV_VERSION}
ENV UV_CACHE_DIR=/var/cache/uv \
    UV_LINK_MODE=copy \
    UV_PYTHON_DOWNLOADS=never
WORKDIR /src

# Versions come from the lock file, names from pyproject.toml: the project's, and those of extras.
FROM tools AS serve-packages
COPY pyproject.toml requirements.lock ./
RUN --mount=type=cache,target=/var/cache/uv \
    uv venv --python /usr/local/bin/python3 /opt/kerasd \
 && uv pip install --python /opt/kerasd --constraint requirements.lock \
    --requirement pyproject.toml --extra postgres --extra oidc --extra otel --extra s3
COPY docker/prune.sh docker/
RUN sh docker/prune.sh /opt/kerasd 2

FROM tools AS full-packages
COPY pyproject.toml requirements.lock ./
RUN --mount=type=cache,target=/var/cache/uv \
    uv venv --python /usr/local/bin/python3 /opt/kerasd \
 && uv pip install --python /opt/kerasd --constraint requirements.lock \
    --requirement pyproject.toml --extra postgres --extra oidc --extra otel --extra s3 --extra train
COPY docker/prune.sh docker/
RUN sh docker/prune.sh /opt/kerasd 0

FROM tools AS project
COPY pyproject.toml README.md LICENSE ./
COPY service service
RUN --mount=type=cache,target=/var/cache/uv \
    uv venv --python /usr/local/bin/python3 /opt/kerasd \
 && uv build --quiet --wheel --out-dir /dist \
 && uv pip install --python /opt/kerasd --no-deps /dist/*.whl \
 && python3 -X no_debug_ranges -m compileall -q --invalidation-mode unchecked-hash /opt/kerasd/lib \
 && rm -f /opt/kerasd/.lock

# Below: what is the same in both images.
FROM ${PYTHON_IMAGE} AS base
RUN useradd --uid 10001 --user-group --no-create-home --home-dir /tmp --shell /usr/sbin/nologin \
    kerasd \
 && install --directory --owner kerasd --group kerasd /var/lib/kerasd /models
ENV PATH=/opt/kerasd/bin:$PATH \
    HOME=/tmp \
    TMPDIR=/tmp \
    KERASD_HOST=0.0.0.0 \
    KERASD_REPOSITORY=/models \
    KERASD_STATE_DIR=/var/lib/kerasd
USER 10001:10001
WORKDIR /tmp
VOLUME /var/lib/kerasd
EXPOSE 8080
STOPSIGNAL SIGTERM
HEALTHCHECK --interval=5s --timeout=3s --start-period=1h --retries=3 \
    CMD exec python -I -m service.base.probe "$KERASD_HOST" "${KERASD_PORT:-8080}"
ENTRYPOINT ["kerasd"]
CMD ["serve"]
ARG VERSION=0.1.0
ARG REVISION=unknown
ARG CREATED=1970-01-01T00:00:00Z
LABEL org.opencontainers.image.version="${VERSION}" \
      org.opencontainers.image.revision="${REVISION}" \
      org.opencontainers.image.created="${CREATED}" \
      org.opencontainers.image.licenses="Apache-2.0"

FROM base AS serve
COPY --from=serve-packages /opt/kerasd /opt/kerasd
COPY --from=project /opt/kerasd /opt/kerasd
LABEL org.opencontainers.image.title="kerasd (serve)" \
      org.opencontainers.image.description="Model serving for Keras, without TensorFlow"

FROM base AS full
COPY --from=full-packages /opt/kerasd /opt/kerasd
COPY --from=project /opt/kerasd /opt/kerasd
LABEL org.opencontainers.image.title="kerasd" \
      org.opencontainers.image.description="Model serving for Keras, compiling and training included"
