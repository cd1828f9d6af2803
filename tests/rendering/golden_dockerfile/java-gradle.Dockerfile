# --- Application Metadata ---
# name:       cart
# language:   java
# framework:  spring-boot
# --------------------------------
FROM gradle:8.12-jdk21 AS build
WORKDIR /src
COPY . .
RUN gradle --no-daemon build -x test \
    && find build/libs -maxdepth 1 -name '*.jar' ! -name '*-plain.jar' ! -name '*-sources.jar' > /jars \
    && test "$(wc -l < /jars)" -eq 1 \
    && mkdir /app \
    && mv "$(cat /jars)" /app/app.jar

FROM eclipse-temurin:21-jre
WORKDIR /app
COPY --from=build /app /app
EXPOSE 8080
USER 10001:10001
ENTRYPOINT ["java", "-XX:MaxRAMPercentage=75", "-jar", "/app/app.jar"]
