package io.ncc.checkin.demo.load;

import io.ncc.checkin.demo.Version;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.EnumSet;
import java.util.List;
import java.util.Locale;
import java.util.Set;
import java.util.concurrent.Callable;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.ArgGroup;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.Parameters;
import picocli.CommandLine.Spec;
import picocli.CommandLine.Unmatched;

/** The command {@code load}. It finds Redis as the services do. */
@Command(
        name = "load",
        mixinStandardHelpOptions = true,
        versionProvider = Version.class,
        description = "Loads users, locations, their details or checkins into Redis.",
        exitCodeListHeading = "%nExit codes:%n",
        exitCodeList = {
            "0:loaded, or --if-absent found a stream",
            "1:a file or Redis is at fault; a line on the error output says where",
            "2:wrong usage"
        },
        footerHeading = "%nCounters:%n",
        footer = {
            "  The counters of users and locations (numCheckins numStars averageStars lastCheckin lastCheckinId lastSeenAt)"
                    + " are written only where Redis has none, everything else always. With --reset they are set to what"
                    + " the records say; without it in the record, 0 or removed. Users and locations that are not among"
                    + " the records keep theirs. With partitions, the counters of a location are written in its own"
                    + " partition, and --reset also deletes what the others have of it.",
            "  \"load all --reset\" starts over. \"load checkins --reset\" alone leaves the deleted checkins counted in the"
                    + " users and locations. Stop receivers and processors before --reset. Otherwise checkins that are"
                    + " stored or processed during the reset may be counted only partly. Stop receivers before you load checkins of the past, too: the stream takes"
                    + " ids in ascending order only.",
            "",
            "Indexes:",
            "  Users and locations are loaded together with the indexes that the API server finds them by. \"load indexes\""
                    + " makes these from the users and locations that are in Redis, such as those that another program"
                    + " wrote. Services may run meanwhile.",
            "",
            "Redis:",
            "  As for the services: SPRING_DATA_REDIS_HOST, ..._PORT, ..._URL, ..._USERNAME, ..._PASSWORD,"
                    + " ..._SSL_ENABLED, ..._SENTINEL_NODES, ..._CLUSTER_NODES and so on, or"
                    + " --spring.data.redis.port=6380 as an argument. If the services have partitions, then"
                    + " CHECKIN_PARTITIONS or --checkin.partitions, too."
        })
public final class LoadCommand implements Callable<Integer> {

    @Spec
    @SuppressWarnings("NullAway.Init") // by picocli
    private CommandSpec spec;

    @Parameters(paramLabel = "WHAT", description = "One of ${COMPLETION-CANDIDATES}.")
    @SuppressWarnings("NullAway.Init") // by picocli
    private Selection selection;

    @Option(
            names = "--dir",
            paramLabel = "DIR",
            description = {
                "Takes users.json, locations.json, locationdetails.json and checkins.json from this directory instead of the"
                        + " built-in sample data. With \"all\", locationdetails.json may be missing. All is checked before anything is written. Passwords may be bcrypt or plain text;"
                        + " they are stored as bcrypt. Checkins must be in ascending order of their ids. All"
                        + " records are held in memory: a million users take -Xmx512m."
            })
    private @Nullable Path directory;

    @Option(
            names = "--password-cost",
            paramLabel = "N",
            defaultValue = "" + Loader.DEFAULT_PASSWORD_COST,
            description = {
                "The cost of the bcrypt hash of a plain password, 4 to 16, ${DEFAULT-VALUE} by default. A hash takes about 0.1 s at"
                        + " 10, and each step doubles that."
            })
    private int passwordCost;

    @ArgGroup
    private ExistingStream existingStream = new ExistingStream();

    @Unmatched
    private List<String> settings = new ArrayList<>();

    @Override
    public Integer call() {
        RedisAccess redis = new RedisAccess(spec.commandLine(), settings);
        requirePasswordCost();
        if (selection == Selection.INDEXES) {
            requireNoOption();
            return redis.run((partitions, servers, out) -> {
                try (Targets targets = Targets.connect(partitions, servers)) {
                    targets.agree();
                    new IndexBuild(targets, out).run();
                }
            });
        }
        return redis.run((partitions, servers, out) -> {
            try (Loader loader = Loader.connect(partitions, servers, out, passwordCost)) {
                if (existingStream.keep && loader.streamExists()) {
                    out.println("there is a stream of checkins already: nothing loaded");
                    return;
                }
                Set<Kind> kinds = selection.kinds();
                Dataset data = directory == null ? SampleData.dataset() : new JsonFiles(directory).read(kinds);
                loader.load(data, kinds, existingStream.reset);
            }
        });
    }

    private void requirePasswordCost() {
        if (passwordCost < Loader.MIN_PASSWORD_COST || passwordCost > Loader.MAX_PASSWORD_COST) {
            throw new ParameterException(
                    spec.commandLine(), "--password-cost must be from 4 to 16, not " + passwordCost);
        }
    }

    private void requireNoOption() {
        if (directory != null || existingStream.reset || existingStream.keep) {
            throw new ParameterException(
                    spec.commandLine(),
                    "indexes are made from what is in Redis: --dir, --reset and --if-absent mean nothing");
        }
    }

    /** What can be asked for at once. */
    private enum Selection {
        USERS,
        LOCATIONS,
        LOCATIONDETAILS,
        CHECKINS,
        INDEXES,
        ALL;

        Set<Kind> kinds() {
            return this == ALL ? EnumSet.allOf(Kind.class) : EnumSet.of(Kind.valueOf(name()));
        }

        @Override
        public String toString() {
            return name().toLowerCase(Locale.ROOT);
        }
    }

    /** What to do about a stream that exists; by default it is appended to. */
    private static final class ExistingStream {

        @Option(
                names = "--reset",
                description = {
                    "Starts over. With checkins: first deletes the stream with its groups, the checkpoints, settled"
                            + " ranges and totals of the processors, the dead letters, and then the boards. With users and locations: see Counters."
                })
        private boolean reset;

        @Option(names = "--if-absent", description = "Loads nothing at all if there is a stream of checkins.")
        private boolean keep;
    }
}
