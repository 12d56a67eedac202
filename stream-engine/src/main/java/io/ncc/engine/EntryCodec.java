package io.ncc.engine;

import io.lettuce.core.codec.RedisCodec;
import io.lettuce.core.codec.ToByteBufEncoder;
import io.netty.buffer.ByteBuf;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;

/**
 * Maps each byte to one character (ISO 8859-1). So it keeps any bytes that another program wrote, and it is faster than UTF-8, because sizes are
 * known beforehand. It caches the first few field names instead of creating them for each entry.
 */
final class EntryCodec implements RedisCodec<String, String>, ToByteBufEncoder<String, String> {

    private static final int MOST_NAMES = 8;
    private static final int LONGEST_NAME = 64; // they are kept for ever

    private final String[] names = new String[MOST_NAMES];
    private int known;

    /** Called by the connection's one I/O thread. */
    @Override
    public String decodeKey(ByteBuffer bytes) {
        for (int i = 0; i < known; i++) {
            if (isText(names[i], bytes)) {
                return names[i];
            }
        }
        String name = decodeValue(bytes);
        if (known < MOST_NAMES && name.length() <= LONGEST_NAME) {
            names[known++] = name;
        }
        return name;
    }

    private static boolean isText(String text, ByteBuffer bytes) {
        if (text.length() != bytes.remaining()) {
            return false;
        }
        for (int i = 0, at = bytes.position(); i < text.length(); i++, at++) {
            if (text.charAt(i) != (bytes.get(at) & 0xff)) {
                return false;
            }
        }
        return true;
    }

    @Override
    public String decodeValue(ByteBuffer bytes) {
        byte[] copy = new byte[bytes.remaining()];
        bytes.get(copy);
        return new String(copy, StandardCharsets.ISO_8859_1);
    }

    @Override
    public ByteBuffer encodeKey(String key) {
        return encodeValue(key);
    }

    @Override
    public ByteBuffer encodeValue(String value) {
        return ByteBuffer.wrap(value.getBytes(StandardCharsets.ISO_8859_1));
    }

    @Override
    public void encodeKey(String key, ByteBuf target) {
        encodeValue(key, target);
    }

    @Override
    public void encodeValue(String value, ByteBuf target) {
        target.writeBytes(value.getBytes(StandardCharsets.ISO_8859_1));
    }

    @Override
    public int estimateSize(Object keyOrValue) {
        return keyOrValue instanceof String text ? text.length() : 0;
    }

    @Override
    public boolean isEstimateExact() {
        return true;
    }
}
