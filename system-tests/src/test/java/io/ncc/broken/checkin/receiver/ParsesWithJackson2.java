package io.ncc.broken.checkin.receiver;

import com.fasterxml.jackson.databind.ObjectMapper;

/** The second JSON library. */
public final class ParsesWithJackson2 {

    final ObjectMapper mapper = new ObjectMapper();
}
