package io.ncc.broken.checkin.model;

import org.springframework.util.StringUtils;

/** Not plain Java, and not final. */
public class UsesSpring {

    String upper(String text) {
        return StringUtils.capitalize(text);
    }
}
