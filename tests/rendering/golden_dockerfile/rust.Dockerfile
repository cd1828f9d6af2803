# --- Application Metadata ---
# name:       cart
# language:   rust
# framework:  axum
# --------------------------------
FROM rust:1.80-bookworm AS build
WORKDIR /src
COPY . .
# The one program of this crate; with several the build stops here.
RUN cargo install --path . --root /out --locked \
    && set -- /out/bin/* \
    && test "$#" -eq 1 \
    && mv "$1" /app

FROM debian:12-slim
COPY --from=build /etc/ssl/certs/ca-certificates.crt /etc/ssl/certs/ca-certificates.crt
COPY --from=build /app /app
EXPOSE 8080
USER 10001:10001
ENTRYPOINT ["/app"]
