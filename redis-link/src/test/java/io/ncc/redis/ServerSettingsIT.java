package io.ncc.redis;

import static org.assertj.core.api.Assertions.assertThat;

import ch.qos.logback.classic.Level;
import ch.qos.logback.classic.Logger;
import ch.qos.logback.classic.spi.ILoggingEvent;
import ch.qos.logback.core.read.ListAppender;
import io.lettuce.core.AclSetuserArgs;
import io.lettuce.core.protocol.CommandType;
import io.ncc.checkin.testsupport.RealRedis;
import java.util.List;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.extension.RegisterExtension;
import org.slf4j.LoggerFactory;

@Timeout(60)
final class ServerSettingsIT {

    @RegisterExtension
    static final RealRedis redis = RealRedis.server();

    private final ServerSettings settings = new ServerSettings();
    private final ListAppender<ILoggingEvent> log = new ListAppender<>();

    @BeforeEach
    void listen() {
        log.start();
        logger().addAppender(log);
    }

    @AfterEach
    void restore() {
        logger().detachAppender(log);
        redis.commands().configSet("maxmemory-policy", "noeviction");
        redis.commands().configSet("appendonly", "yes");
        redis.commands().aclDeluser("guest");
    }

    private static Logger logger() {
        return (Logger) LoggerFactory.getLogger(ServerSettings.class);
    }

    private List<String> warnings() {
        return log.list.stream()
                .filter(event -> event.getLevel() == Level.WARN)
                .map(ILoggingEvent::getFormattedMessage)
                .toList();
    }

    @Test
    void aServerThatKeepsWhatItIsGivenIsNotComplainedOf() {
        settings.accept(redis.commands());
        assertThat(warnings()).isEmpty();
    }

    @Test
    void aServerThatMayEvictIsWarnedOf() {
        redis.commands().configSet("maxmemory-policy", "allkeys-lru");
        settings.accept(redis.commands());
        assertThat(warnings())
                .singleElement()
                .asString()
                .contains("allkeys-lru")
                .contains("noeviction");
    }

    @Test
    void aServerThatSavesNothingIsWarnedOf() {
        redis.commands().configSet("appendonly", "no");
        settings.accept(redis.commands());
        assertThat(warnings()).singleElement().asString().contains("nothing to disk");
    }

    @Test
    void aServerThatIsMetAgainIsNotComplainedOfAgain() {
        redis.commands().configSet("maxmemory-policy", "allkeys-lru");
        settings.accept(redis.commands());
        settings.accept(redis.commands());
        assertThat(warnings()).hasSize(1);
    }

    @Test
    void aServerThatDoesNotTellIsNotComplainedOf() {
        redis.commands().configSet("maxmemory-policy", "allkeys-lru");
        redis.commands()
                .aclSetuser(
                        "guest",
                        AclSetuserArgs.Builder.on()
                                .nopass()
                                .addCommand(CommandType.AUTH)
                                .addCommand(CommandType.ACL));
        redis.commands().auth("guest", "any");
        try {
            settings.accept(redis.commands());
        } finally {
            redis.commands().auth("default", "");
        }
        assertThat(warnings()).isEmpty();
        assertThat(log.list)
                .extracting(ILoggingEvent::getFormattedMessage)
                .anySatisfy(line -> assertThat(line).contains("can't be looked for", "NOPERM", "'info'"));
    }
}
