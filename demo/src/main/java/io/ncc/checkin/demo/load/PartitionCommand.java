package io.ncc.checkin.demo.load;

import io.lettuce.core.ClientOptions;
import io.lettuce.core.RedisClient;
import io.lettuce.core.RedisURI;
import io.lettuce.core.codec.StringCodec;
import io.ncc.checkin.demo.Version;
import io.ncc.checkin.model.Partitions;
import io.ncc.redis.Handshakes;
import io.ncc.redis.RedisServers;
import io.ncc.redis.SingleRedis;
import java.io.PrintWriter;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.ITypeConverter;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Spec;
import picocli.CommandLine.TypeConversionException;
import picocli.CommandLine.Unmatched;

/** The command {@code partition}. */
@Command(
        name = "partition",
        mixinStandardHelpOptions = true,
        versionProvider = Version.class,
        description = {
            "Copies a stream without partitions to partitions, with its users and locations.",
            "First stop the receivers, wait until all entries are settled, and stop the other services, too."
        },
        exitCodeListHeading = "%nExit codes:%n",
        exitCodeList = {"0:copied", "1:not copied, or not all; a line on the error output says why", "2:wrong usage"},
        footerHeading = "%nThe partitions:%n",
        footer = {
            "  CHECKIN_PARTITIONS and SPRING_DATA_REDIS_..., or --checkin.partitions and --spring.data.redis..., as for the"
                    + " services that will use them."
        })
public final class PartitionCommand implements Callable<Integer> {

    @Spec
    @SuppressWarnings("NullAway.Init") // by picocli
    private CommandSpec spec;

    @Option(
            names = "--from",
            required = true,
            paramLabel = "URL",
            converter = UriConverter.class,
            description = "The Redis that has the stream, such as redis://localhost:6379.")
    @SuppressWarnings("NullAway.Init") // by picocli
    private RedisURI from;

    @Unmatched
    private List<String> settings = new ArrayList<>();

    @Override
    public Integer call() {
        return new RedisAccess(spec.commandLine(), settings).run(this::copy);
    }

    private void copy(Partitions partitions, RedisServers servers, PrintWriter out) throws LoadException {
        if (!partitions.arePartitioned()) {
            throw new LoadException("checkin.partitions must be set");
        }
        RedisClient client = RedisClient.create(from);
        client.setOptions(RedisAccess.noReconnect(ClientOptions.builder()).build());
        try (var source = new SingleRedis(client).connect(StringCodec.UTF8);
                var targets = Targets.connect(partitions, servers)) {
            new StreamCopy(source, targets, out).copy();
        } finally {
            client.shutdown();
        }
    }

    private static final class UriConverter implements ITypeConverter<RedisURI> {

        @Override
        public RedisURI convert(String value) {
            try {
                RedisURI uri = RedisURI.create(value);
                Handshakes.resolveCredentials(uri);
                return uri;
            } catch (IllegalArgumentException e) {
                throw new TypeConversionException("'" + value + "' is not a URL such as redis://localhost:6379");
            }
        }
    }
}
