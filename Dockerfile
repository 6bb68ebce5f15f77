# Two images. Without --target: the roles, for Kafka and ClickHouse of your own.
# `embedded` brings the embedded ClickHouse along, for `run` and `demo`; there is
# one for linux/amd64 only.
#
#   docker build -t jitaudit:dev --build-arg VERSION=$(git describe --tags --always) .
#   docker build -t jitaudit:dev-embedded --target embedded .
#   docker run --rm --network none jitaudit:dev-embedded demo

FROM --platform=$BUILDPLATFORM golang:1.26.5-bookworm AS source
WORKDIR /src
COPY go.mod go.sum ./
RUN --mount=type=cache,target=/go/pkg/mod go mod download
COPY . .
ARG VERSION=dev COMMIT= DATE= TARGETOS TARGETARCH
ENV CGO_ENABLED=0 GOCACHE=/cache GOOS=$TARGETOS GOARCH=$TARGETARCH GOFLAGS="-trimpath -buildvcs=false" \
    LDFLAGS="-s -w -X main.version=$VERSION -X main.commit=$COMMIT -X main.date=$DATE"
# For the embedded parts: a volume takes its owner from it.
RUN mkdir -p /out/state

# Without the embedded ClickHouse the program is linked statically.
FROM source AS build
RUN --mount=type=cache,target=/go/pkg/mod --mount=type=cache,target=/cache \
    go build -tags nochdb -ldflags "$LDFLAGS" -o /out/jitaudit ./cmd/jitaudit

FROM source AS build-embedded
RUN --mount=type=cache,target=/go/pkg/mod --mount=type=cache,target=/cache \
    GOOS=linux GOARCH=amd64 go build -ldflags "$LDFLAGS" -o /out/jitaudit ./cmd/jitaudit

# libchdb, 180 MB packed and 570 MB unpacked; version and hash are those of
# internal/chdb/library.
FROM --platform=$BUILDPLATFORM node:22.21.1-bookworm-slim AS library
WORKDIR /library
RUN npm pack --ignore-scripts --cache /tmp/npm @chdb/lib-linux-x64-gnu@26.7.3-stable.1 \
 && echo "5cff7b98caa7739b59a4a432c11f0dedc2d3b073624e61ebdf4a42e66ce8de35a6ba48ca9f62016bad1cd81fe059435cb858ce3235a8a2b408082a81563e70a7  chdb-lib-linux-x64-gnu-26.7.3-stable.1.tgz" | sha512sum --check \
 && tar --extract --file chdb-lib-linux-x64-gnu-26.7.3-stable.1.tgz --strip-components 1 package/libchdb.so \
 && rm -r /tmp/npm chdb-lib-linux-x64-gnu-26.7.3-stable.1.tgz

# Both images are without shell and package manager. Authorities for TLS are in
# them, time zones are in the binary. Tags move, so the digests count.

FROM --platform=linux/amd64 gcr.io/distroless/base-debian12:nonroot@sha256:7f0c72cd138b442ae0deeb69c08b1acf5525439ba251a49ad93c320a061567e5 AS embedded
COPY --from=library /library/libchdb.so /usr/local/lib/libchdb.so
COPY --from=build-embedded /out/jitaudit /usr/local/bin/jitaudit
COPY --from=build-embedded --chown=65532:65532 /out/state /var/lib/jitaudit
# data_dir is by default in here: /var/lib/jitaudit.
ENV XDG_STATE_HOME=/var/lib
USER 65532:65532
EXPOSE 9464
HEALTHCHECK --interval=15s --timeout=5s --start-period=2m --retries=4 CMD ["/usr/local/bin/jitaudit", "health"]
ENTRYPOINT ["/usr/local/bin/jitaudit"]

FROM gcr.io/distroless/static-debian12:nonroot@sha256:afa5c872c891853ca7fcf1f12c3edb23f7eeef36189728842dd51042ff57f7ab AS roles
ARG VERSION=dev COMMIT= DATE=
LABEL org.opencontainers.image.title="jitaudit" \
      org.opencontainers.image.description="Audits just-in-time access from Okta into AWS" \
      org.opencontainers.image.licenses="Apache-2.0" \
      org.opencontainers.image.version="$VERSION" \
      org.opencontainers.image.revision="$COMMIT" \
      org.opencontainers.image.created="$DATE"
COPY --from=build /out/jitaudit /usr/local/bin/jitaudit
USER 65532:65532
EXPOSE 9464
HEALTHCHECK --interval=15s --timeout=5s --start-period=2m --retries=4 CMD ["/usr/local/bin/jitaudit", "health"]
ENTRYPOINT ["/usr/local/bin/jitaudit"]
