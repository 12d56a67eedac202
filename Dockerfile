# One file for all images; the build argument MODULE says which. Plain syntax: also Docker's classic builder takes it.

FROM maven:3-eclipse-temurin-25 AS build
WORKDIR /build
# First the dependencies, by the POMs alone: their layer stays good until a POM changes.
COPY .mvn .mvn
COPY pom.xml ./
COPY common-model/pom.xml common-model/
COPY local-redis/pom.xml local-redis/
COPY test-support/pom.xml test-support/
COPY redis-link/pom.xml redis-link/
COPY stream-engine/pom.xml stream-engine/
COPY common-service/pom.xml common-service/
COPY checkin-receiver/pom.xml checkin-receiver/
COPY checkin-processor/pom.xml checkin-processor/
COPY api-server/pom.xml api-server/
COPY demo/pom.xml demo/
COPY system-tests/pom.xml system-tests/
COPY benchmarks/pom.xml benchmarks/
RUN mvn -B -ntp -q -Dmaven.test.skip=true -Dspring-boot.repackage.skip=true -pl checkin-receiver,checkin-processor,api-server,demo -am package
COPY . .
RUN mvn -B -ntp -q -Dmaven.test.skip=true -pl checkin-receiver,checkin-processor,api-server,demo -am clean package
ARG MODULE
RUN java -Djarmode=tools -jar "$MODULE/target/$MODULE.jar" extract --layers --destination extracted \
 && mv "extracted/application/$MODULE.jar" extracted/application/app.jar

FROM eclipse-temurin:25-jre
RUN useradd --system --uid 10001 --no-create-home checkins
WORKDIR /app
COPY docker/healthcheck.sh ./
COPY --from=build /build/extracted/dependencies/ ./
COPY --from=build /build/extracted/snapshot-dependencies/ ./
COPY --from=build /build/extracted/application/ ./
# A training run, up to a complete application context, leaves a cache of loaded and linked classes for a fast start.
ARG TRAINING=""
RUN java -XX:AOTCacheOutput=app.aot -Dspring.context.exit=onRefresh -jar app.jar $TRAINING
USER checkins
# A JVM that has run out of memory may have lost threads: it ends, and is started again.
# A heap this small is collected with the least CPU time by the serial collector.
ENV JDK_JAVA_OPTIONS="-Xmx256m -XX:+UseSerialGC -XX:+ExitOnOutOfMemoryError"
# Without checkin.security.* a service is in protected mode and listens inside its container only. docker-compose.yml sets the mode.
ENTRYPOINT ["java", "-XX:AOTCache=app.aot", "-jar", "app.jar"]
