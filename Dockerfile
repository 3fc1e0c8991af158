# The platform in one image; `docker run -p 127.0.0.1:8000:8000 headwater` serves the live exchanges.
FROM node:22-slim AS modules
WORKDIR /build
COPY package.json package-lock.json .npmrc ./
RUN npm ci --omit=dev

FROM python:3.13-slim AS build
WORKDIR /build
COPY requirements.lock pyproject.toml README.md LICENSE ./
COPY src ./src
COPY scripts ./scripts
COPY --from=modules /build/node_modules ./node_modules
RUN python -m venv /opt/headwater \
    && /opt/headwater/bin/pip install --no-cache-dir --require-hashes -r requirements.lock \
    && /opt/headwater/bin/python scripts/vendor_modules.py \
    && /opt/headwater/bin/pip install --no-cache-dir --no-deps .

FROM python:3.13-slim
RUN useradd --system --uid 10001 headwater && install -d -o headwater /data
COPY --from=build /opt/headwater /opt/headwater
ENV HEADWATER_DATA_DIR=/data
VOLUME /data
USER 10001
EXPOSE 8000
HEALTHCHECK --interval=15s --timeout=3s CMD ["/opt/headwater/bin/python", "-c", "import urllib.request as u; u.urlopen('http://127.0.0.1:8000/health/live', timeout=2)"]
ENTRYPOINT ["/opt/headwater/bin/headwater"]
CMD ["run", "--host", "0.0.0.0"]
