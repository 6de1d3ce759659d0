# proxyctl from this checkout. `scripts/setup` makes an image of the same kind out of Debian packages where no
# registry answers (scripts/machine/images.py): what is changed here belongs there too.

FROM python:3.11-slim AS build
RUN python -m venv /opt/proxyctl
COPY requirements/runtime.txt /src/
RUN /opt/proxyctl/bin/pip install --no-cache-dir --require-hashes --no-deps --requirement /src/runtime.txt
COPY . /src
RUN /opt/proxyctl/bin/pip install --no-cache-dir --no-deps /src

FROM python:3.11-slim
# busybox for whoever looks around inside: ip, nslookup, wget, ping, … under their own names.
RUN apt-get update \
 && apt-get install --yes --no-install-recommends busybox-static \
 && rm -rf /var/lib/apt/lists/* \
 && for name in $(busybox --list); do command -v "$name" >/dev/null || ln -s busybox "/bin/$name"; done \
 && mkdir -p /proxyctl /var/lib/proxyctl \
 && ln -s /opt/proxyctl/bin/proxyctl /usr/local/bin/proxyctl
COPY --from=build /opt/proxyctl /opt/proxyctl
ENV PYTHONUNBUFFERED=1 SSL_CERT_FILE=/etc/ssl/certs/ca-certificates.crt
ENTRYPOINT ["proxyctl"]
