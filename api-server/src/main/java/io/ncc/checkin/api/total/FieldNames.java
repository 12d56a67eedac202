package io.ncc.checkin.api.total;

import static java.nio.charset.StandardCharsets.UTF_8;

import io.lettuce.core.codec.StringCodec;
import io.lettuce.core.output.CommandOutput;
import io.lettuce.core.protocol.CommandArgs;
import io.netty.buffer.ByteBuf;
import java.nio.ByteBuffer;
import java.util.HashMap;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/** The names of the fields that an HMGET asks for. They are encoded once, not for each command, which would take a twentieth of the CPU time of a request. */
final class FieldNames {

    private final String[] names;
    private final byte[] encoded;

    private FieldNames(String[] names) {
        this.names = names;
        StringBuilder arguments = new StringBuilder();
        for (String name : names) {
            arguments
                    .append('$')
                    .append(name.getBytes(UTF_8).length)
                    .append("\r\n")
                    .append(name)
                    .append("\r\n");
        }
        encoded = arguments.toString().getBytes(UTF_8);
    }

    static FieldNames of(String... names) {
        return new FieldNames(names.clone());
    }

    String[] toArray() {
        return names.clone();
    }

    /** The arguments of HMGET. */
    CommandArgs<String, String> argumentsFor(String key) {
        return new Arguments().addKey(key);
    }

    /** What HMGET replies: the fields that the hash has. */
    CommandOutput<String, String, Map<String, String>> output() {
        return new Output();
    }

    private final class Arguments extends CommandArgs<String, String> {

        Arguments() {
            super(StringCodec.UTF8);
        }

        @Override
        public int count() {
            return super.count() + names.length;
        }

        @Override
        public void encode(ByteBuf target) {
            super.encode(target);
            target.writeBytes(encoded);
        }
    }

    private final class Output extends CommandOutput<String, String, Map<String, String>> {

        private int next;

        Output() {
            super(StringCodec.UTF8, new HashMap<>());
        }

        @Override
        public void set(@Nullable ByteBuffer value) {
            String name = names[next++];
            if (value != null) {
                byte[] bytes = new byte[value.remaining()];
                value.get(bytes);
                output.put(name, new String(bytes, UTF_8));
            }
        }
    }
}
