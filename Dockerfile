# Tributary as an image. Debian's glibc, because that is what the tests run on (libsql, which only the embedded mode
# loads, comes prebuilt for glibc and musl, x64 and arm64).
#
#   docker build --tag tributary .
#   docker run --volume ./consumer.properties:/etc/tributary/consumer.properties:ro tributary
#
# Every key may also come from the environment: TRIBUTARY_MYSQL_URL for mysql.url, and for secrets a file,
# TRIBUTARY_MYSQL_PASSWORD_FILE. Logs go to standard error, one JSON document a line (TRIBUTARY_LOG_FORMAT).
FROM node:20-bookworm-slim AS build
WORKDIR /app
COPY package.json package-lock.json .npmrc ./
RUN npm ci
COPY tsconfig.json tsconfig.build.json ./
COPY src ./src
# Of 123 MB of modules 56 remain without what is never read at run time: types, source maps, the build for another libc.
RUN npm run build && npm prune --omit=dev \
    && find node_modules -type f \( -name "*.ts" -o -name "*.cts" -o -name "*.mts" -o -name "*.map" -o -name "*.md" \) -delete \
    && rm -rf node_modules/@libsql/*-musl

FROM node:20-bookworm-slim
ENV NODE_ENV=production \
    TRIBUTARY_LOG_FORMAT=json \
    TRIBUTARY_STATE_DIR=/var/lib/tributary
# Written only to remember the group members of this host, so that a restart after a crash takes over at once.
RUN mkdir --mode=0700 /var/lib/tributary && chown node:node /var/lib/tributary
WORKDIR /app
COPY --from=build /app/package.json ./
COPY --from=build /app/node_modules ./node_modules
COPY --from=build /app/dist ./dist
COPY LICENSE ./
COPY schemas ./schemas
USER node
# The drain: running transactions finish, the group is left, exit 0 within shutdown.timeout.ms (25 s). Give the container
# longer than that before it is killed (docker stop --time 30).
STOPSIGNAL SIGTERM
# No HEALTHCHECK: this release answers no requests, and that the process lives is what the engine knows anyway.
ENTRYPOINT ["node", "/app/dist/main.js"]
CMD ["run", "--config", "/etc/tributary/consumer.properties"]
