package io.ncc.checkin.service.security;

import java.nio.charset.StandardCharsets;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.HexFormat;

/** What is kept of a bearer token in place of it. A token of this product is random and long, so its digest needs no salt and no stretching. */
public final class TokenDigests {

    private static final HexFormat HEX = HexFormat.of();

    private TokenDigests() {}

    /** The SHA-256 of a token, in lower-case hexadecimal. */
    public static String of(String token) {
        try {
            return HEX.formatHex(MessageDigest.getInstance("SHA-256").digest(token.getBytes(StandardCharsets.UTF_8)));
        } catch (NoSuchAlgorithmException e) {
            throw new IllegalStateException(e); // every JDK has it
        }
    }
}
