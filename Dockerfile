# The gateway: Node, the libraries that it is linked with, one bundle of plain JavaScript, and for the init container of
# pods a bundle of its own (capture.mjs) with iptables (nft). Nothing else: no shell, no package manager. Its state is in
# a volume, so that the root file system can be read-only. No HEALTHCHECK: Kubernetes probes /health/live and
# /health/ready of the admin listener.
#
#   docker build -t aegis-gateway .
#   docker run --read-only -v aegis:/var/lib/aegis -v ./keys:/keys:ro aegis-gateway --tenant fintech …
ARG NODE_IMAGE=node:24-bookworm-slim

FROM ${NODE_IMAGE} AS build
RUN apt-get update \
    && apt-get install -y --no-install-recommends iptables \
    && rm -rf /var/lib/apt/lists/*
WORKDIR /src
COPY package.json package-lock.json .npmrc ./
RUN npm ci --ignore-scripts --no-audit --no-fund
COPY scripts/build-gateway.mjs scripts/build-plugins.mjs scripts/build-undici.mjs scripts/image-root.sh scripts/
COPY policy policy
COPY runtime runtime
COPY gateway gateway
RUN node -e "import('./scripts/build-gateway.mjs').then(({ buildGateway }) => buildGateway('/gateway'))" \
    && sh scripts/image-root.sh /usr/local/bin/node /gateway /image /usr/sbin/xtables-nft-multi

FROM scratch
ARG VERSION=0.1.0
ARG REVISION=unknown
LABEL org.opencontainers.image.title="aegis-gateway" \
      org.opencontainers.image.description="Decides every tool call of an AI agent, and forwards what is allowed." \
      org.opencontainers.image.licenses="Apache-2.0" \
      org.opencontainers.image.version="${VERSION}" \
      org.opencontainers.image.revision="${REVISION}"
COPY --from=build /image /
COPY --from=build --chown=65532:65532 /image/var/lib/aegis /var/lib/aegis
# The environment and the flags are those of bin/gateway-node.json.
ENV NODE_ENV=production MALLOC_ARENA_MAX=1 MALLOC_MMAP_THRESHOLD_=16384 MALLOC_TRIM_THRESHOLD_=65536
WORKDIR /app
# A number, so that Kubernetes can see that it is not root (runAsNonRoot), and one of its own, so that egress rules can
# tell the gateway from the agent.
USER 65532:65532
VOLUME /var/lib/aegis
EXPOSE 8181 15001 15020 15080 15443
STOPSIGNAL SIGTERM
ENTRYPOINT ["/usr/local/bin/node", "--max-semi-space-size=4", "--heap-growing-percent=25", "--max-old-space-size=256", "/app/gateway.mjs"]
