# --- Application Metadata ---
# name:       cart
# language:   go
# framework:  gin
# --------------------------------
FROM golang:1.23-bookworm AS build
WORKDIR /src
COPY go.mod go.sum* ./
RUN go mod download
COPY . .
# The one program of this folder. With several, name one: --build-arg PACKAGE=./cmd/server
ARG PACKAGE=./...
RUN mkdir /out \
    && CGO_ENABLED=0 go build -trimpath -ldflags="-s -w" -o /out/ "$PACKAGE" \
    && set -- /out/* \
    && test "$#" -eq 1 \
    && mv "$1" /app

FROM debian:12-slim
COPY --from=build /etc/ssl/certs/ca-certificates.crt /etc/ssl/certs/ca-certificates.crt
COPY --from=build /app /app
EXPOSE 8080
USER 10001:10001
ENTRYPOINT ["/app"]
