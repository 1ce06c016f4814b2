# opsgen and its locked dependencies, nothing else: no compiler, no package manager's cache, no root.
FROM python:3.11-slim AS build
WORKDIR /source
COPY requirements.lock requirements-dev.lock ./
RUN python -m venv /opt/opsgen \
    && /opt/opsgen/bin/pip install --no-cache-dir --require-hashes --only-binary :all: --requirement requirements.lock \
    && python -m venv /opt/build \
    && /opt/build/bin/pip install --no-cache-dir --require-hashes --only-binary :all: --requirement requirements-dev.lock
COPY LICENSE README.md pyproject.toml ./
COPY generator generator
COPY templates templates
RUN /opt/build/bin/pip wheel --no-deps --no-build-isolation --wheel-dir /wheels . \
    && /opt/opsgen/bin/pip install --no-cache-dir --no-deps /wheels/*.whl

FROM python:3.11-slim
RUN apt-get update && apt-get install --yes --no-install-recommends git && rm -rf /var/lib/apt/lists/*
COPY --from=build /opt/opsgen /opt/opsgen
ENV PATH=/opt/opsgen/bin:$PATH PYTHONDONTWRITEBYTECODE=1 XDG_CACHE_HOME=/tmp
# Of no user that a mounted repository knows: opsgen diff reads it nevertheless.
RUN git config --system --add safe.directory '*'
WORKDIR /work
USER 65532:65532
ENTRYPOINT ["opsgen"]
CMD ["--help"]
