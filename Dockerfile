# docker build -t jitaudit:dev --build-arg VERSION=$(git describe --tags --always) .

FROM --platform=$BUILDPLATFORM golang:1.26.5-bookworm AS build
WORKDIR /src
COPY go.mod go.sum ./
RUN --mount=type=cache,target=/go/pkg/mod go mod download
COPY . .
ARG VERSION=dev COMMIT= DATE= TARGETOS TARGETARCH
# The folder is for the embedded parts: a volume takes its owner from it.
RUN --mount=type=cache,target=/go/pkg/mod --mount=type=cache,target=/cache \
    CGO_ENABLED=0 GOCACHE=/cache GOOS=$TARGETOS GOARCH=$TARGETARCH go build -trimpath -buildvcs=false \
      -ldflags "-s -w -X main.version=$VERSION -X main.commit=$COMMIT -X main.date=$DATE" \
      -o /out/jitaudit ./cmd/jitaudit \
 && mkdir /out/state

# No shell and no package manager; authorities for TLS are in it, time zones are in
# the binary. Not the variant without glibc: what can load the embedded ClickHouse
# asks for the dynamic loader, without cgo too. The tag moves, so the digest counts.
FROM gcr.io/distroless/base-debian12:nonroot@sha256:7f0c72cd138b442ae0deeb69c08b1acf5525439ba251a49ad93c320a061567e5
ARG VERSION=dev COMMIT= DATE=
LABEL org.opencontainers.image.title="jitaudit" \
      org.opencontainers.image.description="Audits just-in-time access from Okta into AWS" \
      org.opencontainers.image.licenses="Apache-2.0" \
      org.opencontainers.image.version="$VERSION" \
      org.opencontainers.image.revision="$COMMIT" \
      org.opencontainers.image.created="$DATE"
COPY --from=build /out/jitaudit /usr/local/bin/jitaudit
COPY --from=build --chown=65532:65532 /out/state /var/lib/jitaudit
# data_dir is by default in here: /var/lib/jitaudit.
ENV XDG_STATE_HOME=/var/lib
USER 65532:65532
EXPOSE 9464
HEALTHCHECK --interval=15s --timeout=5s --start-period=2m --retries=4 CMD ["/usr/local/bin/jitaudit", "health"]
ENTRYPOINT ["/usr/local/bin/jitaudit"]
