# Gateway, worker, console, portal and command line in one image; the command says which. No secret is built in: passwords and the
# key ring come as files at run time. Every package is the one that requirements.lock names by hash.
FROM python:3.11-slim AS build
ENV PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_NO_CACHE_DIR=1
RUN python -m venv /opt/steadfast
COPY requirements.lock /build/requirements.lock
RUN /opt/steadfast/bin/python -m pip install --require-hashes --no-deps -r /build/requirements.lock
COPY domain /opt/steadfast/app/domain
COPY workflows /opt/steadfast/app/workflows
COPY activities /opt/steadfast/app/activities
COPY store /opt/steadfast/app/store
COPY connectors /opt/steadfast/app/connectors
COPY clients /opt/steadfast/app/clients
COPY workers /opt/steadfast/app/workers
RUN /opt/steadfast/bin/python -m compileall -q /opt/steadfast/app /opt/steadfast/lib

FROM python:3.11-slim
RUN groupadd --gid 10001 steadfast \
 && useradd --uid 10001 --gid steadfast --no-create-home --shell /usr/sbin/nologin steadfast
COPY --from=build /opt/steadfast /opt/steadfast
ENV PATH=/opt/steadfast/bin:$PATH PYTHONPATH=/opt/steadfast/app PYTHONDONTWRITEBYTECODE=1 PYTHONUNBUFFERED=1
WORKDIR /tmp
USER 10001:10001
CMD ["python", "-m", "clients.gateway"]
