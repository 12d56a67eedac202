package io.ncc.checkin.benchmarks.contestant;

import io.ncc.checkin.model.Keys;
import java.time.Duration;
import java.util.Arrays;
import java.util.Map;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import org.springframework.core.io.ClassPathResource;
import org.springframework.data.redis.connection.lettuce.LettuceConnectionFactory;
import org.springframework.data.redis.connection.stream.Consumer;
import org.springframework.data.redis.connection.stream.MapRecord;
import org.springframework.data.redis.connection.stream.ReadOffset;
import org.springframework.data.redis.connection.stream.StreamOffset;
import org.springframework.data.redis.core.StringRedisTemplate;
import org.springframework.data.redis.core.script.RedisScript;
import org.springframework.data.redis.stream.StreamMessageListenerContainer;

/** Spring Data's {@link StreamMessageListenerContainer}, as its documentation shows it, with batches as large as the processor's. */
public final class SpringDataProcessor implements Contestant {

    private static final int BATCH = 1_000;
    private static final Duration LONGEST = Duration.ofMinutes(2);

    private final String stream = Keys.unpartitioned().checkins();
    private final RedisScript<Long> script = RedisScript.of(new ClassPathResource("lua/one.lua"), Long.class);
    private final LettuceConnectionFactory connections;
    private final StringRedisTemplate redis;

    public SpringDataProcessor(int port) {
        connections = new LettuceConnectionFactory("127.0.0.1", port);
        connections.afterPropertiesSet();
        connections.start();
        redis = new StringRedisTemplate(connections);
    }

    @Override
    public void prepare(int entries) {
        // there is nothing to prepare
    }

    @Override
    public void drain(int entries) throws InterruptedException {
        CountDownLatch left = new CountDownLatch(entries);
        StreamMessageListenerContainer<String, MapRecord<String, String, String>> container =
                StreamMessageListenerContainer.create(
                        connections,
                        StreamMessageListenerContainer.StreamMessageListenerContainerOptions.builder()
                                .batchSize(BATCH)
                                .pollTimeout(Duration.ofMillis(100))
                                .build());
        container.receive(
                Consumer.from(Keys.GROUP, "spring-data"),
                StreamOffset.create(stream, ReadOffset.lastConsumed()),
                entry -> {
                    count(entry.getId().getValue(), entry.getValue());
                    redis.opsForStream().acknowledge(Keys.GROUP, entry);
                    left.countDown();
                });
        container.start();
        boolean all = left.await(LONGEST.toSeconds(), TimeUnit.SECONDS);
        container.stop();
        if (!all) {
            throw new IllegalStateException("Of " + entries + " entries, " + left.getCount() + " never came");
        }
    }

    private void count(String id, Map<String, String> fields) {
        redis.execute(script, Arrays.asList(PlainUpdate.keys(fields)), (Object[]) PlainUpdate.args(id, fields));
    }
}
