# One image for every part: Airflow's services, the command line, and the replica.
FROM python:3.11-slim

ENV PYTHONDONTWRITEBYTECODE=1 \
    PYTHONUNBUFFERED=1 \
    PIP_DISABLE_PIP_VERSION_CHECK=1 \
    PIP_NO_CACHE_DIR=1 \
    PLANMARK_HOME=/var/lib/planmark

RUN useradd --system --uid 10001 --create-home --home-dir /home/planmark planmark \
    && install --directory --owner=planmark --group=planmark /var/lib/planmark

WORKDIR /opt/planmark
# The packages change less often than the code: they make a layer of their own.
COPY requirements/runtime.lock requirements/runtime.lock
RUN pip install --require-hashes --requirement requirements/runtime.lock
COPY . .
RUN pip install --no-deps --no-build-isolation --editable .

USER planmark
VOLUME /var/lib/planmark
CMD ["planmark", "--help"]
