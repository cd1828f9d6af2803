# --- Application Metadata ---
# name:       cart
# language:   java
# framework:  spring-boot
# --------------------------------
FROM maven:3.9-eclipse-temurin-17 AS build
WORKDIR /src
COPY . .
RUN mvn -B -DskipTests package \
    && find target -maxdepth 1 -name '*.jar' ! -name '*-sources.jar' ! -name '*-javadoc.jar' ! -name 'original-*' > /jars \
    && test "$(wc -l < /jars)" -eq 1 \
    && mkdir /app \
    && mv "$(cat /jars)" /app/app.jar

FROM eclipse-temurin:17-jre
WORKDIR /app
COPY --from=build /app /app
EXPOSE 8081
USER 10001:10001
ENTRYPOINT ["java", "-XX:MaxRAMPercentage=75", "-jar", "/app/app.jar"]
