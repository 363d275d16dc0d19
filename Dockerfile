# Two stages: the first has the installer, the second only what runs.
#
#   docker build -t afterglow .
#   docker run --rm -e AFTERGLOW_DATABASE_URL=... -e AFTERGLOW_SECRET_KEYS=... afterglow migrate
#   docker run -p 8000:8000 -e ... afterglow
#
# `make drill-docker` builds and runs it where there is no Docker engine.

FROM python:3.11-slim AS build
WORKDIR /build
COPY uv.txt requirements.lock ./
# A virtual environment moves to the second stage as one folder, whatever Python the base has.
RUN python3 -m venv /opt/venv \
    && python3 -m venv /opt/uv \
    && /opt/uv/bin/pip install --no-cache-dir --require-hashes -r uv.txt \
    && /opt/uv/bin/uv pip install --no-cache --python /opt/venv/bin/python --require-hashes -r requirements.lock

FROM python:3.11-slim
LABEL org.opencontainers.image.title="Afterglow" \
      org.opencontainers.image.licenses="MIT"
ENV PATH="/opt/venv/bin:$PATH" \
    PYTHONPATH=/srv/afterglow \
    PYTHONDONTWRITEBYTECODE=1 \
    PYTHONUNBUFFERED=1
RUN groupadd --gid 10001 afterglow \
    && useradd --uid 10001 --gid afterglow --no-create-home --home-dir /srv/afterglow --shell /usr/sbin/nologin afterglow \
    && install -d -o afterglow -g afterglow /srv/afterglow/var
COPY --from=build /opt/venv /opt/venv
WORKDIR /srv/afterglow
COPY alembic.ini pyproject.toml LICENSE ./
COPY migrations migrations
COPY app app
RUN printf '#!/bin/sh\nexec /opt/venv/bin/python -P -m app.cli "$@"\n' > /opt/venv/bin/afterglow \
    && chmod 0755 /opt/venv/bin/afterglow \
    && python -m compileall -q app
USER 10001:10001
VOLUME /srv/afterglow/var
EXPOSE 8000
HEALTHCHECK --interval=30s --timeout=3s --start-period=10s --retries=3 \
    CMD ["python", "-c", "from urllib.request import urlopen; urlopen('http://127.0.0.1:8000/healthz', timeout=2)"]
ENTRYPOINT ["afterglow"]
CMD ["serve", "--host", "0.0.0.0", "--port", "8000"]
