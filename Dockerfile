# The program on Debian 12: one stage builds, the other carries the shared libraries it needs.
FROM debian:12-slim AS build
WORKDIR /source
COPY tools/install tools/install
RUN tools/install
COPY . .
RUN cmake --preset release -DTRIBUTARY_TESTS=OFF \
 && cmake --build --preset release --target tributary \
 && strip -o /tributary build/release/tributary

FROM debian:12-slim
RUN apt-get update -qq \
 && apt-get install -y -qq --no-install-recommends \
        librdkafka1 librocksdb7.8 libpocofoundation80 libpoconet80 libsimdjson14 libfmt9 \
        libyaml-cpp0.7 libdate-tz3 libgmime-3.0-0 libssl3 libcurl4 libjemalloc2 tzdata ca-certificates curl \
 && rm -rf /var/lib/apt/lists/* \
 && useradd --system --home-dir /data --create-home tributary
COPY --from=build /tributary /usr/local/bin/tributary
USER tributary
VOLUME /data
EXPOSE 8080 8081
HEALTHCHECK --interval=10s --start-period=60s CMD curl -fsS http://127.0.0.1:8081/healthz || exit 1
ENTRYPOINT ["tributary"]
CMD ["serve", "--data", "/data", "--ingress", "0.0.0.0:8080", "--api", "0.0.0.0:8081"]
