# One image for every service of docker-compose.yml.
#   docker build .                     torch's CPU build
#   docker build --build-arg CUDA=1 .  torch with CUDA, several GB more
ARG PYTHON_IMAGE=python:3.11-slim-bookworm

# what the product needs, alone: other changes of pyproject.toml leave the next stage as it is
FROM ${PYTHON_IMAGE} AS requirements
COPY pyproject.toml /
RUN python -c 'import tomllib; print("\n".join(tomllib.load(open("/pyproject.toml", "rb"))["project"]["dependencies"]))' \
    > /requirements.txt

FROM ${PYTHON_IMAGE} AS dependencies
ARG CUDA=
WORKDIR /build
RUN python -m venv --without-pip /opt/screener
COPY constraints.txt ./
COPY .ci/torch .ci/torch
RUN --mount=type=cache,target=/var/cache/pip \
    CUDA=${CUDA} PIP_CACHE_DIR=/var/cache/pip .ci/torch python -m pip --python /opt/screener/bin/python
COPY --from=requirements /requirements.txt ./
RUN --mount=type=cache,target=/var/cache/pip \
    python -m pip --cache-dir /var/cache/pip --python /opt/screener/bin/python \
    install --quiet --constraint constraints.txt --requirement requirements.txt

# the product's own wheel, apart: the layer that changes is small
FROM dependencies AS product
RUN python -m pip install --quiet --constraint constraints.txt hatchling
COPY pyproject.toml README.md LICENSE ./
COPY migrations migrations
COPY screener screener
COPY workers workers
RUN python -m pip wheel --quiet --no-deps --no-build-isolation --wheel-dir dist . \
 && python -m pip --python /opt/screener/bin/python install --quiet --no-deps --prefix /product dist/*.whl

FROM ${PYTHON_IMAGE}
LABEL org.opencontainers.image.title="bmd-screener" \
      org.opencontainers.image.description="DICOM node that estimates children's bone mineral density from chest films; research use only" \
      org.opencontainers.image.licenses="Apache-2.0"
# folders that a new volume takes its owner and its mode from
RUN groupadd --gid 10001 screener \
 && useradd --uid 10001 --gid 10001 --no-create-home --home-dir /tmp --shell /usr/sbin/nologin screener \
 && install -d -m 0755 /etc/screener /srv/site /keys \
 && install -d -o screener -g screener -m 0750 /var/lib/screener /keys/database /keys/broker /demo
COPY --from=dependencies /opt/screener /opt/screener
COPY --from=product /product /opt/screener
ENV PATH=/opt/screener/bin:/usr/local/bin:/usr/bin:/bin \
    HOME=/tmp \
    PYTHONDONTWRITEBYTECODE=1 \
    PYTHONUNBUFFERED=1
USER 10001:10001
WORKDIR /var/lib/screener
CMD ["screener", "--help"]
